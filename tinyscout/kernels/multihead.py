"""Scaled dot-product attention, forward and backward (machine code in flash.py).

Masking is by counting, never by -inf: a query reads its first n keys and no others, so one that sees nothing gives
zeros, and padding is neither read nor computed.
"""

import math

import numpy as np
from numba import types

from tinyscout.kernels.flash import backward, forward
from tinyscout.kernels.jit import compiled_for, entry

f32 = np.float32
NO_LENGTHS = np.empty(0, np.int64)


_HEADS, _ROWS = types.Array(types.float32, 4, "A"), types.Array(types.float32, 3, "C")
_OPTIONS = types.Array(types.int64, 1, "C"), types.boolean, types.float32, types.int64
run_forward = entry(forward, *[_HEADS] * 4, _ROWS, *_OPTIONS)
run_backward = entry(backward, *[_HEADS] * 5, _ROWS, *[_HEADS] * 3, *_OPTIONS)


def attention_twin(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """The same as `attention` in plain NumPy."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    q, k, v = _unpadded(q, lengths, offset), _unpadded(k, lengths), _unpadded(v, lengths)
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
    q, dy = _unpadded(q, lengths, offset), _unpadded(dy, lengths, offset)
    k, v = _unpadded(k, lengths), _unpadded(v, lengths)
    seen = _seen(q, k, lengths, causal, offset)
    logits = np.where(seen, scale * (q @ k.swapaxes(-1, -2)), -np.inf)
    p = np.exp(logits - lse[..., None])  # (B, H, Tq, Tk)
    dp = dy @ v.swapaxes(-1, -2)
    ds = p * (dp - (dy * y).sum(axis=-1, keepdims=True)) * scale
    return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy


def _unpadded(x, lengths, offset=0):
    """x (B, H, T, K) with zeros for padding, where 0 * NaN would be NaN."""
    if lengths is None:
        return x
    real = offset + np.arange(x.shape[2]) < np.asarray(lengths)[:, None]  # (B, T)
    return np.where(real[:, None, :, None], x, x.dtype.type(0))


def _seen(q, k, lengths, causal, offset):
    """Which key each query reads: (B or 1, 1, Tq, Tk) bool."""
    at = offset + np.arange(q.shape[2])[:, None]  # (Tq, 1) position of a query
    key = np.arange(k.shape[2])  # (Tk,)
    seen = (key <= at if causal else np.ones((len(at), len(key)), bool))[None, None]
    if lengths is None:
        return seen
    length = np.asarray(lengths)[:, None, None, None]
    return seen & (key < length) & (at < length)


def attention(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """softmax(scale q k^T) v, each query over the keys it may see (Vaswani et al. 2017, eq. 1).

    q (B, H, Tq, K), k and v (B, H, Tk, K)  ->  y (B, H, Tq, K), lse (B, H, Tq) for the backward.
    lengths (B,) int or None: keys at lengths[b] and beyond are padding, and so are queries whose position offset + i is
    there: their rows are zeros. causal: query i sees keys up to position offset + i. scale None is 1/sqrt(K).
    Views of one projection cost no copy: only the last axis must be contiguous. y is laid out as (B, Tq, H, K) in
    memory, so that merging the heads is a view. Raises ValueError for shapes that do not fit.
    """
    _check(q, k, v, lengths)
    if not (q.size and k.size and compiled_for(q, k, v)):
        return attention_twin(q, k, v, lengths=lengths, causal=causal, scale=scale, offset=offset)
    y, lse = _like(q), np.empty(q.shape[:3], f32)
    run_forward(_rows(q), _rows(k), _rows(v), y, lse, *_options(q, lengths, causal, scale, offset))
    return y, lse


def attention_backward(dy, q, k, v, y, lse, *, lengths=None, causal=True, scale=None, offset=0, out=None):
    """Gradients of `attention`, given what it returned.

    dy as y; the options as in the forward  ->  dq, dk, dv. out=(dq, dk, dv) has them written into arrays of the caller,
    such as three views of one array, the gradient of a common projection.
    """
    _check(q, k, v, lengths)
    if dy.shape != q.shape or y.shape != q.shape or lse.shape != q.shape[:3]:
        raise ValueError(
            f"attention_backward: dy {dy.shape}, y {y.shape} and lse {lse.shape} do not belong to q {q.shape}; "
            "pass what attention returned for this q"
        )
    if out is not None and any(o.shape != x.shape or o.dtype != x.dtype for o, x in zip(out, (q, k, v), strict=True)):
        raise ValueError("attention_backward: out must be three arrays of the shapes and dtypes of q, k, v")
    if not (q.size and k.size and compiled_for(dy, q, k, v, y, lse)):
        options = {"lengths": lengths, "causal": causal, "scale": scale, "offset": offset}
        gradients = attention_backward_twin(dy, q, k, v, y, lse, **options)
        if out is None:
            return gradients
        for into, gradient in zip(out, gradients, strict=True):
            into[...] = gradient
        return out
    dq, dk, dv = (_like(q), _like(k), _like(v)) if out is None else out
    if any(_rows(x) is not x for x in (dq, dk, dv)):
        raise ValueError("attention_backward: the last axis of each array of out must be contiguous")
    options = _options(q, lengths, causal, scale, offset)
    run_backward(
        _rows(dy), _rows(q), _rows(k), _rows(v), _rows(y), np.ascontiguousarray(lse), dq, dk, dv, *options
    )  # fmt: skip
    return dq, dk, dv


def rooms(x, lengths):
    """Where the leads of x (B, T, ...) or ragged (N, ...) stand: pairs of an index and the lengths within x[index].

    x[index] is (B', T', ...): all of a padded x at once, one lead of a ragged x, of which all is real (None). Raises
    ValueError when the lengths of a ragged x do not add up to its rows.
    """
    if x.ndim > 2:
        return [(..., lengths)]
    ends = np.cumsum(np.asarray(() if lengths is None else lengths, np.int64))
    if (ends[-1] if len(ends) else 0) != len(x) or np.diff(ends, prepend=0).min(initial=0) < 0:
        raise ValueError(f"attention: lengths {lengths} of ragged leads must add up to the rows of {x.shape}")
    return [((None, slice(start, end)), None) for start, end in zip((0, *ends[:-1]), ends, strict=True) if start < end]


def _check(q, k, v, lengths):
    q_shape, k_shape = q.shape, k.shape
    fits = len(q_shape) == len(k_shape) == 4 and k_shape == v.shape
    if not (fits and q_shape[:2] == k_shape[:2] and q_shape[3] == k_shape[3]):
        raise ValueError(
            f"attention: q {q.shape}, k {k.shape}, v {v.shape}; needs (B, H, Tq, K) and twice (B, H, Tk, K)"
        )
    if lengths is not None and np.shape(lengths) != q_shape[:1]:
        raise ValueError(f"attention: lengths has shape {np.shape(lengths)}, needs {q_shape[:1]}, one a lead")


def _like(x):
    """Uninitialised (B, H, T, K) whose memory is (B, T, H, K)."""
    b, h, t, k = x.shape
    return np.empty((b, t, h, k), f32).transpose(0, 2, 1, 3)


def _rows(x):
    """x, copied if its last axis is not contiguous."""
    return x if x.strides[3] == 4 or x.shape[3] == 1 else x.copy(order="C")


def _options(q, lengths, causal, scale, offset):
    real = NO_LENGTHS if lengths is None else np.ascontiguousarray(lengths, np.int64)
    return real, bool(causal), 1 / math.sqrt(q.shape[3]) if scale is None else float(scale), int(offset)
