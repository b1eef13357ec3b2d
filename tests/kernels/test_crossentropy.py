import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinyscout import kernels
from tinyscout.kernels.crossentropy import cross_entropy_twin, softmax_backward_twin, softmax_twin

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=50)
@given(shape=array_shapes(min_dims=1, max_dims=3, max_side=70), spread=st.sampled_from([0.1, 3.0, 60.0]), seed=seeds)
def test_softmax_equals_twin(shape, spread, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(0, spread, shape).astype(np.float32), rng.standard_normal(shape).astype(np.float32)
    y = kernels.softmax(x)
    np.testing.assert_allclose(y, softmax_twin(x), rtol=1e-5, atol=1e-7, strict=True)
    np.testing.assert_allclose(
        kernels.softmax_backward(dy, y), softmax_backward_twin(dy, y), rtol=1e-5, atol=1e-6, strict=True
    )


@settings(max_examples=50)
@given(
    shape=array_shapes(min_dims=2, max_dims=3, max_side=50),
    weighted=st.booleans(),
    spread=st.sampled_from([0.1, 3.0, 60.0]),
    seed=seeds,
)
def test_cross_entropy_equals_twin(shape, weighted, spread, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, shape).astype(np.float32)
    targets = rng.integers(0, shape[-1], shape[:-1])
    weights = None
    if weighted:
        weights = np.where(rng.random(shape[:-1]) < 0.4, 0, rng.random(shape[:-1])).astype(np.float32)
        weights.flat[0] = 1
        targets = np.where(weights == 0, -1, targets)  # such a target is never looked at
    loss, dlogits = kernels.cross_entropy(logits, targets, weights)
    expected_loss, expected = cross_entropy_twin(logits, targets, weights)
    assert loss.dtype == np.float32
    assert loss == pytest.approx(expected_loss, rel=2e-5, abs=2e-6)
    np.testing.assert_allclose(dlogits, expected, rtol=2e-5, atol=1e-6, strict=True)
    if weighted:
        assert (dlogits[weights == 0] == 0).all()


def test_twin_gradients_are_those_of_their_values():
    rng = np.random.default_rng(0)
    logits, dy = rng.standard_normal((4, 6)), rng.standard_normal((4, 6))
    targets, weights = rng.integers(0, 6, 4), np.array([1.0, 0.0, 2.0, 0.5])
    dlogits = cross_entropy_twin(logits, targets, weights)[1]
    dx = softmax_backward_twin(dy, softmax_twin(logits))
    for i in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[i] = 1e-6
        up, down = (cross_entropy_twin(logits + s, targets, weights)[0] for s in (step, -step))
        assert dlogits[i] == pytest.approx((up - down) / 2e-6, abs=1e-8)
        up, down = ((softmax_twin(logits + s) * dy).sum() for s in (step, -step))
        assert dx[i] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_mean_over_rows_by_hand():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], np.float32))
    loss, _ = kernels.cross_entropy(logits, np.array([0, 2]), np.array([3, 1], np.float32))
    assert loss == pytest.approx((3 * np.log(2) - np.log(0.8)) / 4, rel=1e-6)


def test_nan_reaches_loss_and_gradient_unless_its_row_has_no_weight():
    logits = np.zeros((3, 21), np.float32)
    logits[1, 20] = np.nan
    targets = np.array([0, 1, 2])
    loss, dlogits = kernels.cross_entropy(logits, targets)
    assert np.isnan(loss) and np.isnan(dlogits[1]).all() and np.isfinite(dlogits[[0, 2]]).all()
    loss, dlogits = kernels.cross_entropy(logits, targets, np.array([1, 0, 1], np.float32))
    assert np.isfinite(loss) and (dlogits[1] == 0).all()
    assert np.isnan(kernels.softmax(logits)[1]).all()


def test_what_cannot_be_is_refused():
    logits, targets = np.zeros((3, 4), np.float32), np.array([0, 1, 2])
    with pytest.raises(ValueError, match="rows sum to 0"):
        kernels.cross_entropy(logits, targets, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"targets lie in \[0, 4\], need \[0, 4\)"):
        kernels.cross_entropy(logits, np.array([0, 4, 1]))
    with pytest.raises(ValueError, match="without its last axis"):
        kernels.cross_entropy(logits, targets[:2])


def test_views_that_are_not_contiguous_give_the_same():
    logits = np.random.default_rng(0).standard_normal((4, 3, 10)).astype(np.float32)
    targets = np.arange(12).reshape(4, 3) % 5
    view = logits[:, :, ::2]
    got, want = kernels.cross_entropy(view, targets), kernels.cross_entropy(view.copy(), targets)
    assert got[0] == want[0]
    np.testing.assert_array_equal(got[1], want[1])
