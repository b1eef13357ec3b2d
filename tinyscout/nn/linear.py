"""Linear: a weighted sum of the last axis."""

import math

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.module import Module, Parameter


class Linear(Module):
    """x @ weight.T + bias, x (..., In) -> (..., Out).

    weight (Out, In) is drawn from N(0, gain^2 / In), which keeps the variance of x at gain 1 (LeCun et al. 1998,
    section 4.6); bias (Out,) starts at 0, and is None with bias=False.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        gain: float = 1.0,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.weight = Parameter((rng.standard_normal((n_out, n_in)) * (gain / math.sqrt(n_in))).astype(dtype))
        self.bias = Parameter(np.zeros(n_out, dtype=dtype)) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        return ops.linear(x, self.weight, self.bias)
