"""What every metric asks of its inputs: labels of 0 and 1, finite scores, one score a label."""

import numpy as np
from numpy.typing import ArrayLike


def labels_and_scores(y: ArrayLike, score: ArrayLike, name: str = "logit") -> tuple[np.ndarray, np.ndarray]:
    """Return y and score as float64 vectors of one length, or say what is wrong with them.

    y (N,) of 0 and 1, score (N,) finite, higher means likelier to reply.
    Raises ValueError: no rows, lengths that differ, a label other than 0 and 1 (an immature lead is NaN), a score
    that is NaN or infinite.
    """
    y, score = as_vector(y, "y"), as_vector(score, name)
    if len(y) != len(score):
        raise ValueError(f"y has {len(y)} rows and {name} has {len(score)}; pass one {name} for each label")
    if len(y) == 0:
        raise ValueError(f"y and {name} are empty; a metric needs at least one lead")
    unknown = np.isnan(y)
    if unknown.any():
        raise ValueError(
            f"y has {unknown.sum()} NaN among {len(y)} labels; leave out leads whose window is not over (tables.mature)"
        )
    odd = (y != 0) & (y != 1)
    if odd.any():
        raise ValueError(f"y has {odd.sum()} values other than 0 and 1 among {len(y)}, the first is {y[odd][0]:g}")
    bad = ~np.isfinite(score)
    if bad.any():
        raise ValueError(
            f"{name} has {np.isnan(score).sum()} NaN and {np.isinf(score).sum()} infinite values among {len(score)}; "
            "every lead needs a finite score"
        )
    return y, score


def as_vector(values: ArrayLike, name: str) -> np.ndarray:
    """Return values as a float64 array of one axis; ValueError for another shape or for what is no number."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers ({error})") from None
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; needs one axis (N,)")
    return vector
