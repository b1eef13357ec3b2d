"""A mixture of experts in a compiled forward: which experts a row takes, and rows sorted by expert and back.

Arrays are flat. Choice i is one of row i // top_k. Nothing depends on the other rows but where a row lies while its
experts work on it. The readable twin is nn/moe.py.
"""

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.rows import dot_row
from tinyscout.kernels.simd import LANES, fma, load, splat, store

f32 = np.float32
ONE = f32(1)


@kernel
def route(rows, width, stride, x, router, first, experts, top_k, chosen, gates):
    """The best one or two of the experts for each row, and how much each of them counts (autograd.ops.gates).

    Expert e's logit is x @ router[first + e]; of equal logits the first expert wins, as with argmax.
    """
    for r in range(rows):
        best, second, top, next_top, total = 0, 0, f32(0), f32(0), f32(0)
        for e in range(experts):
            logit = dot_row(width, x, r * stride, router[first + e])
            if e == 0:
                best, top, total = 0, logit, ONE
            elif logit > top:
                total = total * np.exp(top - logit) + ONE  # of exp(logit - top) so far
                second, next_top, best, top = best, top, e, logit
            else:
                total += np.exp(logit - top)
                if e == 1 or logit > next_top:
                    second, next_top = e, logit
        if top_k == 1:
            chosen[r], gates[r] = best, ONE / total
        else:
            odds = np.exp(next_top - top)
            chosen[2 * r], gates[2 * r] = best, ONE / (ONE + odds)
            chosen[2 * r + 1], gates[2 * r + 1] = second, odds / (ONE + odds)


@kernel
def group(choices, experts, chosen, order, ends):
    """order = the choices sorted by expert, each expert's in their order; ends[e] = where those of expert e end."""
    for e in range(experts + 1):
        ends[e] = 0
    for i in range(choices):
        ends[chosen[i] + 1] += 1
    for e in range(experts):
        ends[e + 1] += ends[e]
    for i in range(choices):  # ends[e] is where e's next one goes: after its last, that is where they end
        e = chosen[i]
        order[ends[e]] = i
        ends[e] += 1


@kernel
def gather(choices, top_k, stride, x, order, out):
    """Row i of out = the row of x that choice order[i] is of."""
    for i in range(choices):
        source = order[i] // top_k * stride
        for j in range(0, stride, LANES):
            store(out, i * stride + j, load(x, source + j))


@kernel
def add_gated(choices, top_k, stride, y, gates, order, x):
    """x[the row of choice order[i]] += its gate * row i of y."""
    for i in range(choices):
        gate, to = splat(gates[order[i]]), order[i] // top_k * stride
        for j in range(0, stride, LANES):
            store(x, to + j, fma(gate, load(y, i * stride + j), load(x, to + j)))
