"""Equal-mass bins of scores, for calibration."""

import numpy as np

from tinyscout.metrics.scores import probability

BINS = 10


def bin_of(score: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Bin 0 .. bins-1 of each lead (N,) by the middle rank of its score: equal mass, equal scores together."""
    if bins < 1:
        raise ValueError(f"bins is {bins}; needs at least 1")
    _, step, count = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2  # (steps,) ranks between 0 and N
    return np.minimum((middle[step] * bins / len(score)).astype(np.int64), bins - 1)


def bin_gaps(y: np.ndarray, logit: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Each lead's p - y in the column of its bin, 0 elsewhere: (N, bins).

    The absolute column means, which a bootstrap may weight, add up to the calibration error.
    """
    gaps = np.zeros((len(y), bins))
    gaps[np.arange(len(y)), bin_of(logit, bins)] = probability(logit) - y
    return gaps
