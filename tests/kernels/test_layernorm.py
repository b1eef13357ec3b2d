import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinyscout import kernels
from tinyscout.kernels.layernorm import layer_norm_backward_twin, layer_norm_twin

seeds = st.integers(0, 2**32 - 1)


def draw(seed, *shapes, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@settings(max_examples=60)
@given(shape=array_shapes(min_dims=1, max_dims=3, max_side=70), seed=seeds)
def test_equals_twin(shape, seed):
    x, dy, gain, bias = draw(seed, shape, shape, shape[-1], shape[-1])
    y, mean, rstd = kernels.layer_norm(x, gain, bias, eps=1e-3)
    expected = layer_norm_twin(x, gain, bias, eps=1e-3)
    for got, want in zip((y, mean, rstd), expected, strict=True):
        assert got.dtype == np.float32 and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)
    gradients = kernels.layer_norm_backward(dy, x, gain, mean, rstd)
    for got, want in zip(gradients, layer_norm_backward_twin(dy, x, gain, mean, rstd), strict=True):
        assert got.dtype == np.float32 and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5 * max(1, np.abs(want).max(initial=0)))


def test_twin_gradient_is_that_of_its_value():
    x, dy, gain, bias = draw(0, (3, 5), (3, 5), 5, 5, dtype=np.float64)
    _, mean, rstd = layer_norm_twin(x, gain, bias)
    analytic = layer_norm_backward_twin(dy, x, gain, mean, rstd)
    for array, gradient in zip((x, gain, bias), analytic, strict=True):
        for i in np.ndindex(array.shape):
            before = array[i]
            array[i] = before + 1e-6
            up = (layer_norm_twin(x, gain, bias)[0] * dy).sum()
            array[i] = before - 1e-6
            down = (layer_norm_twin(x, gain, bias)[0] * dy).sum()
            array[i] = before
            assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-7)


def test_views_that_are_not_contiguous_give_the_same():
    (x,) = draw(1, (6, 8, 20))
    gain, bias = draw(2, 40, 40)
    view = x.transpose(1, 0, 2)[::2]
    got = kernels.layer_norm(view, gain[::2], bias[::2])[0]
    np.testing.assert_array_equal(got, kernels.layer_norm(view.copy(), gain[::2].copy(), bias[::2].copy())[0])


def test_nan_stays_in_its_row():
    x, dy, gain, bias = draw(3, (4, 33), (4, 33), 33, 33)
    x[2, 7] = np.nan
    y, mean, rstd = kernels.layer_norm(x, gain, bias)
    dx, dgain, _ = kernels.layer_norm_backward(dy, x, gain, mean, rstd)
    assert np.isnan(y[2]).all() and np.isnan(dx[2]).all() and np.isnan(dgain).any()
    assert np.isfinite(np.delete(y, 2, axis=0)).all() and np.isfinite(np.delete(dx, 2, axis=0)).all()


def test_float64_stays_float64():
    x, gain, bias = draw(4, (2, 9), 9, 9, dtype=np.float64)
    assert all(a.dtype == np.float64 for a in kernels.layer_norm(x, gain, bias))


def test_wrong_widths_are_named():
    x, gain = draw(5, (4, 8), 4)
    with pytest.raises(ValueError, match=r"layer_norm: gain has shape \(4,\), needs \(8,\)"):
        kernels.layer_norm(x, gain, np.zeros(8, np.float32))
    with pytest.raises(ValueError, match="do not belong to x"):
        kernels.layer_norm_backward(x[:2], x, np.zeros(8, np.float32), x[:, 0].copy(), x[:, 0].copy())
