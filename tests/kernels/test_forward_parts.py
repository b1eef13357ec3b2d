"""What a compiled forward is put together from, each against the NumPy that it equals."""

import numpy as np
import pytest

from tinyscout.kernels.activation import gelu_twin
from tinyscout.kernels.arena import arena_of, leaves
from tinyscout.kernels.jit import JIT, kernel
from tinyscout.kernels.layernorm import layer_norm_twin
from tinyscout.kernels.products import product
from tinyscout.kernels.rows import dot_row, gelu_rows, norm_rows
from tinyscout.kernels.simd import LANES
from tinyscout.kernels.tokens import age_row
from tinyscout.models.time_encoding import LARGEST, age_features

compiled_only = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")
f32 = np.float32


def test_an_arena_holds_every_array_at_a_cache_line():
    arrays = [np.arange(3, dtype=np.int64), np.eye(3, 5, dtype=f32), np.zeros((2, 0, 4), f32), np.array([2.5])]
    memory, table = arena_of(leaves((arrays[0], (arrays[1], (arrays[2],)), arrays[3])))
    assert memory.ctypes.data % 64 == 0 and (table[:, 0] % 64 == 0).all()
    for (start, *shape), array in zip(table, arrays, strict=True):
        content = memory[start : start + array.nbytes].view(array.dtype)
        np.testing.assert_array_equal(content, array.ravel())
        assert tuple(shape[: array.ndim]) == array.shape and set(shape[array.ndim :]) <= {1}


@compiled_only
@pytest.mark.parametrize("width", [1, 6, LANES, LANES + 1, 64])
def test_rows_are_normalised_whatever_stands_behind_them(width):
    rng, stride = np.random.default_rng(0), (width + LANES - 1) // LANES * LANES
    x = rng.normal(3, 2, (7, stride)).astype(f32)
    gain, bias = np.zeros(stride, f32), np.zeros(stride, f32)
    gain[:width], bias[:width] = rng.standard_normal((2, width))
    y = np.empty_like(x)
    norm_rows(7, width, stride, x.ravel(), gain, bias, y.reshape(-1))
    want, _, _ = layer_norm_twin(x[:, :width].astype(float), gain[:width], bias[:width])
    np.testing.assert_allclose(y[:, :width], want, rtol=0, atol=2e-5)
    got = dot_row(width, x.ravel(), 2 * stride, gain)
    np.testing.assert_allclose(got, x[2, :width] @ gain[:width], rtol=1e-5, atol=1e-5)


@compiled_only
def test_gelu_leaves_what_is_behind():
    x = np.linspace(-6, 6, 4 * LANES).astype(f32)
    y = x.copy()
    gelu_rows(3 * LANES, y)
    np.testing.assert_allclose(y[: 3 * LANES], gelu_twin(x[: 3 * LANES]), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(y[3 * LANES :], x[3 * LANES :])


@compiled_only
def test_ages_are_those_of_the_time_encoding():
    ages = np.concatenate([[0, 1e-3, 1, 24 * 3650, 1e7], np.random.default_rng(0).exponential(300, 500)]).astype(f32)
    vectors = np.zeros((18, 2 * LANES), f32)
    vectors[:18, :18] = np.eye(18, min(18, 2 * LANES))
    features, out = np.empty(18, f32), np.empty(2 * LANES, f32)
    for age, want in zip(ages, age_features(ages), strict=True):
        age_row(age, vectors, 8, LARGEST, features, out)
        np.testing.assert_allclose(features, want, rtol=0, atol=2e-7)
        np.testing.assert_array_equal(out[:LANES], features[:LANES])


@compiled_only
def test_weights_of_another_type_have_no_product():
    from numba.core.errors import TypingError

    with pytest.raises(TypeError, match="no kernel for weights of type tuple"):
        product((), *[0] * 12, None)
    x = np.zeros(LANES, f32)

    def with_a_tuple(x):
        product((x, x), 0, 0, 1, 1, 1, x, 0, 1, x, 0, 1, False, x)

    with pytest.raises(TypingError):
        kernel(with_a_tuple)(x)
