"""The machine code of attention, a few queries at a time, so that the weights of a head never leave the cache.

The forward gives each lane of a register a query and goes down the keys: no sum or maximum goes across lanes, keys and
values are read where they are, only queries and outputs are turned. The backward has a query a row, and recomputes the
weights from the log-sum-exp (Dao et al. 2022, FlashAttention, Algorithm 4). Exponentials are to base 2.
Arrays (B, H, T, K) with any strides but 1 along the last axis; multihead.py is the way in, and has the NumPy twin.
"""

import math

import numpy as np

from tinyscout.kernels.arena import scratch, up
from tinyscout.kernels.jit import kernel, part
from tinyscout.kernels.simd import (
    LANES,
    TILE_ROWS,
    at_least,
    borrowed,
    first_of,
    fma,
    load,
    load_first,
    splat,
    store,
    store_first,
    store_transposed,
    store_transposed_first,
    sum_of,
)
from tinyscout.kernels.tile import multiply, multiply_column
from tinyscout.kernels.vmath import LOG2_E, exp2_of_negative, log2

f32 = np.float32
ZERO, ONE, LEAST = f32(0), f32(1), np.finfo(f32).min
LN_2 = f32(math.log(2))
QUERIES = 64  # query rows whose weights the backward holds at once
PAD = max(LANES, TILE_ROWS)  # scratch has rows of this multiple, so that whole registers and tiles fit


_up = kernel(up)


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
def _flat(x):
    """x from its first element on, to be read by index."""
    return borrowed(x, 0, (x.size,), np.float32)


@kernel
def _steps(x):
    """How many elements apart leads, heads and rows are."""
    return x.strides[0] >> 2, x.strides[1] >> 2, x.strides[2] >> 2


@kernel
def _visible(at, keys, causal):
    """How many keys the query at a position reads."""
    return min(keys, at + 1) if causal else keys


@kernel
def _lengths_of(lengths, b, n_keys, n_queries, offset):
    """Keys that may be read and queries that are no padding, of lead b; without lengths all of them."""
    if lengths.size == 0:
        return n_keys, n_queries
    length = max(lengths[b], 0)
    return min(length, n_keys), min(max(length - offset, 0), n_queries) if length else 0


@part
def _largest(w, row, common, reach, at):
    """The largest logit of each query, of those that it sees."""
    top = second = third = fourth = splat(LEAST)  # four at once, because one waits for itself
    fours = common - common % 4
    for t in range(0, fours, 4):
        top = at_least(load(w, t * row), top)
        second = at_least(load(w, (t + 1) * row), second)
        third = at_least(load(w, (t + 2) * row), third)
        fourth = at_least(load(w, (t + 3) * row), fourth)
    top = at_least(at_least(top, second), at_least(third, fourth))
    for t in range(fours, common):
        top = at_least(load(w, t * row), top)
    for t in range(common, reach):
        top = first_of(top, t - at, at_least(load(w, t * row), top))
    return top


@part
def _weights(w, row, reach, at, causal):
    """Logits to base 2 of LANES queries from position `at` on, a key a row, to 2^(logit - largest), in place.

    Returns for each query the largest logit and the sum of the exponentials. A query is a lane, so that neither needs
    to look across lanes; from the first key on that only later queries see, the others count as 0.
    """
    common = min(reach, at + 1) if causal else reach
    top = _largest(w, row, common, reach, at)
    total = splat(ZERO)
    for t in range(common):
        e = exp2_of_negative(load(w, t * row) - top)
        store(w, t * row, e)
        total = total + e
    for t in range(common, reach):
        e = first_of(splat(ZERO), t - at, exp2_of_negative(load(w, t * row) - top))
        store(w, t * row, e)
        total = total + e
    return top, total


@part
def _pack_queries(q, q0, q_row, some, width, scale, into):
    """LANES rows of a head as columns, scaled: into[k, i] = scale * q[i, k]; zeros where there are none."""
    for k in range(0, width, LANES):
        store_transposed(q, q0 + k, q_row, some, width - k, into, k * LANES, LANES)
    for k in range(width):
        store(into, k * LANES, load(into, k * LANES) * splat(scale))


@part
def _unpack_queries(columns, factor, some, width, x, x0, x_row):
    """x[i, k] = factor[i] * columns[k, i]."""
    for k in range(width):
        store(columns, k * LANES, load(columns, k * LANES) * factor)
    for k in range(0, width, LANES):
        store_transposed_first(columns, k * LANES, LANES, width - k, some, x, x0 + k, x_row)


@kernel
def forward(q, k, v, y, lse, lengths, causal, scale, offset):
    """y and lse (B, H, Tq) of all leads; lengths (B,), or (0,) for none."""
    (n_leads, heads, n_queries, width), n_keys = q.shape, k.shape[2]
    qs, ks, vs, ys = _steps(q), _steps(k), _steps(v), _steps(y)
    q, k, v, y, lse = _flat(q), _flat(k), _flat(v), _flat(y), _flat(lse)
    wide = _up(width, LANES)
    q_columns, y_columns, w = scratch(wide * LANES), scratch(wide * LANES), scratch(n_keys * LANES)
    for b in range(n_leads):
        keys, queries = _lengths_of(lengths, b, n_keys, n_queries, offset)
        for h in range(heads):
            q0, k0, v0 = b * qs[0] + h * qs[1], b * ks[0] + h * ks[1], b * vs[0] + h * vs[1]
            y0, lse0 = b * ys[0] + h * ys[1], (b * heads + h) * n_queries
            for i in range(0, queries, LANES):
                some = min(LANES, queries - i)
                reach = _visible(offset + i + some - 1, keys, causal)  # the furthest any of these queries reads
                _pack_queries(q, q0 + i * qs[2], qs[2], some, width, scale * LOG2_E, q_columns)
                multiply_column(reach, width, k, k0, ks[2], 1, q_columns, 0, LANES, w, 0, LANES)
                top, total = _weights(w, LANES, reach, offset + i, causal)
                store_first(lse, lse0 + i, some, (top + log2(total)) * splat(LN_2))
                multiply_column(width, reach, v, v0, 1, vs[2], w, 0, LANES, y_columns, 0, LANES)
                _unpack_queries(y_columns, splat(ONE) / total, some, width, y, y0 + i * ys[2], ys[2])
            _zero_rows(y, y0, ys[2], queries, n_queries, width)
            lse[lse0 + queries : lse0 + n_queries] = ZERO


@kernel
def _weights_and_gradient(p, g, p0, long, rows, first, keys, causal, end, lse, along):
    """In place: logits p, to base 2, to weights, their cotangent g to that of the logits; then zeros up to `end`."""
    for r in range(rows):
        at, n = p0 + r * long, _visible(first + r, keys, causal)
        row_lse, row_along = splat(lse[r] * LOG2_E), splat(along[r])
        whole = n - n % LANES
        for j in range(0, whole, LANES):
            e = exp2_of_negative(load(p, at + j) - row_lse)
            store(p, at + j, e)
            store(g, at + j, e * (load(g, at + j) - row_along))
        if whole < n:
            e = first_of(exp2_of_negative(load(p, at + whole) - row_lse), n - whole, splat(ZERO))
            store(p, at + whole, e)
            store(g, at + whole, first_of(e * (load(g, at + whole) - row_along), n - whole, splat(ZERO)))
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
def backward(dy, q, k, v, y, lse, dq, dk, dv, lengths, causal, scale, offset):
    """dq, dk and dv of all leads; arguments as those of `forward`."""
    (n_leads, heads, n_queries, width), n_keys = q.shape, k.shape[2]
    dys, qs, ks, vs, ys = _steps(dy), _steps(q), _steps(k), _steps(v), _steps(y)
    dqs, dks, dvs = _steps(dq), _steps(dk), _steps(dv)
    dy, q, k, v, y, lse, dq, dk, dv = (
        _flat(dy), _flat(q), _flat(k), _flat(v), _flat(y), _flat(lse), _flat(dq), _flat(dk), _flat(dv)
    )  # fmt: skip
    wide, long = _up(width, LANES), _up(n_keys, PAD)
    k_columns, v_columns, k_rows = scratch(wide * long), scratch(wide * long), scratch(long * wide)
    dk_rows, dv_rows, dq_tile = scratch(long * wide), scratch(long * wide), scratch(TILE_ROWS * wide)
    q_rows, dy_rows = scratch(QUERIES * wide), scratch(QUERIES * wide)
    p, g, along = scratch(QUERIES * long), scratch(QUERIES * long), scratch(TILE_ROWS)
    for b in range(n_leads):
        keys, queries = _lengths_of(lengths, b, n_keys, n_queries, offset)
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
                _pack_rows(q, q0 + block * qs[2], qs[2], rows, width, scale * LOG2_E, q_rows, wide, tall)
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
                _unpack_row(dk_rows, j * wide, width, LN_2, dk, dk0 + j * dks[2])
                _unpack_row(dv_rows, j * wide, width, ONE, dv, dv0 + j * dvs[2])
            _zero_rows(dq, dq0, dqs[2], queries, n_queries, width)
            _zero_rows(dk, dk0, dks[2], keys, n_keys, width)
            _zero_rows(dv, dv0, dvs[2], keys, n_keys, width)
