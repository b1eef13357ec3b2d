"""Compile every kernel ahead, by calling each once on tiny arrays of the types that the rest of tinyscout gives it."""

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyscout import kernels
from tinyscout.kernels import forward, forward_experts
from tinyscout.kernels.jit import JIT

f32 = np.float32


def _products() -> None:
    a, b = np.ones((2, 16), f32), np.ones((16, 16), f32)
    kernels.matmul(a, b)


def _layers() -> None:
    x, weight = np.ones((64, 32), f32), np.ones((32, 32), f32)
    kernels.linear(x, weight, weight[0])
    kernels.linear_backward_input(x, weight)
    kernels.linear_backward_weight(x, x)
    kernels.linear_packed(x, kernels.pack_weight(weight), weight[0], np.empty_like(x))
    down = np.ones((32, 64), f32)
    _, saved = kernels.mlp_branch(x, weight[0], weight[0], down.T.copy(), down[0], down, weight[0])
    kernels.mlp_branch_backward(x, x, weight[0], weight[0], down.T.copy(), down, saved)
    kernels.linear_int8(x, kernels.pack_int8(weight), weight[0])


def _attention() -> None:
    q = np.ones((1, 1, 4, 16), f32)
    y, lse = kernels.attention(q, q, q)
    kernels.attention_backward(q, q, q, q, y, lse)
    x, weight = np.ones((1, 4, 16), f32), np.ones((48, 16), f32)
    weights = weight[0], weight[0], weight, weight[:16]
    _, saved = kernels.attention_branch(x, *weights[:3], weight[:, 0].copy(), weights[3], weight[0], heads=1)
    kernels.attention_branch_backward(x, x, *weights, saved, heads=1)


def _rows() -> None:
    x, gain = np.ones((2, 16), f32), np.ones(16, f32)
    _, mean, rstd = kernels.layer_norm(x, gain, gain)
    kernels.layer_norm_backward(x, x, gain, mean, rstd)
    kernels.gelu_backward(kernels.gelu(x), x)
    kernels.softmax_backward(kernels.softmax(x), x)
    kernels.cross_entropy(x, np.zeros(2, np.int64))


def _updates() -> None:
    ids, rows, values = np.zeros(2, np.int64), np.ones((2, 16), f32), np.ones(2, f32)
    kernels.gather_add(rows, rows, ids)
    kernels.gather_add(rows, rows, ids, values=values)
    kernels.scatter_add(ids, rows, 1)
    kernels.scatter_add(ids, rows, 1, values=values)
    kernels.adamw(rows, rows.copy(), rows.copy(), rows.copy(), lr=0.1, beta1=0.9, beta2=0.9, eps=1e-8,
                  weight_decay=0.0, step=1)  # fmt: skip


def _forward(code: Any = forward) -> None:
    memory, table = np.zeros(64, np.uint8), np.tile([0, 1, 1, 1, 1], (40, 1))
    ids, floats, counts = np.zeros(0, np.int32), np.zeros(0, f32), np.zeros(1, np.int32)
    cache = np.zeros((1, 1, 1, 1), f32), np.zeros((1, 1, 1), f32)
    arenas = memory, table, memory.copy(), table.copy()
    for kernel in code.REPLY.values():  # of no leads
        kernel(*arenas, ids, floats, floats, np.zeros(1, np.int64), floats, ids, counts, 0, 0, np.zeros(0))
    for kernel in code.EXTEND.values():  # of no tokens
        kernel(*arenas, ids, floats, floats, 0, *cache, floats)


#: What is compiled, a step of a few seconds each.
STEPS: dict[str, Callable[[], None]] = {
    "products": _products,
    "layers": _layers,
    "attention": _attention,
    "rows": _rows,
    "updates": _updates,
    "forward": _forward,
    "experts": functools.partial(_forward, forward_experts),
}


def warm(progress: Callable[[str, int, int], None] | None = None) -> float:
    """Compile what is not in the cache yet, and return the seconds that took: see jit.FIRST_COMPILE_SECONDS.

    progress(what, done, total) is told of each step. Nothing to do under NUMBA_DISABLE_JIT=1.
    """
    start = time.perf_counter()
    if JIT:
        for done, step in enumerate(STEPS.values()):
            if progress is not None:
                progress("compiling kernels", done, len(STEPS))
            step()
        if progress is not None:
            progress("compiling kernels", len(STEPS), len(STEPS))
    return time.perf_counter() - start
