"""Many leads through a model: cut into batches of like length, shared out over the machine's cores.

A batch is measured in tokens, so that its activations stay in the cache whether leads are short or long: 4,096 tokens
need half the time of 256 leads. The number of threads changes nothing in what a batch gives.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from tinyscout.autograd import keep_freed_memory

BATCH_TOKENS = 4096
MOST_THREADS = 8  # beyond, the threads wait for Python's lock


def batches_of_tokens(lengths: np.ndarray, tokens: int = BATCH_TOKENS) -> list[np.ndarray]:
    """Rows in batches of at most `tokens` tokens with their padding, at least one row each; every row comes once.

    lengths (N,); shortest leads first, ties in row order, so that little is padding.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = np.asarray(lengths)[order]
    batches, start = [], 0
    while start < len(order):
        some = ordered[start : start + tokens // max(int(ordered[start]), 1)]
        area = np.arange(1, len(some) + 1) * some  # of a batch that ends with each of these rows; rises
        size = max(1, int(np.searchsorted(area, tokens, side="right")))
        batches.append(order[start : start + size])
        start += size
    return batches


def for_each_batch(work: Callable[[np.ndarray], None], batches: Sequence[np.ndarray]) -> None:
    """work(rows) for every batch, on a thread a core where there are several batches; raises what `work` raises.

    `work` must be safe to run beside itself: writing to the rows of a shared array is.
    """
    threads = min(cores(), MOST_THREADS, len(batches))
    if threads <= 1:
        for rows in batches:
            work(rows)
        return
    keep_freed_memory()  # without, the threads give every activation's pages back: a third more CPU time
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, batches):
            pass


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
