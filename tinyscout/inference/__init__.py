"""Inference: what makes probabilities and texts of a trained model.

compiled = compile(model)                   # weights packed once; one compiled function, no Python between layers
compiled.logits(examples)                   # reply logits (N,)
cache = compiled.cache()
compiled.prefill(ids, values, ages, cache)  # language logits (V,) of the next token
compiled.decode(token, cache)
"""

from tinyscout.inference.cache import KVCache
from tinyscout.inference.compiled import Compiled, compile

__all__ = ["Compiled", "KVCache", "compile"]
