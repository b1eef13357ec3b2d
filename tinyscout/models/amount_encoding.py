"""How much: the value of a number token as a piecewise-linear function to the model's width, one for each number.

One vector times the value can only say "more is better" or "worse"; knots let a number mean one thing in its middle
and another at its ends. With two knots it is a vector times the value, plus a constant.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from tinyscout.autograd import Tensor
from tinyscout.nn import Embedding, Module

KNOTS = 8


class AmountEncoding(Module):
    """ids and values (B, T), values in [-1, 1] -> (B, T, D); zeros where the id carries no number.

    Between two of the evenly spaced knots the vectors of both are mixed by distance (a linear spline, or hat
    functions; for tabular numbers: Gorishniy et al. 2022, section 3.2).
    """

    def __init__(
        self,
        numbers: Sequence[int],
        vocabulary: int,
        width: int,
        *,
        std: float,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        """numbers: the ids that carry a value, among `vocabulary` ids."""
        self.first_knot = np.full(vocabulary, -1)
        self.first_knot[np.asarray(numbers, np.int64)] = np.arange(len(numbers)) * KNOTS
        self.knots = Embedding(max(len(numbers), 1) * KNOTS, width, std=std, rng=rng, dtype=dtype)

    def __call__(self, ids: np.ndarray, values: np.ndarray) -> Tensor:
        left, right = self.places(ids, values)
        return self.knots(left[0], scale=left[1]) + self.knots(right[0], scale=right[1])

    def places(self, ids: np.ndarray, values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """The knots on both sides of each value: row in the table, and share, 0 where the id carries no number."""
        first = self.first_knot[ids]
        known = first >= 0
        place = (np.clip(values, -1, 1) + 1) / 2 * (KNOTS - 1)
        left = np.minimum(place.astype(np.int64), KNOTS - 2)
        share = place - left  # of the right-hand knot
        row = np.where(known, first + left, 0)
        return [(row, known * (1 - share)), (row + 1, known * share)]
