"""MLP: what a position makes of what it has read, on its own."""

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.dropout import Dropout
from tinyscout.nn.linear import Linear
from tinyscout.nn.module import Module
from tinyscout.nn.norm import LayerNorm


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

    def branch(self, x: Tensor, norm: LayerNorm) -> Tensor:
        """x + self(norm(x)) as one op."""
        weights = norm.gain, norm.bias, self.up.weight, self.up.bias, self.down.weight, self.down.bias
        frozen = not self.up.weight.requires_grad
        return ops.mlp_branch(x, *weights, kept=self.dropout.mask(x), eps=norm.eps, frozen=frozen)
