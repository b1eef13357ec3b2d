import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinyscout import kernels
from tinyscout.kernels.optimizer import adamw_twin

SETTINGS = {"lr": 1e-2, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1}


def state(shape, seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for _ in range(2)] + [np.zeros(shape, dtype) for _ in range(2)]


@settings(max_examples=40)
@given(shape=array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=20), seed=st.integers(0, 2**32 - 1))
def test_equals_twin_over_some_steps(shape, seed):
    ours, twin = state(shape, seed), state(shape, seed)
    for step in range(1, 6):
        kernels.adamw(*ours, **SETTINGS, step=step)
        adamw_twin(*twin, **SETTINGS, step=step)
    for got, want in zip(ours, twin, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_first_step_by_hand():
    param, grad, m, v = (np.array([a], np.float32) for a in (2.0, -3.0, 0.0, 0.0))
    kernels.adamw(param, grad, m, v, **SETTINGS, step=1)
    # unbiased moments are g and g^2 at the first step, so that it goes by lr against the sign of g, after the decay
    assert param[0] == pytest.approx(2 * (1 - 1e-3) + 1e-2, rel=1e-6)
    assert (m[0], v[0]) == (pytest.approx(-0.3, rel=1e-6), pytest.approx(0.009, rel=1e-6))


def test_view_of_a_gradient_gives_the_same_and_grad_is_kept():
    ours, other = state((4, 6), 0), state((4, 6), 0)
    turned = np.asfortranarray(ours[1])
    kernels.adamw(ours[0], turned, *ours[2:], **SETTINGS, step=1)
    kernels.adamw(*other, **SETTINGS, step=1)
    np.testing.assert_array_equal(ours[0], other[0])
    np.testing.assert_array_equal(turned, other[1])


def test_float64_twin_and_refusals():
    double = state((3,), 0, np.float64)
    before = double[0].copy()
    kernels.adamw(*double, **SETTINGS, step=1)
    assert double[0].dtype == np.float64 and (double[0] != before).all()
    param, grad, m, v = state((4, 6), 0)
    with pytest.raises(ValueError, match="must be of one shape"):
        kernels.adamw(param, grad[:2], m, v, **SETTINGS, step=1)


def test_a_param_that_is_not_contiguous_is_refused_or_updated():
    param, grad, m, v = state((4, 6), 0)
    turned = np.asfortranarray(param)
    try:
        kernels.adamw(turned, grad, m, v, **SETTINGS, step=1)
    except ValueError as error:
        assert "param (4, 6) is not contiguous" in str(error)
        np.testing.assert_array_equal(turned, param)
    else:  # the twin writes to any strides
        kernels.adamw(param, grad, np.zeros_like(m), np.zeros_like(v), **SETTINGS, step=1)
        np.testing.assert_array_equal(turned, param)


def test_nan_gradient_gives_nan():
    ours = state((20,), 0)
    ours[1][5] = np.nan
    kernels.adamw(*ours, **SETTINGS, step=1)
    assert np.flatnonzero(np.isnan(ours[0])).tolist() == [5]
