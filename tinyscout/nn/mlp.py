"""MLP: what a position makes of what it has read, on its own."""

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.dropout import Dropout
from tinyscout.nn.linear import Linear
from tinyscout.nn.module import Module


class MLP(Module):
    """Linear, GELU, Linear: x (..., D) -> (..., D) through a hidden layer; dropout on what comes out."""

    def __init__(
        self, width: int, hidden: int, *, dropout: float = 0.0, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        self.up = Linear(width, hidden, rng=rng, dtype=dtype)
        self.down = Linear(hidden, width, rng=rng, dtype=dtype)
        self.dropout = Dropout(dropout, rng=rng, dtype=dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return self.dropout(self.down(ops.gelu(self.up(x))))
