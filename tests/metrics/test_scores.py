"""Scores against scikit-learn, brute force over tie breaks, and the inputs that must be refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from tinyscout.metrics.curve import Ranking
from tinyscout.metrics.ranking import lift_at, precision_at, recall_at, top_over_rest, wilson_interval
from tinyscout.metrics.scores import (
    best_shift,
    brier,
    clearly_below,
    kl_divergence,
    log_loss,
    pr_auc,
    pr_auc_random,
    probability,
    roc_auc,
)


@st.composite
def scored_leads(draw, least: int = 2, most: int = 40, classes: int = 2):
    """Labels and logits with many ties, of one or of both classes."""
    n = draw(st.integers(least, most))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), dtype=float)
    if classes == 2:
        y[0], y[-1] = 0, 1
    levels = draw(st.integers(1, 8))
    logit = np.array(draw(st.lists(st.integers(0, levels), min_size=n, max_size=n)), dtype=float) - levels / 2
    return y, logit * draw(st.sampled_from([0.1, 1.0, 30.0]))


@given(scored_leads())
def test_scores_equal_scikit_learn_with_ties_and_extreme_logits(leads):
    y, logit = leads
    p = np.clip(probability(logit), 1e-7, 1 - 1e-7)
    assert log_loss(y, logit) == pytest.approx(oracle.log_loss(y, p), rel=1e-9)
    assert brier(y, logit) == pytest.approx(oracle.brier_score_loss(y, probability(logit)), abs=1e-12)
    assert roc_auc(y, logit) == pytest.approx(oracle.roc_auc_score(y, logit), abs=1e-12)
    assert pr_auc(y, logit) == pytest.approx(oracle.average_precision_score(y, logit), abs=1e-12)


def test_scores_equal_scikit_learn_without_ties():
    rng = np.random.default_rng(0)
    logit = rng.normal(-3, 1, 5_000)
    y = (rng.random(5_000) < probability(logit)).astype(int)
    assert log_loss(y, logit) == pytest.approx(oracle.log_loss(y, probability(logit)), rel=1e-12)
    assert roc_auc(y, logit) == pytest.approx(oracle.roc_auc_score(y, logit), abs=1e-12)
    assert pr_auc(y, logit) == pytest.approx(oracle.average_precision_score(y, logit), abs=1e-12)


@given(scored_leads())
def test_order_is_all_that_ranking_figures_see(leads):
    y, logit = leads
    shifted = 3 * logit - 7
    for figure in (roc_auc, pr_auc, precision_at, recall_at):
        assert figure(y, shifted) == pytest.approx(figure(y, logit), abs=1e-12)
    assert roc_auc(y, -logit) == pytest.approx(1 - roc_auc(y, logit), abs=1e-12)


@settings(max_examples=30)
@given(scored_leads(least=3, most=6), st.sampled_from([0.1, 0.34, 0.5, 1.0]))
def test_ties_count_at_their_mean_over_all_tie_breaks(leads, share):
    y, score = leads
    contacts = max(1, int(np.floor(share * len(y) + 0.5)))
    orders = [order for order in itertools.permutations(range(len(y))) if np.all(np.diff(score[list(order)]) <= 0)]
    won = np.mean([y[list(order[:contacts])].sum() for order in orders])
    assert precision_at(y, score, share) == pytest.approx(won / contacts)
    assert recall_at(y, score, share) == pytest.approx(won / y.sum())
    assert lift_at(y, score, share) == pytest.approx(won / contacts / y.mean())
    budget = int(y.sum())
    wasted = np.mean([1 - y[list(order[:budget])].mean() for order in orders])
    assert Ranking(y, score).curve().credit_waste()[0] == pytest.approx(wasted)


def test_figures_of_the_top_by_hand():
    y = np.array([1, 1, 0, 1, 0, 0, 0, 0, 1, 0])
    score = -np.arange(10.0)
    assert precision_at(y, score, 0.2) == 1.0
    assert precision_at(y, score, 0.3) == pytest.approx(2 / 3)
    assert recall_at(y, score, 0.3) == 0.5
    assert lift_at(y, score, 0.2) == pytest.approx(1 / 0.4)
    assert top_over_rest(y, score, 0.2) == pytest.approx(1.0 / (2 / 8))
    assert precision_at(y, score, 0.25) == pytest.approx(2 / 3), "2.5 contacts are rounded half up to 3"
    assert precision_at(y, score, 0.01) == 1.0, "at least one contact"
    assert np.isnan(top_over_rest(y[:4] * 0 + [1, 0, 0, 0], -np.arange(4.0), 0.25))


def test_log_loss_clips_and_stays_finite():
    assert log_loss([1, 0], [-1e6, 1e6]) == pytest.approx(-np.log(1e-7), rel=1e-6)
    assert log_loss([1, 0], [1e6, -1e6]) == pytest.approx(1e-7, rel=1e-3)
    assert log_loss([1], np.array([0.0], dtype=np.float32)) == np.log(2)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_nan_where_undefined(label):
    y, logit = np.full(5, label), np.linspace(-1, 1, 5)
    assert np.isnan(roc_auc(y, logit))
    assert np.isnan(pr_auc(y, logit)) == (label == 0)
    assert np.isnan(lift_at(y, logit)) == (label == 0)
    assert np.isfinite([log_loss(y, logit), brier(y, logit), precision_at(y, logit)]).all()
    assert pr_auc_random(y) == label


@pytest.mark.parametrize(
    ("y", "logit", "message"),
    [
        ([0, 1, np.nan, np.nan], [0, 0, 0, 0], "y has 2 NaN among 4 labels"),
        ([0, 2], [0, 0], "y has 1 values other than 0 and 1 among 2, the first is 2"),
        ([0, 1, 1], [0, 0], "y has 3 rows and logit has 2"),
        ([0, 1, 1], [np.nan, np.inf, 0], "logit has 1 NaN and 1 infinite values among 3"),
        ([], [], "empty"),
        ([[0, 1]], [0, 1], r"y has shape \(1, 2\)"),
        (["hot", "cold"], [0, 1], "y is no array of numbers"),
    ],
)
def test_inputs_that_make_no_sense_give_one_line(y, logit, message):
    with pytest.raises(ValueError, match=message) as caught:
        log_loss(y, logit)
    assert "\n" not in str(caught.value)


def test_share_outside_zero_to_one_is_refused():
    for share in (0, -0.1, 1.5):
        with pytest.raises(ValueError, match="share is"):
            precision_at([0, 1], [0, 1], share)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(-20, 20))
def test_kl_divergence_is_the_excess_of_expected_log_loss(truth, logit):
    truth = np.array(truth)
    z = np.full(len(truth), logit)
    p, q = np.clip(truth, 1e-7, 1 - 1e-7), np.clip(probability(z), 1e-7, 1 - 1e-7)
    expected = np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
    assert kl_divergence(truth, z) == pytest.approx(expected, abs=1e-8)
    assert kl_divergence(truth, z) >= -1e-12


def test_kl_divergence_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match="2 values outside 0 to 1 among 3"):
        kl_divergence([0.5, 1.2, np.nan], [0, 0, 0])


def test_probability_does_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(probability([-1e4, 0, 1e4]), [0, 0.5, 1])


def test_wilson_interval_of_known_values():
    # Newcombe 1998, table I, method 3: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611
    low, high = wilson_interval([81, 0, 0], [263, 20, 0])
    np.testing.assert_allclose(low[:2], [0.2553, 0.0], atol=5e-5)
    np.testing.assert_allclose(high[:2], [0.3662, 0.1611], atol=5e-5)
    assert np.isnan([low[2], high[2]]).all()


def test_the_best_shift_brings_the_mean_probability_to_the_base_rate():
    rng = np.random.default_rng(0)
    logit = rng.normal(size=500)
    y = (rng.random(500) < probability(logit - 1.5)).astype(float)
    shift = best_shift(y, logit)
    assert probability(logit + shift).mean() == pytest.approx(y.mean(), abs=1e-5)
    assert shift == pytest.approx(-1.5, abs=0.3)
    assert all(log_loss(y, logit + shift) <= log_loss(y, logit + shift + step) for step in (-0.1, 0.1))
    assert best_shift(np.zeros(5), np.zeros(5)) == pytest.approx(-10, abs=1e-3)


def testclearly_below_is_one_standard_error():
    others = np.array([1.0, 2.0, 3.0, 4.0])
    gain = np.array([0.0, 1.0, 0.0, 1.0])  # mean 0.5, standard error 0.289
    assert clearly_below(others - gain, others)
    assert not clearly_below(others - gain + 0.25, others)
    assert not clearly_below(others, others)
