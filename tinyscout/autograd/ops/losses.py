"""Losses from logits: softmax and sigmoid are folded in, which keeps them finite and makes the gradient p - y."""

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def cross_entropy(logits, *, targets, weights=None):
    """Mean of -log softmax(logits)[target] over the rows, each counted with its weight.

    logits (..., V), targets (...) integers in [0, V), weights (...) at least 0  ->  one number
    A row of weight 0 is ignored, whatever its target says; 0.0 when all are.
    """
    targets = np.asarray(targets)
    if targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"cross_entropy: targets has shape {targets.shape}, needs {logits.shape[:-1]} for logits {logits.shape}"
        )
    share = _shares("cross_entropy", weights, targets.shape, logits.dtype)  # (...), sums to 1
    used = np.where(share > 0, targets, 0)
    n_classes = logits.shape[-1]
    if used.size and not (used.min() >= 0 and used.max() < n_classes):
        at = tuple(int(i) for i in np.argwhere((used < 0) | (used >= n_classes))[0])
        raise IndexError(f"cross_entropy: target {used[at]} at {at} is not in 0..{n_classes - 1}")
    if logits.dtype == np.float32 and share.any():
        loss, dlogits = kernels.cross_entropy(logits, used, share)
        return loss, lambda dy: (dlogits * dy,)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    odds = np.exp(shifted)
    total = odds.sum(axis=-1, keepdims=True)
    losses = np.log(total[..., 0]) - np.take_along_axis(shifted, used[..., None], axis=-1)[..., 0]

    def backward(dy):  # dy ()
        dlogits = odds / total
        here = np.take_along_axis(dlogits, used[..., None], axis=-1)
        np.put_along_axis(dlogits, used[..., None], here - 1, axis=-1)
        dlogits *= (share * dy)[..., None]
        return (dlogits,)

    return (losses * share).sum(), backward


@op
def log_likelihood(logits, *, targets, texts, count):
    """log p of each of `count` texts: the sum over its tokens of log softmax(logits)[target].

    logits (n, V), targets (n,) integers in [0, V), texts (n,) in [0, count): whose token each is  ->  (count,)
    """
    targets, texts = np.asarray(targets), np.asarray(texts)
    if logits.ndim != 2 or not targets.shape == texts.shape == logits.shape[:1]:
        raise ValueError(
            f"log_likelihood: logits {logits.shape}, targets {targets.shape} and texts {texts.shape} differ; needs "
            "(n, V), (n,) and (n,)"
        )
    tokens = np.arange(len(targets))
    p = kernels.softmax(logits)  # (n, V)
    likeliest = logits.argmax(axis=-1)  # its p is at least 1 / V, so that its logarithm loses nothing
    log_total = logits[tokens, likeliest] - np.log(p[tokens, likeliest])
    log_p = np.bincount(texts, logits[tokens, targets] - log_total, minlength=count).astype(logits.dtype)

    def backward(dy):  # dy (count,)
        share = dy[texts]
        dlogits = p * -share[:, None]
        dlogits[tokens, targets] += share
        return (dlogits,)

    return log_p, backward


@op
def bce_with_logits(logits, *, targets, weights=None):
    """Mean of -y log p - (1 - y) log(1 - p), p = sigmoid(logit), each element counted with its weight.

    logits, targets in [0, 1] and weights (...) of one shape  ->  one number; elements of weight 0 are ignored.
    """
    targets = np.asarray(targets, dtype=logits.dtype)
    if targets.shape != logits.shape:
        raise ValueError(f"bce_with_logits: targets has shape {targets.shape}, needs {logits.shape} as the logits")
    share = _shares("bce_with_logits", weights, logits.shape, logits.dtype)
    targets = np.where(share > 0, targets, 0)
    small = np.exp(-np.abs(logits))  # in (0, 1]: never overflows
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(small)

    def backward(dy):  # dy ()
        probability = np.where(logits >= 0, 1, small) / (1 + small)
        return ((probability - targets) * (share * dy),)

    return (losses * share).sum(), backward


def _shares(name, weights, shape, dtype):
    """Weights divided by their sum, equal ones when None; all 0 when they sum to 0."""
    if weights is None:
        return np.full(shape, 1 / max(int(np.prod(shape)), 1), dtype=dtype)
    weights = np.asarray(weights, dtype=dtype)
    if weights.shape != shape:
        raise ValueError(f"{name}: weights has shape {weights.shape}, needs {shape} as the targets")
    if weights.size and weights.min() < 0:
        raise ValueError(f"{name}: the smallest weight is {weights.min()}, needs at least 0")
    total = weights.sum()
    return weights / total if total > 0 else np.zeros(shape, dtype=dtype)
