"""The bootstrap on counts equals one that copies rows, and its intervals behave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.metrics import bootstrap
from tinyscout.metrics.bootstrap import (
    METRICS,
    fall,
    mean_interval,
    paired_bootstrap,
    percentile_interval,
    ratio_interval,
    resample,
)
from tinyscout.metrics.gains import credit_waste
from tinyscout.metrics.ranking import precision_at
from tinyscout.metrics.scores import brier, log_loss, pr_auc, probability, roc_auc

FIGURES = {
    "log_loss": log_loss,
    "brier": brier,
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "credit_waste": credit_waste,
    "precision_at_10": precision_at,
    "precision_at_20": lambda y, score: precision_at(y, score, 0.2),
}


def leads(n: int, seed: int = 0, digits: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, a good and a worse logit; few digits make ties."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-0.5, 1.5, n)
    y = (rng.random(n) < probability(logit)).astype(float)
    return y, np.round(logit, digits), np.round(0.5 * logit + rng.normal(size=n), digits)


@pytest.mark.parametrize("digits", [8, 1])
@pytest.mark.parametrize("grouped", [False, True])
def test_a_draw_of_counts_equals_a_copy_of_rows(digits, grouped):
    y, good, worse = leads(300, digits=digits)
    y[:80] = 1  # repliers enough that each draw has 50
    groups = np.random.default_rng(1).integers(100, 180, 300) if grouped else np.arange(300)
    names = np.unique(groups)
    found = resample(y, {"good": good, "worse": worse}, metrics=list(FIGURES), groups=groups, draws=20, seed=3)
    rng = np.random.default_rng(3)
    for draw in range(20):
        drawn = names[rng.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(groups == name) for name in drawn])
        for metric, figure in FIGURES.items():
            for name, logit in (("good", good), ("worse", worse)):
                assert found.draws[metric][name][draw] == pytest.approx(figure(y[rows], logit[rows])), metric
    for metric, figure in FIGURES.items():
        assert found.value[metric]["good"] == pytest.approx(figure(y, good))


def test_groups_draw_together_variants_of_one_source():
    y, good, worse = leads(400)
    alone = paired_bootstrap(y, good, worse)["log_loss"]
    variants = np.tile(np.arange(400), 5)
    together = paired_bootstrap(y[variants], good[variants], worse[variants], groups=variants)["log_loss"]
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    mistaken = paired_bootstrap(y[variants], good[variants], worse[variants])["log_loss"]
    assert mistaken.high - mistaken.low < 0.6 * (alone.high - alone.low)


def test_groups_may_be_names_and_one_group_has_no_spread():
    y, good, worse = leads(100)
    named = paired_bootstrap(y, good, worse, groups=[f"lead {row % 40}" for row in range(100)], draws=50)["log_loss"]
    assert named.low < named.value < named.high
    single = paired_bootstrap(y, good, worse, groups=np.zeros(100), draws=50)["log_loss"]
    assert single.low == pytest.approx(single.value) and single.high == pytest.approx(single.value)


def test_mean_difference_has_the_width_of_the_normal_law():
    y, good, worse = leads(2_000)
    interval = paired_bootstrap(y, good, worse, metrics=["brier"])["brier"]
    row = np.square(probability(good) - y) - np.square(probability(worse) - y)
    half = 1.96 * row.std() / np.sqrt(2_000)
    assert interval.value == pytest.approx(row.mean())
    assert interval.low == pytest.approx(row.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(row.mean() + half, abs=0.1 * half)
    assert interval.excludes_zero


def test_the_interval_of_a_mean_has_the_width_of_the_normal_law_and_groups_count_once():
    values = np.random.default_rng(3).random(400)
    found, half = mean_interval(values), 1.96 * values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)
    thrice = mean_interval(np.repeat(values, 3), groups=np.repeat(np.arange(400), 3))
    assert thrice.to_dict() == pytest.approx(found.to_dict())
    for wrong in ([], [[1.0]], [np.nan]):
        with pytest.raises(ValueError, match="needs \\(N,\\) finite numbers"):
            mean_interval(wrong)


def test_the_interval_of_a_ratio_has_the_width_of_the_delta_method_and_groups_count_once():
    rng = np.random.default_rng(0)
    values, over = np.append(rng.normal(4, 1, 500), rng.normal(2, 1, 500)), np.arange(1_000) < 500
    found = ratio_interval(values, over, ~over, draws=1_000)
    upper, lower = values[over], values[~over]
    value = upper.mean() / lower.mean()
    error = value * np.sqrt((upper.std() / upper.mean()) ** 2 / 500 + (lower.std() / lower.mean()) ** 2 / 500)
    assert found.value == pytest.approx(value)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    twice = ratio_interval(np.tile(values, 2), np.tile(over, 2), np.tile(~over, 2), groups=np.tile(np.arange(1_000), 2))
    assert twice.high - twice.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    same = ratio_interval(np.append(upper, 2 * upper), ~over, over, groups=np.tile(np.arange(500), 2), draws=50)
    assert (same.low, same.value, same.high) == pytest.approx((2, 2, 2))  # drawn together


def test_a_ratio_to_nothing_is_undefined():
    assert np.isnan(ratio_interval([1.0, 2.0], [True, True], [False, False], draws=5).value)
    assert np.isnan(ratio_interval([1.0, 0.0], [True, False], [False, True], draws=5).value)
    with pytest.raises(ValueError, match="ratio_interval: shapes"):
        ratio_interval([1.0, 2.0], [True], [False, True])


def test_a_model_against_itself_shows_nothing():
    y, good, _ = leads(300)
    for interval in paired_bootstrap(y, good, good, metrics=METRICS, draws=50).values():
        assert (interval.value, interval.low, interval.high) == (0, 0, 0)
        assert not interval.excludes_zero


def test_seed_decides_and_block_size_does_not(monkeypatch):
    y, good, worse = leads(300)
    first = paired_bootstrap(y, good, worse, draws=100, seed=5)
    assert paired_bootstrap(y, good, worse, draws=100, seed=6) != first
    monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", 700)
    for metric, interval in paired_bootstrap(y, good, worse, draws=100, seed=5).items():
        assert interval.to_dict() == pytest.approx(first[metric].to_dict(), abs=1e-12)


def test_fall_is_one_minus_the_ratio():
    y, good, worse = leads(600)
    found = fall(y, good, worse, draws=200)
    assert list(found) == ["log_loss", "credit_waste"]
    assert found["log_loss"].value == pytest.approx(1 - log_loss(y, good) / log_loss(y, worse))
    assert found["credit_waste"].value == pytest.approx(1 - credit_waste(y, good) / credit_waste(y, worse))
    for metric, interval in found.items():
        both = resample(y, {"a": good, "b": worse}, metrics=[metric], draws=200).draws[metric]
        low, high = np.percentile(1 - both["a"] / both["b"], [2.5, 97.5])
        assert (interval.low, interval.high) == pytest.approx((low, high))
    swapped = fall(y, worse, good, draws=200)["log_loss"]
    assert swapped.high < 0, "a worse model is a rise, which is a negative fall"


def test_fall_of_half():
    y = np.repeat([1.0, 0.0], [100, 300])
    half, full = y.copy(), y.copy()
    half[:20], half[100:120] = 0.0, 1.0
    full[:40], full[100:140] = 0.0, 1.0
    assert fall(y, half, full, draws=100)["credit_waste"].value == pytest.approx(0.5)


def test_credit_waste_below_fifty_repliers_is_undefined():
    y, good, worse = leads(300)
    y[np.flatnonzero(y)[49:]] = 0
    assert y.sum() == 49
    for interval in (fall(y, good, worse, draws=20)["credit_waste"], paired_bootstrap(y, good, worse)["credit_waste"]):
        assert np.isnan([interval.value, interval.low, interval.high]).all()
        assert not interval.excludes_zero


def test_a_perfect_baseline_leaves_no_fall():
    y = np.repeat([1.0, 0.0], [60, 60])
    assert np.isnan(fall(y, -y, y, draws=20)["credit_waste"].value)


def test_draws_without_repliers_are_left_out():
    y = np.zeros(12)
    y[0] = 1
    interval = paired_bootstrap(y, np.arange(12.0), -np.arange(12.0), metrics=["roc_auc"], draws=200)["roc_auc"]
    assert (interval.value, interval.low, interval.high) == (-1, -1, -1)


@settings(max_examples=25)
@given(st.integers(2, 30), st.integers(0, 1_000))
def test_intervals_are_ordered_and_finite_or_undefined(n, seed):
    y, good, worse = leads(n, seed, digits=1)
    for interval in paired_bootstrap(y, good, worse, metrics=METRICS, draws=30).values():
        assert np.isnan(interval.value) or interval.low <= interval.high


def test_wider_level_wider_interval():
    draws = np.random.default_rng(0).normal(size=1_000)
    narrow, wide = (percentile_interval(0.0, draws, level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["accuracy"]}, "metric 'accuracy' is not known; choose from log_loss"),
        ({"draws": 0}, "draws is 0"),
        ({"groups": [1, 2]}, r"groups has shape \(2,\); needs one source lead for each of the 4 rows"),
        ({"level": 95}, "level is 95"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap([0, 1, 0, 1], [0, 1, 2, 3], [3, 2, 1, 0], **options)


def test_errors_name_the_model():
    with pytest.raises(ValueError, match="logit of scout has 1 NaN"):
        resample([0, 1], {"baseline": [0, 1], "scout": [0, np.nan]})
    with pytest.raises(ValueError, match="logits is empty"):
        resample([0, 1], {})
