import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tinyscout import kernels
from tinyscout.kernels.activation import gelu_backward_twin, gelu_twin

wide = st.floats(-50, 50, width=32)


@settings(max_examples=60)
@given(x=arrays(np.float32, array_shapes(min_dims=0, min_side=0, max_side=40), elements=wide))
def test_equals_twin(x):
    np.testing.assert_allclose(kernels.gelu(x), gelu_twin(x), rtol=1e-5, atol=1e-6, strict=True)
    dy = np.cos(x)
    got = kernels.gelu_backward(dy, x)
    np.testing.assert_allclose(got, gelu_backward_twin(dy, x), rtol=1e-5, atol=1e-5, strict=True)


def test_close_to_the_exact_gelu():
    x = np.linspace(-6, 6, 201, dtype=np.float32)
    exact = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.astype(float)]
    np.testing.assert_allclose(kernels.gelu(x), exact, atol=5e-4)


def test_gradient_is_that_of_the_value():
    x = np.linspace(-5, 5, 101)
    slope = (gelu_twin(x + 1e-6) - gelu_twin(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(gelu_backward_twin(np.ones_like(x), x), slope, atol=1e-8)


def test_nan_stays_alone_and_large_numbers_saturate():
    x = np.array([1, np.nan, -1, 1e4, -1e4, np.inf], np.float32)
    y, dx = kernels.gelu(x), kernels.gelu_backward(np.ones_like(x[:5]), x[:5])
    assert np.isnan(y[1]) and np.isnan(dx[1])
    assert np.isfinite(y[[0, 2]]).all() and np.isfinite(dx[[0, 2, 3, 4]]).all()
    assert y[3] == 1e4 and abs(y[4]) < 1e-30 and y[5] == np.inf
    assert dx[3] == 1 and abs(dx[4]) < 1e-6


def test_views_that_are_not_contiguous_give_the_same():
    x = np.random.default_rng(0).standard_normal((6, 7, 8)).astype(np.float32)
    np.testing.assert_array_equal(kernels.gelu(x[::2, :, 1::3]), kernels.gelu(x)[::2, :, 1::3])
    dy = np.broadcast_to(np.float32(2), x.shape)
    np.testing.assert_array_equal(kernels.gelu_backward(dy, x), 2 * kernels.gelu_backward(np.ones_like(x), x))


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"gelu_backward: dy has shape \(3,\), needs that of x \(4,\)"):
        kernels.gelu_backward(np.zeros(3, np.float32), np.zeros(4, np.float32))
