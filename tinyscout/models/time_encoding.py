"""How long ago: the age of a token as features of log time, projected to the model's width.

Two hours against two months is a ratio, so the sines run over log(1 + minutes): one step of the slowest spans
seconds to years, the fastest tells an hour from two.
"""

import math

import numpy as np

from tinyscout.autograd import Tensor
from tinyscout.nn import Linear, Module

MINUTES_PER_HOUR = 60.0
LARGEST = math.log1p(MINUTES_PER_HOUR * 24 * 365 * 10)  # ten years: one half turn of the slowest sine


def age_features(ages: np.ndarray, frequencies: int = 8) -> np.ndarray:
    """Fixed features of ages in hours (any shape) -> (..., 2 + 2 * frequencies) float32; all zero where age is NaN.

    1, u and sin, cos of pi * 2**k * u for k < frequencies, where u = log(1 + minutes) / log(1 + ten years).
    Sinusoids over a geometric ladder: Vaswani et al. 2017, section 3.5; over log time rather than position.
    """
    known = ~np.isnan(ages)
    hours = np.where(known, ages, 0).astype(np.float64)  # one unit in the last place of a float32 u shows in the sines
    u = (np.log1p(hours * MINUTES_PER_HOUR) / LARGEST).astype(np.float32)
    angles = u[..., None] * (np.pi * 2.0 ** np.arange(frequencies)).astype(np.float32)
    features = np.concatenate([np.ones_like(u)[..., None], u[..., None], np.sin(angles), np.cos(angles)], axis=-1)
    return features * known[..., None].astype(np.float32)


class TimeEncoding(Module):
    """Ages in hours (B, T) -> (B, T, D). A token without an age (NaN) gets zeros, which is not age 0."""

    def __init__(self, width: int, *, frequencies: int = 8, rng: np.random.Generator, dtype: type = np.float32):
        self.frequencies = frequencies
        self.project = Linear(2 + 2 * frequencies, width, bias=False, rng=rng, dtype=dtype)

    def __call__(self, ages: np.ndarray) -> Tensor:
        features = age_features(ages, self.frequencies).astype(self.project.weight.dtype, copy=False)
        return self.project(Tensor(features))
