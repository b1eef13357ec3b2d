"""Attention of one head over keys that lie as columns: of one lead in a batch, or in a key-value cache.

The logits are to base 2: log2(e) and their scale are part of the weights of queries. A row gives the same bits alone
or in a tile.
"""

import numpy as np

from tinyscout.kernels.arena import up
from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import (
    LANES,
    TILE_ROWS,
    at_least,
    first_of,
    fma,
    largest_of,
    load,
    splat,
    store,
    store_first,
    store_transposed,
    sum_of,
)
from tinyscout.kernels.tile import multiply
from tinyscout.kernels.vmath import exp2_of_negative

f32 = np.float32
ZERO, ONE, LEAST = f32(0), f32(1), np.finfo(f32).min
_up = kernel(up)


@kernel
def keys_as_columns(x, x0, x_row, n, width, into, into0, long):
    """into[k, t] = x[t, k] for n rows of a head; zeros right of and below them up to whole registers."""
    for t in range(0, n, LANES):
        for j in range(0, width, LANES):
            start = x0 + t * x_row + j
            store_transposed(x, start, x_row, n - t, width - j, into, into0 + j * long + t, long)


@kernel
def _weights(w, at, n, end):
    """n logits to 2^(logit - largest), in place, then zeros up to `end`; returns their sum."""
    top = splat(LEAST)
    for j in range(0, n, LANES):
        top = at_least(first_of(load(w, at + j), n - j, top), top)
    largest, total = splat(largest_of(top)), splat(ZERO)
    for j in range(0, n, LANES):
        e = first_of(exp2_of_negative(load(w, at + j) - largest), n - j, splat(ZERO))
        store(w, at + j, e)
        total = total + e
    for j in range(_up(n, LANES), end, LANES):
        store(w, at + j, splat(ZERO))
    return sum_of(total)


@kernel
def attend_one(seen, width, q, q0, keys, keys0, long, v, v0, v_row, weights, y, y0):
    """The query at q0 over the first `seen` keys; up to two registers of keys and weights more are touched."""
    for j in range(0, seen, 2 * LANES):  # two sums at once, because one waits for itself
        left = right = splat(ZERO)
        for k in range(width):
            q_k, at = splat(q[q0 + k]), keys0 + k * long + j
            left, right = fma(q_k, load(keys, at), left), fma(q_k, load(keys, at + LANES), right)
        store(weights, j, left)
        store(weights, j + LANES, right)
    share = splat(ONE / _weights(weights, 0, seen, seen))
    for j in range(0, width, 2 * LANES):
        left = right = splat(ZERO)
        for t in range(seen):
            weight, at = splat(weights[t]), v0 + t * v_row + j
            left, right = fma(weight, load(v, at), left), fma(weight, load(v, at + LANES), right)
        store_first(y, y0 + j, width - j, left * share)
        store_first(y, y0 + j + LANES, width - j - LANES, right * share)


@kernel
def attend(rows, at, width, q, q0, q_row, keys, keys0, long, v, v0, v_row, weights, tile, y, y0, y_row):
    """Queries at positions at, at + 1, ..., each over the keys up to its own position.

    keys (width, long) hold the keys as columns, a register less than long at most; weights and tile are scratch of
    TILE_ROWS rows, `long` and the width rounded up to LANES wide. q and v are read up to a tile beyond what is used.
    """
    if rows == 1:
        attend_one(at + 1, width, q, q0, keys, keys0, long, v, v0, v_row, weights, y, y0)
        return
    wide = _up(width, LANES)
    for i in range(0, rows, TILE_ROWS):
        some = min(TILE_ROWS, rows - i)
        reach = at + i + some  # what the last of these rows sees
        end = _up(reach, LANES)
        multiply(end, width, q, q0 + i * q_row, q_row, 1, keys, keys0, long, weights, 0, long, False)
        for r in range(some):
            total = _weights(weights, r * long, at + i + r + 1, end)
            weights[r * long + end] = ONE / total  # behind the last weight, until the row is mixed
        multiply(wide, reach, weights, 0, long, 1, v, v0, v_row, tile, 0, wide, False)
        for r in range(some):
            share = splat(weights[r * long + end])
            for j in range(0, width, LANES):
                store_first(y, y0 + (i + r) * y_row + j, width - j, load(tile, r * wide + j) * share)
