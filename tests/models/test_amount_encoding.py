"""The value of a number: linear between its knots, and nothing at all for what is no number."""

import numpy as np

from tinyscout.models.amount_encoding import KNOTS, AmountEncoding


def test_values_are_interpolated_between_the_knots_of_their_own_number() -> None:
    rng = np.random.default_rng(0)
    encoding = AmountEncoding([3, 5], 8, 4, std=1.0, rng=rng, dtype=np.float64)
    values = np.array([[-1.0, -0.37, 0.0, 0.61, 1.0, -7.0, 7.0]])
    knots = encoding.knots.weight.data.reshape(2, KNOTS, 4)
    for number, i in enumerate((3, 5)):
        found = encoding(np.full(values.shape, i), values).data
        for column in range(4):
            expected = np.interp(values, np.linspace(-1, 1, KNOTS), knots[number, :, column])  # held beyond the ends
            np.testing.assert_allclose(found[..., column], expected, atol=1e-12)


def test_what_is_no_number_gets_zeros() -> None:
    encoding = AmountEncoding([3], 8, 4, std=1.0, rng=np.random.default_rng(0))
    ids = np.array([[0, 1, 2, 4, 7]])
    assert not encoding(ids, np.array([[0.0, 0.5, -0.5, 1.0, -1.0]])).data.any()
