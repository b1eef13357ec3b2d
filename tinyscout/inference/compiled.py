"""Compiled: a LeadScout whose weights are packed, and whose forward is one compiled function."""

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from tinyscout.errors import InputError
from tinyscout.inference.cache import KVCache
from tinyscout.inference.packing import new_scratch, pack_routers, pack_weights, sizes_of
from tinyscout.inference.quantize import Quantized, quantize
from tinyscout.kernels import forward, forward_experts
from tinyscout.kernels.arena import Arena, arena_of, leaves
from tinyscout.kernels.forward import BLOCK
from tinyscout.kernels.jit import JIT
from tinyscout.models.batches import cores
from tinyscout.models.lead_scout import Examples, LeadScout

DTYPES = ("float32", "int8")
SHARE = 4096
"""Tokens that a thread takes at a time: 4 ms of work and more, so that handing it over costs nothing."""

_MOST_FEATURES = np.iinfo(np.int32).max  # places in the features are 32-bit numbers


class Compiled:
    """A LeadScout for prediction. Make one with `compile`.

    Its methods may be called from any number of threads, also after a fork; `threads` is how many of its own `logits`
    uses for many leads.
    """

    cache_type = KVCache

    def __init__(self, model: LeadScout | Quantized, threads: int) -> None:
        in_bytes = isinstance(model, Quantized)
        arrays = model.float32() if in_bytes else model.state_dict()
        self.config = model.config
        self.threads = threads
        dtype, routed = "int8" if in_bytes else "float32", self.config.experts > 1  # one expert is an MLP
        code = forward_experts if routed else forward
        self._reply_kernel, self._extend_kernel = code.REPLY[dtype], code.EXTEND[dtype]
        self._sizes = sizes_of(model.config)
        self._frequencies = arrays["age.project.weight"].shape[1] // 2 - 1
        weights = leaves(pack_weights(model.config, arrays, model.matrices if in_bytes else None))
        self._weights = arena_of([*weights, *(pack_routers(model.config, arrays) if routed else ())])
        self._free: list[Arena] = []  # append and pop are atomic

    def logits(self, examples: Examples) -> np.ndarray:
        """Reply logits (N,) float64 in the order of `examples`; a lead's bits don't depend on the others.

        Raises InputError for leads that this model can't read.
        """
        tokens, features = examples.tokens, examples.features
        if features.shape != (len(tokens), self.config.wide):
            raise InputError(
                f"Compiled.logits: features have shape {features.shape}, this model needs "
                f"{(len(tokens), self.config.wide)}; make them with the scout that holds the model"
            )
        out = np.empty(len(tokens))
        self._reply(examples, out)
        return out

    def _reply(self, examples: Examples, out: np.ndarray) -> None:
        tokens, features = examples.tokens, examples.features
        if len(features.data) > _MOST_FEATURES:
            raise InputError(
                f"Compiled.logits: {len(tokens):,} leads have {len(features.data):,} features, at most "
                f"{_MOST_FEATURES:,} can be read at once; score fewer leads at a time"
            )
        arrays = (
            _as(tokens.ids, np.int32),
            _as(tokens.values, np.float32),
            _as(tokens.ages, np.float32),
            _as(tokens.offsets, np.int64),
            _as(features.data, np.float32),
            _as(features.indices, np.int32),
            _as(features.indptr, np.int32),
        )

        def work(spans: Iterable[tuple[int, int]]) -> None:
            scratch = self._scratch()
            for span in spans:
                if not self._reply_kernel(*self._weights, *scratch, *arrays, *span, out):
                    self._refuse(tokens.ids, tokens.lengths)
            self._free.append(scratch)

        if self.threads == 1 or len(tokens.ids) <= SHARE:
            work([(0, len(tokens))])
            return
        spans = iter(_spans(tokens.offsets, -(-len(tokens.ids) // SHARE)))  # each is taken once, by whoever is free
        workers = _workers(self.threads - 1, os.getpid())
        others = [workers.submit(work, spans) for _ in range(self.threads - 1)]
        try:
            work(spans)
        finally:  # also after an error: the arrays that others read are the caller's, who may go on to change them
            deque(spans, maxlen=0)  # nobody takes another share
            begun = [other for other in others if not other.cancel()]
            wait(begun)
        for other in begun:
            other.result()

    def cache(self) -> KVCache:
        """An empty cache for `prefill` and `decode`, as long as the model can read."""
        return self.cache_type(self._sizes, self.config.depth, self.config.max_tokens)

    def prefill(
        self, ids: np.ndarray, values: np.ndarray, ages: np.ndarray, cache: KVCache, *, chunk: int = BLOCK
    ) -> np.ndarray:
        """Read tokens (n,) into the cache, `chunk` at a time -> language logits (V,) of the token that follows them.

        However they are cut, the bits are the same. Raises InputError where the shapes differ, or for lack of room.
        """
        ids, values, ages = _as(ids, np.int32), _as(values, np.float32), _as(ages, np.float32)
        if not len(ids):
            raise InputError("Compiled.prefill: there are no tokens; give one at least, such as <score>")
        if not ids.shape == values.shape == ages.shape == (ids.size,):
            raise InputError(
                f"Compiled.prefill: ids {ids.shape}, values {values.shape} and ages {ages.shape} differ in shape; "
                "needs (n,), a token each"
            )
        cache.claim(len(ids))
        return self._extend(ids, values, ages, cache, min(max(chunk, 1), BLOCK))

    def _extend(self, ids: np.ndarray, values: np.ndarray, ages: np.ndarray, cache: KVCache, chunk: int) -> np.ndarray:
        if cache.made_for != (self._sizes, self.config.depth, self.config.max_tokens):
            raise InputError("Compiled: the cache was made by a model of other sizes; use this model's cache()")
        out, scratch = np.empty(self.config.language, np.float32), self._scratch()
        for start in range(0, len(ids), chunk):
            some = slice(start, start + chunk)
            end = cache.length + len(ids[some])
            cache.ids[cache.length : end] = ids[some]
            parts = cache.ids[:end], values[some], ages[some]
            if not self._extend_kernel(*self._weights, *scratch, *parts, cache.length, cache.keys, cache.values, out):
                self._refuse(ids, np.array([len(ids)]))
            cache.length = end
        self._free.append(scratch)
        return out

    def decode(self, token: int, cache: KVCache) -> np.ndarray:
        """Read one more token, without amount or age -> language logits (V,) of the one that follows it."""
        cache.claim(1)
        cache.token[0] = token
        return self._extend(cache.token, cache.no_amount, cache.no_age, cache, 1)

    def _scratch(self) -> Arena:
        """Scratch that no other thread uses; put back into _free after use."""
        try:
            return self._free.pop()
        except IndexError:
            return new_scratch(self._sizes, self.config.max_tokens, self._frequencies)

    def _refuse(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        """Say what the compiled code could not read."""
        if lengths.max() > self.config.max_tokens or lengths.min() < 1:
            raise InputError(
                f"Compiled: leads have {lengths.min()} to {lengths.max()} tokens, this model reads 1 to "
                f"{self.config.max_tokens}; truncate them with Tokens.truncate"
            )
        raise InputError(
            f"Compiled: token ids go from {ids.min()} to {ids.max()}, this model's from 0 to "
            f"{self.config.vocabulary - 1}; use the tokenizer it was fitted with"
        )


def compile(model: LeadScout | Quantized, dtype: str | None = None, *, threads: int | None = None) -> Compiled:
    """Pack a model's weights for prediction; later changes of the model don't reach the result.

    dtype: float32 or int8; when None float32, and int8 for a model that is quantised already. threads: as many as the
    process may use when None. Raises InputError for a dtype there is no kernel for.
    """
    in_bytes = isinstance(model, Quantized)
    dtype = dtype or ("int8" if in_bytes else "float32")
    if dtype not in DTYPES or (in_bytes and dtype != "int8"):
        raise InputError(f'compile: dtype is "{dtype}", needs {"" if in_bytes else "float32 or "}int8')
    if dtype == "int8" and not isinstance(model, Quantized):
        model = quantize(model)
    if not JIT:
        from tinyscout.inference.plain import Plain

        return Plain(model, 1)
    return Compiled(model, cores() if threads is None else max(1, threads))


@cache
def _workers(threads: int, process: int) -> ThreadPoolExecutor:
    """So many threads, which wait for work: to start them takes 1 ms. A fork leaves them behind with the process."""
    return ThreadPoolExecutor(threads, thread_name_prefix=f"tinyscout-{process}")


def _as(x: Any, dtype: type) -> np.ndarray:
    """x as the compiled code needs it; a copy only where it is not."""
    return np.ascontiguousarray(x, dtype)


def _spans(offsets: np.ndarray, shares: int) -> list[tuple[int, int]]:
    """Leads cut into about so many spans of as many tokens each."""
    cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], shares + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], cuts, [len(offsets) - 1]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]
