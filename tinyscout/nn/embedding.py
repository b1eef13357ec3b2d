"""Embedding: a learnt vector for each id."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from tinyscout.autograd import Tensor, ops
from tinyscout.nn.module import Module, Parameter


class Embedding(Module):
    """Row of a table for each id: ids (...) -> (..., Width), times scale (...) where given.

    weight (Rows, Width) is drawn from N(0, std^2). Raises IndexError naming the place of an id outside the table.
    """

    def __init__(
        self, n_rows: int, width: int, *, std: float = 0.02, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        self.weight = Parameter((rng.standard_normal((n_rows, width)) * std).astype(dtype))

    def __call__(self, ids: ArrayLike, scale: Tensor | np.ndarray | None = None) -> Tensor:
        return ops.embedding(self.weight, scale, ids=ids)
