"""The machine code of attention: a tile of queries at a time, so that the weights of a head never leave the cache.

Flat arrays with (batch, head, row) strides in elements; multihead.py is the way in, and has the NumPy twin. The
backward recomputes the weights from the log-sum-exp of each row (Dao et al. 2022, FlashAttention, Algorithm 4).
"""

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import (
    LANES,
    TILE_ROWS,
    at_least,
    first_of,
    fma,
    largest_of,
    load,
    load_first,
    splat,
    store,
    store_first,
    store_transposed,
    sum_of,
)
from tinyscout.kernels.tile import multiply
from tinyscout.kernels.vmath import exp

f32 = np.float32
ZERO, ONE, LEAST = f32(0), f32(1), np.finfo(f32).min
PAD = max(LANES, TILE_ROWS)  # scratch has rows of this multiple, so that whole registers and tiles fit
QUERIES = 64  # query rows whose weights the backward holds at once


@kernel
def _up(n, multiple):
    return (n + multiple - 1) // multiple * multiple


@kernel
def _scratch(n):
    """n float32, uninitialised, on a 64-byte boundary: a register load that straddles two cache lines costs double."""
    memory = np.empty(n + 16, np.float32)
    skip = (-(memory.ctypes.data >> 2)) & 15
    return memory[skip : skip + n]


@kernel
def _pack_rows(x, x0, x_row, n, width, scale, into, wide, tall):
    """n rows of a head, scaled, as rows of `wide`; zeros right of them and down to row `tall`."""
    for i in range(n):
        for j in range(0, width, LANES):
            store(into, i * wide + j, load_first(x, x0 + i * x_row + j, width - j) * splat(scale))
    for j in range(n * wide, tall * wide, LANES):
        store(into, j, splat(ZERO))


@kernel
def _unpack_row(packed, at, width, scale, x, x0):
    for j in range(0, width, LANES):
        store_first(x, x0 + j, width - j, load(packed, at + j) * splat(scale))


@kernel
def _zero_rows(x, x0, x_row, first, last, width):
    for i in range(first, last):
        for j in range(0, width, LANES):
            store_first(x, x0 + i * x_row + j, width - j, splat(ZERO))


@kernel
def _pack_columns(x, x0, x_row, n, width, into, long):
    """n rows of a head as columns: into[k, t] = x[t, k]; zeros to the right, up to `long`."""
    for t in range(0, long, LANES):
        for j in range(0, width, LANES):
            store_transposed(x, x0 + t * x_row + j, x_row, n - t, width - j, into, j * long + t, long)


@kernel
def _visible(at, keys, causal):
    """How many keys the query at a position reads."""
    return min(keys, at + 1) if causal else keys


@kernel
def _weights_of_rows(w, long, rows, first, keys, causal, end, lse, totals):
    """Logits of `rows` queries from position `first` on to exp(logit - row maximum), in place; then zeros up to `end`.

    Writes the log-sum-exp of each row and the sum of its exponentials, by which the caller divides the K outputs of the
    row rather than its weights.
    """
    for r in range(rows):
        at, n = r * long, _visible(first + r, keys, causal)
        top = splat(LEAST)
        for j in range(0, n, LANES):
            top = at_least(first_of(load(w, at + j), n - j, top), top)
        largest = largest_of(top)
        total = splat(ZERO)
        for j in range(0, n, LANES):
            e = first_of(exp(load(w, at + j) - splat(largest)), n - j, splat(ZERO))
            store(w, at + j, e)
            total = total + e
        for j in range(_up(n, LANES), end, LANES):
            store(w, at + j, splat(ZERO))
        totals[r] = sum_of(total)
        lse[r] = largest + np.log(totals[r])


@kernel
def _weights_and_gradient(p, g, p0, long, rows, first, keys, causal, end, lse, along):
    """In place: logits p to weights, their cotangent g to that of the logits; then zeros up to `end`."""
    for r in range(rows):
        at, n = p0 + r * long, _visible(first + r, keys, causal)
        for j in range(0, n, LANES):
            e = first_of(exp(load(p, at + j) - splat(lse[r])), n - j, splat(ZERO))
            store(p, at + j, e)
            store(g, at + j, first_of(e * (load(g, at + j) - splat(along[r])), n - j, splat(ZERO)))
        for j in range(_up(n, LANES), end, LANES):
            store(p, at + j, splat(ZERO))
            store(g, at + j, splat(ZERO))


@kernel
def _dot(a, a0, b, b0, width):
    total = splat(ZERO)
    for j in range(0, width, LANES):
        total = fma(load_first(a, a0 + j, width - j), load_first(b, b0 + j, width - j), total)
    return sum_of(total)


@kernel
def _lengths_of(length, n_keys, n_queries, offset):
    """Keys that may be read and queries that are no padding; a negative length stands for none given."""
    if length < 0:
        return n_keys, n_queries
    return min(length, n_keys), min(max(length - offset, 0), n_queries)


@kernel
def forward(q, qs, k, ks, v, vs, y, ys, lse, shape, lengths, causal, scale, offset, first, last):
    """Leads first to last. Arrays are flat; qs, ks, vs, ys are their (batch, head, row) strides in elements."""
    heads, n_queries, n_keys, width = shape
    wide, long = _up(width, LANES), _up(n_keys, PAD)
    k_columns, v_rows = _scratch(wide * long), _scratch(long * wide)
    q_tile, y_tile, weights = _scratch(TILE_ROWS * wide), _scratch(TILE_ROWS * wide), _scratch(TILE_ROWS * long)
    totals = _scratch(TILE_ROWS)
    for b in range(first, last):
        keys, queries = _lengths_of(lengths[b], n_keys, n_queries, offset)
        if keys == 0:
            queries = 0
        for h in range(heads):
            q0, y0, lse0 = b * qs[0] + h * qs[1], b * ys[0] + h * ys[1], (b * heads + h) * n_queries
            _pack_columns(k, b * ks[0] + h * ks[1], ks[2], keys, width, k_columns, long)
            _pack_rows(v, b * vs[0] + h * vs[1], vs[2], keys, width, ONE, v_rows, wide, keys)
            for i0 in range(0, queries, TILE_ROWS):
                rows = min(TILE_ROWS, queries - i0)
                reach = _visible(offset + i0 + rows - 1, keys, causal)  # the furthest any of these rows reads
                end = _up(reach, LANES)
                _pack_rows(q, q0 + i0 * qs[2], qs[2], rows, width, scale, q_tile, wide, TILE_ROWS)
                multiply(end, width, q_tile, 0, wide, 1, k_columns, 0, long, weights, 0, long, False)
                row_lse = lse[lse0 + i0 : lse0 + i0 + rows]
                _weights_of_rows(weights, long, rows, offset + i0, keys, causal, end, row_lse, totals)
                multiply(wide, reach, weights, 0, long, 1, v_rows, 0, wide, y_tile, 0, wide, False)
                for r in range(rows):
                    _unpack_row(y_tile, r * wide, width, ONE / totals[r], y, y0 + (i0 + r) * ys[2])
            _zero_rows(y, y0, ys[2], queries, n_queries, width)
            lse[lse0 + queries : lse0 + n_queries] = ZERO


@kernel
def backward(
    dy,
    dys,
    q,
    qs,
    k,
    ks,
    v,
    vs,
    y,
    ys,
    lse,
    dq,
    dqs,
    dk,
    dks,
    dv,
    dvs,
    shape,
    lengths,
    causal,
    scale,
    offset,
    first,
    last,
):
    """Leads first to last; arguments as those of `forward`."""
    heads, n_queries, n_keys, width = shape
    wide, long = _up(width, LANES), _up(n_keys, PAD)
    k_columns, v_columns, k_rows = _scratch(wide * long), _scratch(wide * long), _scratch(long * wide)
    dk_rows, dv_rows, dq_tile = _scratch(long * wide), _scratch(long * wide), _scratch(TILE_ROWS * wide)
    q_rows, dy_rows = _scratch(QUERIES * wide), _scratch(QUERIES * wide)
    p, g, along = _scratch(QUERIES * long), _scratch(QUERIES * long), _scratch(TILE_ROWS)
    for b in range(first, last):
        keys, queries = _lengths_of(lengths[b], n_keys, n_queries, offset)
        if keys == 0:
            queries = 0
        for h in range(heads):
            q0, y0, lse0 = b * qs[0] + h * qs[1], b * ys[0] + h * ys[1], (b * heads + h) * n_queries
            dy0, dq0 = b * dys[0] + h * dys[1], b * dqs[0] + h * dqs[1]
            dk0, dv0 = b * dks[0] + h * dks[1], b * dvs[0] + h * dvs[1]
            _pack_columns(k, b * ks[0] + h * ks[1], ks[2], keys, width, k_columns, long)
            _pack_columns(v, b * vs[0] + h * vs[1], vs[2], keys, width, v_columns, long)
            _pack_rows(k, b * ks[0] + h * ks[1], ks[2], keys, width, scale, k_rows, wide, keys)
            dk_rows[:] = ZERO
            dv_rows[:] = ZERO
            for block in range(0, queries, QUERIES):
                rows = min(QUERIES, queries - block)
                tall = _up(rows, TILE_ROWS)
                _pack_rows(q, q0 + block * qs[2], qs[2], rows, width, scale, q_rows, wide, tall)
                _pack_rows(dy, dy0 + block * dys[2], dys[2], rows, width, ONE, dy_rows, wide, tall)
                for i0 in range(0, rows, TILE_ROWS):
                    up_to = min(i0 + TILE_ROWS, rows)
                    reach = _visible(offset + block + up_to - 1, keys, causal)
                    end = _up(reach, PAD)
                    multiply(end, width, q_rows, i0 * wide, wide, 1, k_columns, 0, long, p, i0 * long, long, False)
                    multiply(end, width, dy_rows, i0 * wide, wide, 1, v_columns, 0, long, g, i0 * long, long, False)
                    for i in range(i0, up_to):
                        along[i - i0] = _dot(y, y0 + (block + i) * ys[2], dy_rows, i * wide, width)
                    at, row_lse = offset + block + i0, lse[lse0 + block + i0 : lse0 + block + up_to]
                    _weights_and_gradient(p, g, i0 * long, long, up_to - i0, at, keys, causal, end, row_lse, along)
                    multiply(wide, reach, g, i0 * long, long, 1, k_rows, 0, wide, dq_tile, 0, wide, False)
                    for i in range(i0, up_to):
                        _unpack_row(dq_tile, (i - i0) * wide, width, ONE, dq, dq0 + (block + i) * dqs[2])
                for j in range(0, _visible(offset + block + rows - 1, keys, causal), TILE_ROWS):
                    i = max(0, j - offset - block) if causal else 0  # the first query that reads key j
                    multiply(
                        wide, rows - i, p, i * long + j, 1, long, dy_rows, i * wide, wide, dv_rows, j * wide, wide, True
                    )
                    multiply(
                        wide, rows - i, g, i * long + j, 1, long, q_rows, i * wide, wide, dk_rows, j * wide, wide, True
                    )
            for j in range(keys):
                _unpack_row(dk_rows, j * wide, width, ONE, dk, dk0 + j * dks[2])
                _unpack_row(dv_rows, j * wide, width, ONE, dv, dv0 + j * dvs[2])
            _zero_rows(dq, dq0, dqs[2], queries, n_queries, width)
            _zero_rows(dk, dk0, dks[2], keys, n_keys, width)
            _zero_rows(dv, dv0, dvs[2], keys, n_keys, width)
