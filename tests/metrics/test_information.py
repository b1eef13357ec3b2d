"""Normalised mutual information: by hand, against scikit-learn's, and what chance gives."""

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from tinyscout.metrics import chance_information, normalised_mutual_information, table_of


def test_the_same_sorting_is_1_and_an_unrelated_one_0() -> None:
    assert normalised_mutual_information(np.diag([3, 5, 2])) == pytest.approx(1)
    assert normalised_mutual_information(np.outer([1, 2, 3], [4, 5])) == pytest.approx(0, abs=1e-12)
    assert normalised_mutual_information(np.array([[3, 0], [2, 0]])) == 0  # one never varies
    assert normalised_mutual_information(np.zeros((2, 3))) == 0


def test_by_hand() -> None:
    table = np.array([[2, 0], [1, 1]])  # joint entropy 1.5 bits, of rows 1, of columns 2 - 0.75 * log2(3)
    columns = 2 - 0.75 * np.log2(3)
    assert normalised_mutual_information(table) == pytest.approx(2 * (1 + columns - 1.5) / (1 + columns))


def test_equals_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for values in (2, 5):
        a = rng.integers(0, 4, 300)
        b = np.where(rng.random(300) < 0.6, a % values, rng.integers(0, values, 300))
        table = table_of(a, np.eye(values)[b])
        assert normalised_mutual_information(table) == pytest.approx(normalized_mutual_info_score(a, b))


def test_chance_keeps_a_leads_tokens_together() -> None:
    rng = np.random.default_rng(1)
    kinds, route = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    counts = 50 * np.eye(3)[route]  # 50 tokens a lead: as 3,000 independent ones they would give next to nothing
    drawn = chance_information(kinds, counts, draws=100, seed=2)
    assert drawn.shape == (100,) and drawn.mean() > 0.01
    assert normalised_mutual_information(table_of(route, counts)) == pytest.approx(1) and drawn.max() < 0.2
    np.testing.assert_array_equal(drawn, chance_information(kinds, counts, draws=100, seed=2))
