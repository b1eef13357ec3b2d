"""Softmax over the last axis, and softmax with cross-entropy in one pass over the logits."""

import numpy as np

from tinyscout.kernels.jit import as_rows, compiled_for, kernel
from tinyscout.kernels.simd import (
    LANES,
    at_least,
    first_of,
    largest_of,
    load_first,
    splat,
    store_first,
    sum_of,
)
from tinyscout.kernels.vmath import exp

f32 = np.float32
LEAST = np.finfo(f32).min


def softmax_twin(x):
    """The same as `softmax` in plain NumPy."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward_twin(dy, y):
    """The same as `softmax_backward` in plain NumPy."""
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


def cross_entropy_twin(logits, targets, weights=None):
    """The same as `cross_entropy` in plain NumPy."""
    flat, chosen, share = _weighted_rows(logits, targets, weights)
    dlogits = np.zeros_like(flat)  # (N, V)
    used = np.flatnonzero(share)
    p = softmax_twin(flat[used])  # (n, V)
    shifted = flat[used] - flat[used].max(axis=-1, keepdims=True)
    log_p = shifted[np.arange(len(used)), chosen[used]] - np.log(np.exp(shifted).sum(axis=-1))  # (n,)
    p[np.arange(len(used)), chosen[used]] -= 1
    dlogits[used] = p * share[used, None]
    return logits.dtype.type(-(log_p * share[used]).sum(dtype=np.float64)), dlogits.reshape(logits.shape)


@kernel
def _scale_row(row, by):
    for j in range(row.size):
        row[j] *= by


@kernel
def _softmax_row(x, y):
    top = splat(LEAST)
    for j in range(0, x.size, LANES):
        top = at_least(first_of(load_first(x, j, x.size - j), x.size - j, top), top)
    largest = largest_of(top)
    total = splat(f32(0))
    for j in range(0, x.size, LANES):
        e = first_of(exp(load_first(x, j, x.size - j) - splat(largest)), x.size - j, splat(f32(0)))
        store_first(y, j, x.size - j, e)
        total = total + e
    sum_of_all = sum_of(total)
    _scale_row(y, f32(1) / sum_of_all)
    return largest + np.log(sum_of_all)  # log of the sum of exp(x)


@kernel
def _softmax(x, y):
    for i in range(x.shape[0]):
        _softmax_row(x[i], y[i])


@kernel
def _softmax_backward_row(dy, y, dx):
    along = f32(0)
    for j in range(y.size):
        along += dy[j] * y[j]
    for j in range(y.size):
        dx[j] = y[j] * (dy[j] - along)


@kernel
def _softmax_backward(dy, y, dx):
    for i in range(y.shape[0]):
        _softmax_backward_row(dy[i], y[i], dx[i])


@kernel
def _cross_entropy(logits, targets, share, dlogits):
    loss = 0.0  # float64: a mean over many rows
    for i in range(logits.shape[0]):
        if share[i] == 0:
            dlogits[i, :] = f32(0)
        else:
            log_total = _softmax_row(logits[i], dlogits[i])
            loss += (log_total - logits[i, targets[i]]) * share[i]
            dlogits[i, targets[i]] -= f32(1)
            _scale_row(dlogits[i], share[i])
    return loss


def softmax(x):
    """Exponentials of the last axis, divided by their sum.  x (..., D)  ->  (..., D)."""
    if not compiled_for(x):
        return softmax_twin(x)
    rows = as_rows(x)
    y = np.empty_like(rows)
    _softmax(rows, y)
    return y.reshape(x.shape)


def softmax_backward(dy, y):
    """Gradient of `softmax`, given its value y.  dy (..., D), y (..., D)  ->  dx (..., D)."""
    if dy.shape != y.shape:
        raise ValueError(f"softmax_backward: dy has shape {dy.shape}, needs that of y {y.shape}")
    if not compiled_for(dy, y):
        return softmax_backward_twin(dy, y)
    rows = as_rows(y)
    dx = np.empty_like(rows)
    _softmax_backward(as_rows(dy), rows, dx)
    return dx.reshape(y.shape)


def cross_entropy(logits, targets, weights=None):
    """Mean of -log softmax(logits)[target] over the rows, weighted; and its gradient, in one pass.

    logits (..., V), targets (...) int in [0, V), weights (...) >= 0 or None for all 1
    ->  loss (scalar of the dtype of logits), dlogits (..., V) for a cotangent of 1.
    A row of weight 0 is not read, nor is its target. Raises ValueError when all weights are 0 or a target is out of
    range.
    """
    flat, chosen, share = _weighted_rows(logits, targets, weights)
    if not compiled_for(logits):
        return cross_entropy_twin(logits, targets, weights)
    dlogits = np.empty_like(flat)
    loss = _cross_entropy(flat, chosen, share, dlogits)
    return f32(loss), dlogits.reshape(logits.shape)


def _weighted_rows(logits, targets, weights):
    """Check, flatten to rows, and turn weights into shares that sum to 1: (N, V), (N,) int64, (N,)."""
    if targets.shape != logits.shape[:-1] or (weights is not None and weights.shape != targets.shape):
        raise ValueError(
            f"cross_entropy: targets {targets.shape} and weights {None if weights is None else weights.shape} "
            f"must have the shape of logits {logits.shape} without its last axis"
        )
    flat, chosen = as_rows(logits), targets.reshape(-1).astype(np.int64)
    weight = np.ones(len(flat)) if weights is None else weights.reshape(-1).astype(np.float64)
    total = weight.sum()
    if not total > 0:
        raise ValueError(
            f"cross_entropy: the weights of {len(flat)} rows sum to {total}; at least one must be positive"
        )
    used = chosen[weight != 0]
    if used.size and (used.min() < 0 or used.max() >= flat.shape[1]):
        raise ValueError(
            f"cross_entropy: targets lie in [{used.min()}, {used.max()}], need [0, {flat.shape[1]}); "
            "give rows without a target the weight 0"
        )
    return flat, chosen, (weight / total).astype(logits.dtype)
