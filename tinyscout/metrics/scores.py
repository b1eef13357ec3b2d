"""Figures of one model on labelled leads: how good its probabilities are, and how good its order is.

All take y (N,) of 0 and 1 and one logit or score a lead, and compute in float64. A figure that isn't defined (no
replier, or nothing but repliers) is NaN; inputs that make no sense raise ValueError.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.curve import Ranking
from tinyscout.metrics.inputs import as_vector, labels_and_scores

P_CLIP = 1e-7
"""Every contestant's probability is held within this of 0 and 1, so that one sure mistake costs at most 16.1 nats."""

_LOGIT_CLIP = float(np.log1p(-P_CLIP) - np.log(P_CLIP))


def probability(logit: ArrayLike) -> np.ndarray:
    """Logistic function in float64 without overflow: logit (...) -> probability (...)."""
    z = np.asarray(logit, dtype=np.float64)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def row_losses(y: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each lead in nats (N,), from its logit (N,), p clipped to [1e-7, 1 - 1e-7]."""
    z = np.clip(logit, -_LOGIT_CLIP, _LOGIT_CLIP)
    return np.logaddexp(0.0, z) - y * z


def log_loss(y: ArrayLike, logit: ArrayLike) -> float:
    """Mean negative log-likelihood in nats, from logits, p clipped to [1e-7, 1 - 1e-7]."""
    return float(row_losses(*labels_and_scores(y, logit)).mean())


def best_shift(y: ArrayLike, logit: ArrayLike) -> float:
    """The shift b, within 10 of 0, for which log_loss(y, logit + b) is least: the mean probability is the base rate.

    A loss after it says how well leads are told apart, whatever the base rate has done since the model was fitted.
    """
    from scipy.optimize import minimize_scalar  # here, because scoring starts sooner without it

    y, logit = labels_and_scores(y, logit)
    found: Any = minimize_scalar(lambda b: row_losses(y, logit + b).mean(), bounds=(-10, 10), method="bounded")
    return float(found.x)


def shifted_losses(y: ArrayLike, logit: ArrayLike) -> np.ndarray:
    """Log loss of each lead (N,) after the best common shift."""
    y, logit = labels_and_scores(y, logit)
    return row_losses(y, logit + best_shift(y, logit))


def clearly_below(losses: np.ndarray, others: np.ndarray) -> bool:
    """Whether losses (N,) are lower than others (N,) of the same leads, by over one standard error in the mean.

    The rule of Breiman et al. (1984, section 3.4.3): what is more complex has to earn its place.
    """
    gain = others - losses
    return bool(gain.mean() > gain.std(ddof=1) / math.sqrt(len(gain)))


def brier(y: ArrayLike, logit: ArrayLike) -> float:
    """Mean squared distance between probability and label (Brier 1950)."""
    y, logit = labels_and_scores(y, logit)
    return float(np.square(probability(logit) - y).mean())


def roc_auc(y: ArrayLike, score: ArrayLike) -> float:
    """Chance that a replier scores above a non-replier, ties counting half; NaN unless both classes are there."""
    return float(Ranking(*labels_and_scores(y, score, "score")).curve().roc_auc()[0])


def pr_auc(y: ArrayLike, score: ArrayLike) -> float:
    """Area under precision against recall as average precision, no interpolation; NaN without repliers.

    A random order scores the base rate in expectation: read it beside `pr_auc_random`.
    """
    return float(Ranking(*labels_and_scores(y, score, "score")).curve().pr_auc()[0])


def pr_auc_random(y: ArrayLike) -> float:
    """The PR AUC of a score that says nothing: the base rate."""
    y = as_vector(y, "y")
    return float(labels_and_scores(y, np.zeros(len(y)))[0].mean())


def kl_divergence(true_probability: ArrayLike, logit: ArrayLike) -> float:
    """Mean KL(truth || model) in nats: how far a model is from the oracle, free of label noise.

    true_probability (N,) within 0 and 1, logit (N,). Both sides are clipped to [1e-7, 1 - 1e-7].
    """
    truth, logit = as_vector(true_probability, "true_probability"), as_vector(logit, "logit")
    labels_and_scores(np.zeros(len(truth)), logit)
    outside = ~((truth >= 0) & (truth <= 1))
    if outside.any():
        raise ValueError(f"true_probability has {outside.sum()} values outside 0 to 1 among {len(truth)}")
    truth = np.clip(truth, P_CLIP, 1 - P_CLIP)
    true_logit = np.log(truth) - np.log1p(-truth)
    return float((row_losses(truth, logit) - row_losses(truth, true_logit)).mean())
