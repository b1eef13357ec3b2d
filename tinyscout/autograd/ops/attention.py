"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1) with a causal mask and lengths, as one op.

In float32 it runs as a compiled kernel, where the (T, S) weights of a head never leave the cache; float64, which
gradient checks use, keeps the lines to read.
"""

import math

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def attention(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """Each query takes an average of the values, weighted by softmax(q . k * scale) over the keys it may see.

    q (B, H, T, K), k and v (B, H, S, K)  ->  (B, H, T, K)
    lengths (B,): positions from there on are padding: such keys are seen by nobody, such queries get zeros. causal:
    query i stands at position offset + i and sees the keys up to there. scale: 1/sqrt(K) when None. A query that sees
    nothing (length 0) gets zeros and gives no gradient.
    """
    if q.ndim != 4 or k.ndim != 4 or k.shape != v.shape or (q.shape[:2], q.shape[3]) != (k.shape[:2], k.shape[3]):
        raise ValueError(
            f"attention: q {q.shape}, k {k.shape}, v {v.shape} must be (B, H, T, K), (B, H, S, K), (B, H, S, K)"
        )
    return _attend(q, k, v, lengths, causal, scale, offset)


@op
def self_attention(qkv, *, heads, lengths=None, causal=True, scale=None):
    """Attention of a sequence on itself, from packed queries, keys and values, with the heads put back side by side.

    qkv (B, T, 3D): queries, keys, values, each D = heads * K wide  ->  (B, T, D). The rest as in attention(). qkv
    (N, 3D) is ragged: sequences behind one another, of `lengths` rows each, none of which sees another  ->  (N, D).
    """
    if qkv.ndim not in (2, 3) or qkv.shape[-1] % (3 * heads):
        raise ValueError(
            f"self_attention: qkv {qkv.shape} must be (B, T, 3D) or (N, 3D) with D a multiple of {heads} heads"
        )
    y, parts = np.empty((*qkv.shape[:-1], qkv.shape[-1] // 3), dtype=qkv.dtype), []
    for room, some in kernels.rooms(qkv, lengths):
        q, k, v = split_heads(qkv[room], heads)  # (B, H, T, K) each
        part, gradients = _attend(q, k, v, some, causal, scale, 0)
        _heads_apart(y[room], heads)[...] = part
        parts.append((room, gradients))

    def backward(dy):  # dy (..., D)
        dqkv = np.empty(qkv.shape, dtype=qkv.dtype)
        for room, gradients in parts:
            gradients(_heads_apart(dy[room], heads), out=split_heads(dqkv[room], heads))
        return (dqkv,)

    return y, backward


@op
def last_attention(q, kv, *, heads, lengths=None, scale=None):
    """Attention of one query a row on a whole sequence, from packed keys and values: self_attention at one position.

    q (B, D), kv (B, T, 2D): keys, values, each D = heads * K wide  ->  (B, D). lengths and scale as in attention().
    """
    if kv.ndim != 3 or q.shape != (len(kv), kv.shape[-1] // 2) or kv.shape[-1] % (2 * heads):
        raise ValueError(
            f"last_attention: q {q.shape}, kv {kv.shape} must be (B, D), (B, T, 2D), D a multiple of {heads}"
        )
    k, v = _keys_and_values(kv, heads)  # (B, H, T, K) each
    y, gradients = _attend(_heads_apart(q[:, None], heads), k, v, lengths, False, scale, 0)

    def backward(dy):  # dy (B, D)
        dq, dkv = np.empty(q.shape, dtype=q.dtype), np.empty(kv.shape, dtype=kv.dtype)
        gradients(
            _heads_apart(dy[:, None], heads), out=(_heads_apart(dq[:, None], heads), *_keys_and_values(dkv, heads))
        )
        return dq, dkv

    return y.transpose(0, 2, 1, 3).reshape(q.shape), backward


def _attend(q, k, v, lengths, causal, scale, offset):
    """y (B, H, T, K), and the function from dy to dq, dk, dv (written to `out` if given)."""
    if lengths is not None and np.shape(lengths) != q.shape[:1]:
        raise ValueError(
            f"attention: lengths has shape {np.shape(lengths)}, needs {q.shape[:1]}, one for each row of q"
        )
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    options = {"lengths": lengths, "causal": causal, "scale": scale, "offset": offset}
    if q.dtype == np.float32:
        y, lse = kernels.attention(q, k, v, **options)
        return y, lambda dy, out=None: kernels.attention_backward(dy, q, k, v, y, lse, **options, out=out)
    weights = attention_weights(q, k, **options)  # (B, H, T, S)

    def gradients(dy, out=(None, None, None)):  # dy (B, H, T, K)
        dweights = dy @ v.swapaxes(-1, -2)  # (B, H, T, S)
        # Through the softmax. Where the mask made a weight 0 this gradient is 0 too, so the mask isn't needed again.
        dscores = weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * scale
        return (
            np.matmul(dscores, k, out=out[0]),
            np.matmul(dscores.swapaxes(-1, -2), q, out=out[1]),
            np.matmul(weights.swapaxes(-1, -2), dy, out=out[2]),
        )

    return weights @ v, gradients


def attention_weights(q, k, *, lengths=None, causal=True, scale=None, offset=0):
    """The weights that attention uses, as a plain array for figures.

    q (B, H, T, K), k (B, H, S, K)  ->  (B, H, T, S); a row sums to 1, or to 0 where nothing may be seen.
    """
    weights = q @ k.swapaxes(-1, -2)  # (B, H, T, S)
    weights *= 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    np.copyto(weights, -np.inf, where=~_seen(q.shape[2], k.shape[2], lengths, causal, offset))
    top = weights.max(axis=-1, keepdims=True)
    weights -= np.where(np.isfinite(top), top, 0)  # -inf - -inf would be NaN in a row that sees nothing
    np.exp(weights, out=weights)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total > 0, total, 1)
    return weights


def _seen(n_queries, n_keys, lengths, causal, offset):
    """Which key each query may see, (T, S) or (B, 1, T, S) bool."""
    query, key = np.arange(offset, offset + n_queries)[:, None], np.arange(n_keys)
    seen = key <= query if causal else np.ones((n_queries, n_keys), dtype=bool)
    if lengths is None:
        return seen
    length = np.asarray(lengths)[:, None, None, None]
    return seen & (key < length) & (query < length)


def split_heads(qkv, heads):
    """Views of packed qkv (B, T, 3D) as q, k, v, each (B, H, T, K)."""
    return tuple(_heads_apart(part, heads) for part in np.split(qkv, 3, axis=-1))


def _keys_and_values(kv, heads):
    """Views of packed kv (B, T, 2D) as k and v, each (B, H, T, K)."""
    return tuple(_heads_apart(part, heads) for part in np.split(kv, 2, axis=-1))


def _heads_apart(x, heads):
    """View of x (B, T, D) as (B, H, T, K)."""
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(0, 2, 1, 3)
