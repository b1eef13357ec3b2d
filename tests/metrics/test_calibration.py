"""Calibration error, its interval and the reliability bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.metrics.bins import bin_of
from tinyscout.metrics.calibration import calibration_error, calibration_interval, reliability_bins
from tinyscout.metrics.scores import probability


def leads(n: int, rng: np.random.Generator, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits around -1 of which the truth is slope times as far away from -1."""
    logit = rng.normal(-1, 1, n)
    y = (rng.random(n) < probability(slope * (logit + 1) - 1)).astype(float)
    return y, logit


def test_error_by_hand_in_two_bins():
    logit = np.log([0.2 / 0.8, 0.25 / 0.75, 0.6 / 0.4, 0.7 / 0.3])
    # lower bin: mean p 0.225, rate 0.5; upper bin: mean p 0.65, rate 1
    assert calibration_error([0, 1, 1, 1], logit, bins=2) == pytest.approx((0.275 + 0.35) / 2)


def test_a_constant_at_the_base_rate_is_calibrated():
    y = np.repeat([1.0, 0.0], [30, 90])
    assert calibration_error(y, np.full(120, np.log(0.25 / 0.75))) == pytest.approx(0, abs=1e-12)
    assert calibration_error(y, np.zeros(120)) == pytest.approx(0.25)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 12))
def test_bins_keep_ties_together_and_order(scores, bins):
    score = np.array(scores, dtype=float)
    member = bin_of(score, bins)
    assert member.min() >= 0 and member.max() < bins
    order = np.argsort(score)
    assert (np.diff(member[order]) >= 0).all()
    for value in np.unique(score):
        assert len(np.unique(member[score == value])) == 1


def test_bins_have_equal_mass_without_ties():
    member = bin_of(np.random.default_rng(0).normal(size=1_000), 10)
    np.testing.assert_array_equal(np.bincount(member), np.full(10, 100))


def test_reliability_bins_add_up_to_the_error():
    y, logit = leads(1_003, np.random.default_rng(0), slope=0.5)
    bins = reliability_bins(y, logit)
    gap = np.abs(bins["mean_probability"] - bins["reply_rate"])
    assert (bins["count"] * gap).sum() / 1_003 == pytest.approx(calibration_error(y, logit))
    assert bins["count"].sum() == 1_003
    assert (np.diff(bins["mean_probability"]) > 0).all()
    assert (bins["low"] <= bins["reply_rate"]).all() and (bins["reply_rate"] <= bins["high"]).all()
    assert len(reliability_bins(y, np.zeros(1_003))["count"]) == 1, "empty bins are left out"


@pytest.mark.parametrize("slope", [1.0, 0.6])
def test_interval_covers_the_error_that_is_not_noise(slope):
    rng = np.random.default_rng(4)
    truth = 0.0 if slope == 1 else calibration_error(*leads(1_000_000, rng, slope))
    covered = 0
    for _ in range(100):
        interval = calibration_interval(*leads(800, rng, slope), draws=200)
        assert interval.low <= interval.value <= interval.high
        covered += interval.low <= truth <= interval.high
    assert covered >= 88
    if slope != 1:
        assert truth > 0.05 and interval.low > 0


def test_interval_respects_groups():
    y, logit = leads(500, np.random.default_rng(0), slope=0.5)
    repeated = np.tile(np.arange(500), 4)
    grouped = calibration_interval(y[repeated], logit[repeated], groups=repeated, draws=400)
    single = calibration_interval(y, logit, draws=400)
    assert grouped.high == pytest.approx(single.high)


def test_bins_below_one_are_refused():
    with pytest.raises(ValueError, match="bins is 0"):
        calibration_error([0, 1], [0, 1], bins=0)
