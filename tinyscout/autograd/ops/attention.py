"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1) with a causal mask and lengths, as one op."""

import math

import numpy as np

from tinyscout.autograd.op import op


@op
def attention(q, k, v, *, lengths=None, causal=True, scale=None, offset=0):
    """Each query takes an average of the values, weighted by softmax(q . k * scale) over the keys it may see.

    q (B, H, T, K), k and v (B, H, S, K)  ->  (B, H, T, K)
    lengths (B,): keys from there on are padding. causal: query i stands at position offset + i and sees the keys up
    to there. scale: 1/sqrt(K) when None. A query that may see nothing (length 0) gets zeros, and no gradient.
    """
    if q.ndim != 4 or k.shape != v.shape or k.ndim != 4 or q.shape[-1] != k.shape[-1]:
        raise ValueError(
            f"attention: q {q.shape}, k {k.shape}, v {v.shape} must be (B, H, T, K), (B, H, S, K), (B, H, S, K)"
        )
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    weights = attention_weights(q, k, lengths=lengths, causal=causal, scale=scale, offset=offset)  # (B, H, T, S)

    def backward(dy):  # dy (B, H, T, K)
        dv = weights.swapaxes(-1, -2) @ dy
        dscores = _through_softmax(weights, dy @ v.swapaxes(-1, -2), scale)  # (B, H, T, S)
        return dscores @ k, dscores.swapaxes(-1, -2) @ q, dv

    return weights @ v, backward


@op
def self_attention(qkv, *, heads, lengths=None, causal=True, scale=None):
    """Attention of a sequence on itself, from packed queries, keys and values, with the heads put back side by side.

    qkv (B, T, 3D): queries, keys, values, each D = heads * K wide  ->  (B, T, D). The rest as in attention().
    """
    if qkv.ndim != 3 or qkv.shape[-1] % (3 * heads):
        raise ValueError(f"self_attention: qkv {qkv.shape} must be (B, T, 3D) with D a multiple of {heads} heads")
    batch, time, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = split_heads(qkv, heads)
    scale = 1 / math.sqrt(width // heads) if scale is None else float(scale)
    weights = attention_weights(q, k, lengths=lengths, causal=causal, scale=scale)  # (B, H, T, T)
    out = np.empty((batch, time, width), dtype=qkv.dtype)
    np.matmul(weights, v, out=_heads_apart(out, heads))

    def backward(dy):  # dy (B, T, D)
        dqkv = np.empty_like(qkv)
        dq, dk, dv = split_heads(dqkv, heads)
        dy = _heads_apart(dy, heads)  # (B, H, T, K)
        np.matmul(weights.swapaxes(-1, -2), dy, out=dv)
        dscores = _through_softmax(weights, dy @ v.swapaxes(-1, -2), scale)
        np.matmul(dscores, k, out=dq)
        np.matmul(dscores.swapaxes(-1, -2), q, out=dk)
        return (dqkv,)

    return out, backward


def split_heads(qkv, heads):
    """Views of packed qkv (B, T, 3D) as q, k, v, each (B, H, T, K)."""
    return tuple(_heads_apart(part, heads) for part in np.split(qkv, 3, axis=-1))


def _heads_apart(x, heads):
    """View of x (B, T, D) as (B, H, T, K)."""
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).transpose(0, 2, 1, 3)


def _through_softmax(weights, dweights, scale):
    """Gradient of the scores before scaling; 0 where the mask made a weight 0, so the mask isn't needed again."""
    return weights * (dweights - (dweights * weights).sum(axis=-1, keepdims=True)) * scale


def attention_weights(q, k, *, lengths=None, causal=True, scale=None, offset=0):
    """The weights that attention uses, as a plain array for figures.

    q (B, H, T, K), k (B, H, S, K)  ->  (B, H, T, S); rows sum to 1, or to 0 where nothing may be seen.
    """
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    weights = q @ k.swapaxes(-1, -2)  # (B, H, T, S)
    weights *= scale
    hidden = _hidden(len(q), q.shape[-2], k.shape[-2], lengths, causal, offset)
    if hidden is not None:
        np.copyto(weights, -np.inf, where=hidden)
    top = weights.max(axis=-1, keepdims=True)
    weights -= np.where(np.isfinite(top), top, 0)  # -inf - -inf would be NaN in a fully hidden row
    np.exp(weights, out=weights)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total > 0, total, 1)
    return weights


def _hidden(batch, n_queries, n_keys, lengths, causal, offset):
    """True where a query may not see a key, broadcastable to (B, H, T, S); None when all see all."""
    hidden = None
    keys = np.arange(n_keys)
    if causal:
        hidden = keys > np.arange(offset, offset + n_queries)[:, None]  # (T, S)
    if lengths is not None:
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,):
            raise ValueError(
                f"attention: lengths has shape {lengths.shape}, needs ({batch},), one for each row of the batch"
            )
        padding = keys >= lengths[:, None, None, None]  # (B, 1, 1, S)
        hidden = padding if hidden is None else hidden | padding
    return hidden
