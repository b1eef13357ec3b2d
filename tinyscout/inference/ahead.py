"""Compile the whole forward ahead, by running a tiny model once in each type."""

import time
from collections.abc import Callable

import numpy as np
from scipy import sparse

from tinyscout.inference.compiled import Compiled
from tinyscout.inference.quantize import quantize
from tinyscout.kernels.jit import JIT
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens


def warm(progress: Callable[[str, int, int], None] | None = None) -> float:
    """Compile what predicts and writes, where it is not in the cache yet, and return the seconds that took.

    progress(what, done, total) is told of each step. Nothing to do under NUMBA_DISABLE_JIT=1.
    """
    start = time.perf_counter()
    if JIT:
        model = LeadScout(LeadScoutConfig(8, 4, (5,), 1, 8, 2, 2, 4), rng=np.random.default_rng(0))
        for done, kind in enumerate((model, quantize(model))):
            if progress is not None:
                progress("compiling the forward", done, 2)
            _run(Compiled(kind, threads=1))
        if progress is not None:
            progress("compiling the forward", 2, 2)
    return time.perf_counter() - start


def _run(compiled: Compiled) -> None:
    ids, values, ages = np.arange(3, dtype=np.int32), np.zeros(3, np.float32), np.ones(3, np.float32)
    tokens = Tokens(ids, values, ages, np.array([0, 3]), np.zeros(1, np.int32))
    compiled.logits(Examples(tokens, sparse.csr_matrix(np.ones((1, 1), np.float32))))
    compiled.prefill(ids, values, ages, compiled.cache())
