"""LayerNorm: bring each position to mean 0 and variance 1, then let it learn its own scale and shift."""

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.module import Module, Parameter


class LayerNorm(Module):
    """Layer normalisation over the last axis, x (..., Width) -> (..., Width); gain starts at 1, bias at 0.

    There is nothing random in it; rng is taken so that all layers are made alike.
    """

    def __init__(
        self, width: int, *, eps: float = 1e-5, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
    ) -> None:
        self.gain = Parameter(np.ones(width, dtype=dtype))
        self.bias = Parameter(np.zeros(width, dtype=dtype))
        self.eps = eps

    def __call__(self, x: Tensor) -> Tensor:
        return ops.layer_norm(x, self.gain, self.bias, eps=self.eps)
