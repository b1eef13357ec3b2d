"""Ops that take an axis away: sum, mean, max, logsumexp; and the two that normalise along one: softmax, log_softmax."""

import builtins

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


def _restore(reduced, axis, keepdims, ndim):
    """Put the reduced axes back with length 1, so that the array broadcasts against the input."""
    if keepdims or axis is None:  # a 0-d array broadcasts as it is
        return reduced
    axes = axis if isinstance(axis, tuple) else (axis,)
    return np.expand_dims(reduced, tuple(a % ndim for a in axes))


@op
def sum(x, *, axis=None, keepdims=False):
    """Sum over axis (all when None)."""

    def backward(dy):
        return (np.broadcast_to(_restore(dy, axis, keepdims, x.ndim), x.shape),)

    return x.sum(axis=axis, keepdims=keepdims), backward


@op
def mean(x, *, axis=None, keepdims=False):
    """Mean over axis (all when None)."""
    out = x.mean(axis=axis, keepdims=keepdims)
    share = x.dtype.type(out.size / builtins.max(x.size, 1))

    def backward(dy):
        return (np.broadcast_to(_restore(dy * share, axis, keepdims, x.ndim), x.shape),)

    return out, backward


@op
def max(x, *, axis=None, keepdims=False):
    """Largest element over axis (all when None); ties share the gradient."""
    out = x.max(axis=axis, keepdims=keepdims)

    def backward(dy):
        winners = x == _restore(out, axis, keepdims, x.ndim)
        count = winners.sum(axis=axis, keepdims=True).astype(x.dtype)
        return (winners * (_restore(dy, axis, keepdims, x.ndim) / count),)

    return out, backward


@op
def logsumexp(x, *, axis=-1, keepdims=False):
    """log(sum(exp(x))) over axis, shifted by the largest element so that it can't overflow."""
    top = x.max(axis=axis, keepdims=True)
    shifted = np.exp(x - top)
    total = shifted.sum(axis=axis, keepdims=True)
    out = np.log(total) + top

    def backward(dy):
        return (shifted / total * _restore(dy, axis, keepdims, x.ndim),)

    return out if keepdims else np.squeeze(out, axis), backward


@op
def softmax(x, *, axis=-1):
    """exp(x) / sum(exp(x)) along axis."""
    if x.dtype == np.float32 and axis in (-1, x.ndim - 1):
        y = kernels.softmax(x)
        return y, lambda dy: (kernels.softmax_backward(dy, y),)
    out = np.exp(x - x.max(axis=axis, keepdims=True))
    out /= out.sum(axis=axis, keepdims=True)

    def backward(dy):
        # Raising one score takes from all others in proportion: remove the part of dy that moves them together.
        return (out * (dy - (dy * out).sum(axis=axis, keepdims=True)),)

    return out, backward


@op
def log_softmax(x, *, axis=-1):
    """Logarithm of softmax along axis, without ever dividing."""
    shifted = x - x.max(axis=axis, keepdims=True)
    out = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))

    def backward(dy):
        return (dy - np.exp(out) * dy.sum(axis=axis, keepdims=True),)

    return out, backward
