"""Calibrators undo known distortions, keep the order, and equal scikit-learn where it has the same."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import _sigmoid_calibration

from tinyscout.metrics import log_loss, probability, roc_auc
from tinyscout.models.calibrators import Beta, Platt, base_rate_shift


def leads(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True logits and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-1.5, 1.5, n)
    return logit, (rng.random(n) < probability(logit)).astype(float)


def test_platt_equals_scikit_learn():
    logit, y = leads(500)
    a, b = _sigmoid_calibration(2 * logit + 1, y)
    found = Platt.fit(2 * logit + 1, y)
    assert (found.slope, found.shift) == pytest.approx((-a, -b), abs=1e-4)


def test_platt_undoes_slope_and_shift():
    logit, y = leads(50_000)
    found = Platt.fit(3 * logit + 2, y)
    assert (found.slope, found.shift) == pytest.approx((1 / 3, -2 / 3), abs=0.04)


def test_beta_undoes_a_distortion_platt_cannot():
    logit, y = leads(50_000)
    log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    distorted = 2.5 * log_p - 0.5 * log_q  # stretches the sure noes, flattens the sure yeses
    beta, platt = Beta.fit(distorted, y).transform(distorted), Platt.fit(distorted, y).transform(distorted)
    assert log_loss(y, beta) < log_loss(y, platt) - 1e-3
    assert log_loss(y, beta) == pytest.approx(log_loss(y, logit), abs=1e-3)


def test_beta_with_equal_slopes_is_platt():
    logit = np.linspace(-30, 30, 7)
    np.testing.assert_allclose(Beta(0.7, 0.7, 0.2).transform(logit), Platt(0.7, 0.2).transform(logit), atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([Platt, Beta]), st.sampled_from([-2.0, 0.0, 1e-3, 5.0]))
def test_order_is_kept_even_when_the_slice_contradicts(seed, kind, slope):
    logit, y = leads(40, seed)
    y[:2] = 0, 1
    calibrated = kind.fit(slope * logit, y).transform(logit)
    assert roc_auc(y, calibrated) == roc_auc(y, logit)
    assert np.isfinite(calibrated).all()


@pytest.mark.parametrize("kind", [Platt, Beta])
def test_mean_probability_becomes_the_base_rate(kind):
    logit, y = leads(2_000)
    assert probability(kind.fit(2 * logit + 3, y).transform(2 * logit + 3)).mean() == pytest.approx(y.mean(), abs=1e-3)


@pytest.mark.parametrize("kind", [Platt, Beta])
def test_a_perfect_order_stays_finite(kind):
    logit = np.array([-2.0, -1.0, 1.0, 2.0])
    assert np.abs(kind.fit(logit, [0, 0, 1, 1]).transform(logit)).max() < 3


@pytest.mark.parametrize("kind", [Platt, Beta])
def test_state_keeps_the_bits_through_json(kind):
    logit, y = leads(300)
    found = kind.fit(logit, y)
    assert kind.from_state(json.loads(json.dumps(found.to_state()))) == found


@pytest.mark.parametrize("kind", [Platt, Beta])
def test_one_label_is_refused(kind):
    with pytest.raises(ValueError, match="needs leads of both labels; 0 of 3 replied"):
        kind.fit([1.0, 2.0, 3.0], [0, 0, 0])


def test_base_rate_shift_moves_the_odds():
    assert probability(np.log(0.1 / 0.9) + base_rate_shift(0.1, 0.04)) == pytest.approx(0.04)
    # leads of a world with 10 % repliers, thinned to 4 %: the shifted logits are calibrated there
    logit, y = leads(200_000)
    kept = (y == 0) | (np.random.default_rng(1).random(len(y)) < 0.25)
    shift = base_rate_shift(y.mean(), y[kept].mean())
    assert probability(logit[kept] + shift).mean() == pytest.approx(y[kept].mean(), abs=0.003)
    with pytest.raises(ValueError, match="expected_rate is 0"):
        base_rate_shift(0.1, 0)


def test_prior_rows_pull_towards_no_change() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=500)
    y = (rng.random(500) < 1 / (1 + np.exp(-(0.4 * logit + 1)))).astype(float)
    free, pulled, held = (Platt.fit(logit, y, prior_rows=rows) for rows in (0, 500, 1e9))
    assert free.slope < pulled.slope < held.slope == pytest.approx(1, abs=1e-3)
    assert free.shift > pulled.shift > held.shift == pytest.approx(0, abs=1e-3)
