"""Scaled dot-product attention, forward and backward; the (T, T) weights of a head never leave the cache.

The fact to know: masking is by counting, never by -inf. Query i reads the first `visible(i)` keys and no others, so a query
that sees nothing gives zeros, and padding is neither read nor computed. The backward recomputes the weights from the
log-sum-exp of each row (Dao et al. 2022, FlashAttention, Algorithm 4).
"""

import math

import numpy as np

from tinyscout.kernels.jit import compiled_for, kernel
from tinyscout.kernels.simd import LANES, TILE_ROWS, larger, tile_1, tile_2
from tinyscout.kernels.vmath import exp

f32 = np.float32
QUERIES = 32  # query rows worked on at once: their weights stay in the first-level cache
PAD = max(LANES, TILE_ROWS)


def attention_twin(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """The same as `attention` in plain NumPy."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    seen = _seen(q, k, lengths, causal, offset)  # (B, 1, Tq, Tk) bool
    logits = np.where(seen, scale * (q @ k.swapaxes(-1, -2)), -np.inf)  # (B, H, Tq, Tk)
    some = seen.any(axis=-1)  # (B, 1, Tq)
    top = np.where(some, logits.max(axis=-1, initial=-np.inf), 0)
    weights = np.exp(logits - top[..., None])
    total = weights.sum(axis=-1)
    total = np.where(some, total, 1)
    lse = np.where(some, top + np.log(total), 0)  # (B, H, Tq)
    return ((weights / total[..., None]) @ v).astype(q.dtype), lse.astype(q.dtype)


def attention_backward_twin(dy, q, k, v, y, lse, *, lengths=None, causal=True, scale=None, offset=0):
    """The same as `attention_backward` in plain NumPy."""
    scale = q.dtype.type(1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    seen = _seen(q, k, lengths, causal, offset)
    logits = np.where(seen, scale * (q @ k.swapaxes(-1, -2)), -np.inf)
    p = np.exp(logits - lse[..., None])  # (B, H, Tq, Tk)
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (dy * y).sum(axis=-1, keepdims=True)) * scale
    return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def _seen(q, k, lengths, causal, offset):
    """Which key each query reads: (B or 1, 1, Tq, Tk) bool."""
    at = offset + np.arange(q.shape[2])[:, None]  # (Tq, 1) position of a query
    key = np.arange(k.shape[2])  # (Tk,)
    seen = (key <= at if causal else np.ones((len(at), len(key)), bool))[None, None]
    if lengths is None:
        return seen
    length = np.asarray(lengths)[:, None, None, None]
    return seen & (key < length) & (at < length)


@kernel
def _multiply(rows, columns, depth, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, add):
    """C[rows, columns] (+)= A[rows, depth] @ B[depth, columns]; whole tiles: rows up to TILE_ROWS, columns to LANES."""
    for j in range(0, columns, 2 * LANES):
        for i in range(0, rows, TILE_ROWS):
            if columns - j >= 2 * LANES:
                tile_2(a, a0 + i * a_row, a_row, a_col, b, b0 + j, b_row, c, c0 + i * c_row + j, c_row, depth, add)
            else:
                tile_1(a, a0 + i * a_row, a_row, a_col, b, b0 + j, b_row, c, c0 + i * c_row + j, c_row, depth, add)


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
def _copy_row(source, into, scale):
    for j in range(source.size):
        into[j] = scale * source[j]
    for j in range(source.size, into.size):
        into[j] = f32(0)


@kernel
def _pack_rows(x, x0, x_row, n, width, into, padded_n, padded_width, scale):
    """Rows of a head, scaled, to contiguous rows of padded_width; zeros around them."""
    for i in range(n):
        source = x0 + i * x_row
        _copy_row(x[source : source + width], into[i * padded_width : (i + 1) * padded_width], scale)
    into[n * padded_width : padded_n * padded_width] = f32(0)


@kernel
def _unpack_rows(packed, padded_width, n, width, scale, x, x0, x_row, total):
    """Back to the caller's rows, scaled; rows n to total are zeros."""
    for i in range(n):
        to = x0 + i * x_row
        start = i * padded_width
        _copy_row(packed[start : start + width], x[to : to + width], scale)
    for i in range(n, total):
        to = x0 + i * x_row
        x[to : to + width] = f32(0)


@kernel
def _pack_columns(x, x0, x_row, n, width, into, padded_n):
    """Rows of a head as columns: into[k, t] = x[t, k]; zeros to the right."""
    for k in range(width):
        column = into[k * padded_n : (k + 1) * padded_n]
        for t in range(n):
            column[t] = x[x0 + t * x_row + k]
        for t in range(n, padded_n):
            column[t] = f32(0)


@kernel
def _weights_row(row, n, end):
    """Softmax of row[:n] in place, zeros up to end. Returns the log of the sum of exponentials."""
    top = row[0]
    for j in range(n):
        top = larger(top, row[j])
    total = f32(0)
    for j in range(n):
        e = exp(row[j] - top)
        row[j] = e
        total += e
    inverse = f32(1) / total
    for j in range(n):
        row[j] *= inverse
    for j in range(n, end):
        row[j] = f32(0)
    return top + np.log(total)


@kernel
def _weights_gradient_row(p, g, n, end, lse, along):
    """In place: logits p to weights, their cotangent g to that of the logits; zeros from n to end."""
    for j in range(n):
        e = exp(p[j] - lse)
        p[j] = e
        g[j] = e * (g[j] - along)
    for j in range(n, end):
        p[j] = f32(0)
        g[j] = f32(0)


@kernel
def _dot(a, b):
    total = f32(0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@kernel
def _lengths_of(length, n_keys, n_queries, offset):
    """Keys that may be read and queries that are no padding; a negative length stands for none given."""
    if length < 0:
        return n_keys, n_queries
    return min(length, n_keys), min(max(length - offset, 0), n_queries)


@kernel
def _forward(q, qs, k, ks, v, vs, y, ys, lse, shape, lengths, causal, scale, offset, first, last):
    """Leads first to last. Arrays are flat; qs, ks, vs, ys are their (batch, head, row) strides in elements."""
    heads, n_queries, n_keys, width = shape
    wide, long = _up(width, LANES), _up(n_keys, PAD)
    k_columns, v_rows = _scratch(width * long), _scratch(long * wide)
    q_block, y_block, weights = _scratch(QUERIES * wide), _scratch(QUERIES * wide), _scratch(QUERIES * long)
    for b in range(first, last):
        keys, queries = _lengths_of(lengths[b], n_keys, n_queries, offset)
        for h in range(heads):
            q0, k0 = b * qs[0] + h * qs[1], b * ks[0] + h * ks[1]
            v0, y0 = b * vs[0] + h * vs[1], b * ys[0] + h * ys[1]
            lse0 = (b * heads + h) * n_queries
            _pack_columns(k, k0, ks[2], keys, width, k_columns, long)
            _pack_rows(v, v0, vs[2], keys, width, v_rows, keys, wide, f32(1))
            for i0 in range(0, n_queries, QUERIES):
                total = min(QUERIES, n_queries - i0)
                rows = min(max(queries - i0, 0), total)
                end = min(keys, offset + i0 + rows) if causal else keys  # the furthest key any of these rows reads
                if end == 0:
                    rows = 0
                if rows > 0:
                    tall = _up(rows, TILE_ROWS)
                    _pack_rows(q, q0 + i0 * qs[2], qs[2], rows, width, q_block, tall, wide, scale)
                    _multiply(
                        tall, _up(end, LANES), width, q_block, 0, wide, 1, k_columns, 0, long, weights, 0, long, False
                    )
                    for r in range(rows):
                        n = min(keys, offset + i0 + r + 1) if causal else keys
                        lse[lse0 + i0 + r] = _weights_row(weights[r * long : (r + 1) * long], n, end)
                    _multiply(tall, wide, end, weights, 0, long, 1, v_rows, 0, wide, y_block, 0, wide, False)
                _unpack_rows(y_block, wide, rows, width, f32(1), y, y0 + i0 * ys[2], ys[2], total)
                lse[lse0 + i0 + rows : lse0 + i0 + total] = f32(0)


@kernel
def _backward(
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
    """Leads first to last; arguments as those of `_forward`."""
    heads, n_queries, n_keys, width = shape
    wide, long = _up(width, LANES), _up(n_keys, PAD)
    k_columns, v_columns, k_rows = _scratch(width * long), _scratch(width * long), _scratch(long * wide)
    dk_rows, dv_rows = _scratch(long * wide), _scratch(long * wide)
    q_block, dy_block, dq_block = _scratch(QUERIES * wide), _scratch(QUERIES * wide), _scratch(QUERIES * wide)
    p, g = _scratch(QUERIES * long), _scratch(QUERIES * long)
    for b in range(first, last):
        keys, queries = _lengths_of(lengths[b], n_keys, n_queries, offset)
        for h in range(heads):
            q0, k0, v0 = b * qs[0] + h * qs[1], b * ks[0] + h * ks[1], b * vs[0] + h * vs[1]
            y0, dy0 = b * ys[0] + h * ys[1], b * dys[0] + h * dys[1]
            lse0 = (b * heads + h) * n_queries
            _pack_columns(k, k0, ks[2], keys, width, k_columns, long)
            _pack_columns(v, v0, vs[2], keys, width, v_columns, long)
            _pack_rows(k, k0, ks[2], keys, width, k_rows, keys, wide, f32(1))
            dk_rows[:] = f32(0)
            dv_rows[:] = f32(0)
            for i0 in range(0, n_queries, QUERIES):
                total = min(QUERIES, n_queries - i0)
                rows = min(max(queries - i0, 0), total)
                end = min(keys, offset + i0 + rows) if causal else keys
                if end == 0:
                    rows = 0
                if rows > 0:
                    tall, far = _up(rows, TILE_ROWS), _up(end, PAD)
                    _pack_rows(q, q0 + i0 * qs[2], qs[2], rows, width, q_block, tall, wide, scale)
                    _pack_rows(dy, dy0 + i0 * dys[2], dys[2], rows, width, dy_block, tall, wide, f32(1))
                    _multiply(tall, far, width, q_block, 0, wide, 1, k_columns, 0, long, p, 0, long, False)
                    _multiply(tall, far, width, dy_block, 0, wide, 1, v_columns, 0, long, g, 0, long, False)
                    for r in range(rows):
                        n = min(keys, offset + i0 + r + 1) if causal else keys
                        at, block = y0 + (i0 + r) * ys[2], r * wide
                        along = _dot(y[at : at + width], dy_block[block : block + width])
                        row = slice(r * long, (r + 1) * long)
                        _weights_gradient_row(p[row], g[row], n, far, lse[lse0 + i0 + r], along)
                    _multiply(tall, wide, end, g, 0, long, 1, k_rows, 0, wide, dq_block, 0, wide, False)
                    _multiply(_up(end, TILE_ROWS), wide, rows, g, 0, 1, long, q_block, 0, wide, dk_rows, 0, wide, True)
                    _multiply(_up(end, TILE_ROWS), wide, rows, p, 0, 1, long, dy_block, 0, wide, dv_rows, 0, wide, True)
                _unpack_rows(
                    dq_block, wide, rows, width, scale, dq, b * dqs[0] + h * dqs[1] + i0 * dqs[2], dqs[2], total
                )
            _unpack_rows(dk_rows, wide, keys, width, f32(1), dk, b * dks[0] + h * dks[1], dks[2], n_keys)
            _unpack_rows(dv_rows, wide, keys, width, f32(1), dv, b * dvs[0] + h * dvs[1], dvs[2], n_keys)


def attention(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """softmax(scale q k^T) v, each query over the keys it may see (Vaswani et al. 2017, eq. 1).

    q (B, H, Tq, K), k and v (B, H, Tk, K)  ->  y (B, H, Tq, K), lse (B, H, Tq) for the backward.
    lengths (B,) int or None: keys at lengths[b] and beyond are padding, and so are queries whose position offset + i is
    there: their rows are zeros. causal: query i sees keys up to position offset + i. scale None is 1/sqrt(K).
    The last axis must be contiguous, the others may have any strides (views of one projection cost no copy); y is laid out
    as (B, Tq, H, K) in memory, so that merging the heads is a view. Raises ValueError for shapes that do not fit.
    """
    _check(q, k, v, lengths)
    if not compiled_for(q, k, v):
        return attention_twin(q, k, v, lengths=lengths, causal=causal, scale=scale, offset=offset)
    y, lse = _like(q), np.empty(q.shape[:3], f32)
    _forward(
        *_flat(q),
        *_flat(k),
        *_flat(v),
        *_flat(y),
        lse.reshape(-1),
        *_options(q, k, lengths, causal, scale, offset),
        0,
        len(q),
    )
    return y, lse


def attention_backward(dy, q, k, v, y, lse, *, lengths=None, causal=True, scale=None, offset=0, out=None):
    """Gradients of `attention`, given what it returned.

    dy as y; the options as in the forward  ->  dq, dk, dv. out=(dq, dk, dv) has them written into arrays of the caller, such
    as three views of one array, the gradient of a common projection.
    """
    _check(q, k, v, lengths)
    if dy.shape != q.shape or y.shape != q.shape or lse.shape != q.shape[:3]:
        raise ValueError(
            f"attention_backward: dy {dy.shape}, y {y.shape} and lse {lse.shape} do not belong to q {q.shape}; "
            "pass what attention returned for this q"
        )
    if out is not None and any(o.shape != x.shape or o.dtype != x.dtype for o, x in zip(out, (q, k, v), strict=True)):
        raise ValueError("attention_backward: out must be three arrays of the shapes and dtypes of q, k, v")
    if not compiled_for(dy, q, k, v, y, lse):
        options = {"lengths": lengths, "causal": causal, "scale": scale, "offset": offset}
        gradients = attention_backward_twin(dy, q, k, v, y, lse, **options)
        if out is None:
            return gradients
        for into, gradient in zip(out, gradients, strict=True):
            into[...] = gradient
        return out
    dq, dk, dv = (_like(q), _like(k), _like(v)) if out is None else out
    if any(_strides(x) is None for x in (dq, dk, dv)):
        raise ValueError("attention_backward: the last axis of each array of out must be contiguous")
    _backward(
        *_flat(dy),
        *_flat(q),
        *_flat(k),
        *_flat(v),
        *_flat(y),
        np.ascontiguousarray(lse).reshape(-1),
        *_flat(dq),
        *_flat(dk),
        *_flat(dv),
        *_options(q, k, lengths, causal, scale, offset),
        0,
        len(q),
    )
    return dq, dk, dv


def _check(q, k, v, lengths):
    fits = q.ndim == k.ndim == 4 and k.shape == v.shape and q.shape[:2] == k.shape[:2] and q.shape[3] == k.shape[3]
    if not fits:
        raise ValueError(
            f"attention: q {q.shape}, k {k.shape}, v {v.shape}; needs (B, H, Tq, K) and twice (B, H, Tk, K)"
        )
    if lengths is not None and np.shape(lengths) != q.shape[:1]:
        raise ValueError(f"attention: lengths has shape {np.shape(lengths)}, needs {q.shape[:1]}, one a lead")


def _like(x):
    """Uninitialised (B, H, T, K) whose memory is (B, T, H, K)."""
    b, h, t, k = x.shape
    return np.empty((b, t, h, k), f32).transpose(0, 2, 1, 3)


def _strides(x):
    """(batch, head, row) strides in elements, or None where flat indexing can't serve this array."""
    strides = tuple(s // 4 for s in x.strides)
    return strides[:3] if (strides[3] == 1 or x.shape[3] <= 1) and min(strides) >= 0 else None


def _flat(x):
    """x as a flat view from its first element on, and its strides; copied if the last axis is not contiguous."""
    strides = _strides(x)
    if strides is None:
        x = np.ascontiguousarray(x)
        strides = _strides(x)
    span = 1 + sum((n - 1) * s // 4 for n, s in zip(x.shape, x.strides, strict=True)) if x.size else 0
    return np.lib.stride_tricks.as_strided(x, (span,), (4,)), strides


def _options(q, k, lengths, causal, scale, offset):
    shape = (q.shape[1], q.shape[2], k.shape[2], q.shape[3])
    if lengths is None:
        lengths = np.full(len(q), -1, np.int64)
    else:
        lengths = np.maximum(np.asarray(lengths).astype(np.int64), 0)
    return shape, lengths, bool(causal), f32(1 / math.sqrt(q.shape[3]) if scale is None else scale), int(offset)
