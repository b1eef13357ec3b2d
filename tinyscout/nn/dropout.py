"""Dropout: while training, forget a random part of the activations (Srivastava et al. 2014)."""

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.module import Module


class Dropout(Module):
    """Zero each element with probability p and scale the rest by 1/(1-p) while training; otherwise pass x on.

    Draws from a generator of its own, a child of rng, whose state Module.rng_state() saves.
    """

    def __init__(self, p: float, *, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p is {p}, needs 0 <= p < 1")
        self.p = p
        self.rng = rng.spawn(1)[0]

    def __call__(self, x: Tensor) -> Tensor:
        return ops.dropout(x, p=self.p, rng=self.rng) if self.training and self.p > 0 else x

    def mask(self, x: Tensor) -> np.ndarray | None:
        """What a branch of x's shape is multiplied by; None for 1 everywhere."""
        return ops.dropout_mask(x.shape, x.dtype, p=self.p, rng=self.rng) if self.training and self.p > 0 else None
