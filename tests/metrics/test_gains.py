"""Credit waste and the gains table."""

import numpy as np
import pytest

from tinyscout.metrics.gains import MIN_REPLIERS, credit_waste, gains_table


def leads(repliers: int, silent: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.repeat([1.0, 0.0], [repliers, silent])
    return y, y + rng.normal(size=len(y))


def test_perfect_order_wastes_nothing_and_the_reverse_everything():
    y = np.repeat([1.0, 0.0], [60, 200])
    assert credit_waste(y, y) == 0.0
    assert credit_waste(y, -y) == 1.0


def test_budget_is_the_number_of_repliers():
    y, score = leads(70, 500)
    best = np.argsort(-score)[:70]
    assert credit_waste(y, score) == pytest.approx(1 - y[best].mean())
    best = np.argsort(-score)[:200]
    assert credit_waste(y, score, budget=200) == pytest.approx(1 - y[best].mean())


def test_all_tied_wastes_the_share_of_non_repliers():
    y, _ = leads(60, 140)
    assert credit_waste(y, np.zeros(200)) == pytest.approx(0.7)


def test_ties_equal_the_mean_over_random_tie_breaks():
    y, score = leads(60, 240)
    score = np.round(score)
    rng = np.random.default_rng(1)
    broken = [credit_waste(y, score + 1e-6 * rng.random(len(y))) for _ in range(4_000)]
    assert credit_waste(y, score) == pytest.approx(np.mean(broken), abs=4 * np.std(broken) / np.sqrt(4_000))
    assert np.std(broken) > 0.01, "the tie at the budget's edge decides nothing here, so the test shows nothing"


def test_order_of_rows_does_not_matter():
    y, score = leads(60, 240)
    score = np.round(score, 1)
    mixed = np.random.default_rng(2).permutation(len(y))
    assert credit_waste(y[mixed], score[mixed]) == pytest.approx(credit_waste(y, score), abs=1e-12)


def test_below_fifty_repliers_it_is_undefined():
    y, score = leads(MIN_REPLIERS, 100)
    assert np.isfinite(credit_waste(y, score))
    y[0] = 0
    assert np.isnan(credit_waste(y, score))
    assert np.isnan(credit_waste(y, score, budget=20))


def test_a_budget_that_cannot_be_spent_is_refused():
    y, score = leads(60, 40)
    for budget in (0, 101):
        with pytest.raises(ValueError, match="needs 1 to 100 contacts"):
            credit_waste(y, score, budget=budget)


def test_gains_table_adds_up():
    y, score = leads(60, 443)
    rows = gains_table(y, score)
    assert [row["part"] for row in rows] == list(range(1, 11))
    assert sum(row["contacts"] for row in rows) == 503
    assert {row["contacts"] for row in rows} == {50, 51}
    assert sum(row["replies"] for row in rows) == pytest.approx(60)
    assert rows[-1]["recall"] == pytest.approx(1) and rows[-1]["cumulative_lift"] == pytest.approx(1)
    order = np.argsort(-score)
    start = 0
    for row in rows:
        part = order[start : start + row["contacts"]]
        start += row["contacts"]
        assert row["replies"] == pytest.approx(y[part].sum())
        assert row["lift"] == pytest.approx(y[part].mean() / y.mean())
        assert row["low"] <= row["reply_rate"] <= row["high"]
        assert (row["score_low"], row["score_high"]) == (score[part].min(), score[part].max())
        assert row["replies_per_100"] == pytest.approx(100 * y[order[:start]].mean())


def test_gains_table_of_ties_of_few_leads_and_of_no_repliers():
    rows = gains_table([1, 0, 0, 1], [0, 0, 0, 0], parts=2)
    assert [row["replies"] for row in rows] == [1.0, 1.0]
    assert len(gains_table([1, 0, 0], [3, 2, 1])) == 3
    assert np.isnan(gains_table([0, 0], [1, 2], parts=1)[0]["lift"])
    with pytest.raises(ValueError, match="parts is 0"):
        gains_table([0, 1], [0, 1], parts=0)
