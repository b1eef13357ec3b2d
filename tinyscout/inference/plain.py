"""Plain: what `Compiled` answers, from the NumPy model, for NUMBA_DISABLE_JIT=1. Slow, and to read."""

from typing import cast

import numpy as np

from tinyscout.autograd import no_grad
from tinyscout.inference.cache import KVCache
from tinyscout.inference.compiled import Compiled
from tinyscout.inference.quantize import Quantized
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.tokenizer import Padded


class TokenCache(KVCache):
    """Remembers the tokens themselves; every next one is read with all before it."""

    def __init__(self, *sizes) -> None:
        super().__init__(*sizes)
        self.amounts = np.zeros(self.max_tokens, np.float32)
        self.ages = np.zeros(self.max_tokens, np.float32)


class Plain(Compiled):
    """A LeadScout behind the interface of `Compiled`."""

    cache_type = TokenCache

    def __init__(self, model: LeadScout | Quantized, threads: int) -> None:
        super().__init__(model, threads)
        self.model = LeadScout(model.config, rng=np.random.default_rng(0)).eval()
        arrays = model.float32() if isinstance(model, Quantized) else model.state_dict()
        own = self.model.state_dict()
        self.model.load_state_dict({name: arrays.get(name, array) for name, array in own.items()})

    def _reply(self, examples: Examples, out: np.ndarray) -> None:
        self._check(examples.tokens.ids, examples.tokens.lengths)
        out[:] = predict_logits(self.model, examples)

    def _extend(self, ids, values, ages, cache, chunk) -> np.ndarray:
        cache = cast(TokenCache, cache)
        self._check(ids, np.array([len(ids)]))
        new, read = slice(cache.length, cache.length + len(ids)), slice(0, cache.length + len(ids))
        cache.ids[new], cache.amounts[new], cache.ages[new] = ids, values, ages
        cache.length = read.stop
        batch = Padded(cache.ids[None, read], cache.amounts[None, read], cache.ages[None, read], np.array([read.stop]))
        with no_grad():
            return self.model.language_logits(batch).data[0, -1]

    def _check(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        most, vocabulary = self.config.max_tokens, self.config.vocabulary
        if np.any((lengths < 1) | (lengths > most)) or np.any((ids < 0) | (ids >= vocabulary)):
            self._refuse(ids, lengths)
