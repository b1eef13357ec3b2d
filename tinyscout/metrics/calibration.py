"""Whether probabilities mean what they say: of leads given 20 %, one in five should reply."""

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.bins import BINS, bin_gaps, bin_of
from tinyscout.metrics.bootstrap import DRAWS, LEVEL, Interval, Resampled, resample
from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.ranking import wilson_interval
from tinyscout.metrics.scores import probability


def calibration_error(y: ArrayLike, logit: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error over bins of equal mass: the mean over leads of |mean p - reply rate| of their bin.

    y (N,), logit (N,). Equal scores share a bin. Noise alone makes it positive, even for a perfect model: read it
    with `calibration_interval`.
    """
    y, logit = labels_and_scores(y, logit)
    return float(np.abs(bin_gaps(y, logit, bins).mean(axis=0)).sum())


def calibration_interval(
    y: ArrayLike,
    logit: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """Calibration error in 10 bins with a bootstrap interval for what of it is not noise; groups as in `resample`."""
    y, logit = labels_and_scores(y, logit)
    found = resample(y, {"model": logit}, metrics=["calibration_error"], groups=groups, draws=draws, seed=seed)
    return interval_beyond_noise(found, "model", logit, level)


def interval_beyond_noise(found: Resampled, model: str, logit: np.ndarray, level: float = LEVEL) -> Interval:
    """Interval of a resampled calibration error of a model with these logits (N,).

    subtle: a sum of absolute values is biased upwards, and a bootstrap draw adds the same bias once more, so that the
    percentile interval misses the truth nearly always for a calibrated model. Taken here is the reflected interval
    (Davison and Hinkley 1997, eq. 5.6), which holds the figure itself and no negative number, and whose lower end is
    0 unless the error is above what a perfectly calibrated model shows in all but (1 - level) / 2 of samples.
    """
    percentile = found.interval("calibration_error", model, level)
    low = max(0.0, 2 * percentile.value - percentile.high)
    high = max(percentile.value, 2 * percentile.value - percentile.low)
    if percentile.value <= _noise_level(logit, (1 + level) / 2):
        low = 0.0
    return Interval(percentile.value, low, high)


def reliability_bins(y: ArrayLike, logit: ArrayLike, bins: int = BINS) -> dict[str, np.ndarray]:
    """What a reliability diagram draws, lowest scores first: one entry for each bin that holds a lead.

    Arrays (bins,): count, mean_probability, reply_rate, and the reply rate's 95 % Wilson interval low, high.
    """
    y, logit = labels_and_scores(y, logit)
    member = bin_of(logit, bins)
    count = np.bincount(member, minlength=bins)
    kept = count > 0
    count = count[kept]
    replies = np.bincount(member, weights=y, minlength=bins)[kept]
    expected = np.bincount(member, weights=probability(logit), minlength=bins)[kept]
    low, high = wilson_interval(replies, count)
    return {
        "count": count,
        "mean_probability": expected / count,
        "reply_rate": replies / count,
        "low": low,
        "high": high,
    }


def _noise_level(logit: np.ndarray, quantile: float) -> float:
    """The quantile of the calibration error if every probability were right, by the normal law of each bin's mean."""
    p = probability(logit)
    spread = np.sqrt(np.bincount(bin_of(logit), weights=p * (1 - p), minlength=BINS)) / len(p)
    gaps = np.random.default_rng(0).normal(size=(DRAWS, BINS)) * spread
    return float(np.quantile(np.abs(gaps).sum(axis=1), quantile))
