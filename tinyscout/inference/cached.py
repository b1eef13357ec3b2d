"""Cached: what `generate` drives, over a compiled model: every sequence keeps its keys and values."""

import numpy as np

from tinyscout.inference.cache import KVCache
from tinyscout.inference.compiled import Compiled
from tinyscout.tokenizer import Tokens


class Cached:
    """Sequences that a compiled model continues, a row of one token at a time. Writes what `Uncached` writes."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.caches: list[KVCache] = []

    def prefill(self, prompts: Tokens) -> np.ndarray:
        """Take in whole prompts (B): logits (B, V) of what follows each. Caches of earlier prompts are used again."""
        self.caches += [self.compiled.cache() for _ in range(len(prompts) - len(self.caches))]
        logits = np.empty((len(prompts), self.compiled.config.language), np.float32)
        for row, (start, end) in enumerate(zip(prompts.offsets[:-1], prompts.offsets[1:], strict=True)):
            cache, one = self.caches[row], slice(start, end)
            cache.truncate()
            logits[row] = self.compiled.prefill(prompts.ids[one], prompts.values[one], prompts.ages[one], cache)
        return logits

    def decode(self, rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """One more token ids (b,) for each of the sequences rows (b,): logits (b, V) of what follows."""
        return np.stack(
            [self.compiled.decode(int(token), self.caches[row]) for row, token in zip(rows, ids, strict=True)]
        )
