import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout import kernels
from tinyscout.kernels.gemm import (
    DEPTH,
    PANEL,
    ROWS,
    linear_packed,
    linear_packed_twin,
    matmul,
    matmul_twin,
    multiply_packed,
    naive_multiply,
    pack_weight,
)
from tinyscout.kernels.jit import JIT

f32 = np.float32
sizes = st.one_of(st.integers(0, 20), st.sampled_from([31, 32, 33, 61, 64, 65, 97, 127, 128, 131, 257]))
poisons = st.sampled_from([None, None, None, np.nan, np.inf, -np.inf])


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(f32) for shape in shapes]


def spoil(x, value, seed):
    if value is not None and x.size:
        x.reshape(-1)[seed % x.size] = value


def assert_equals_float64(got, a, b):
    """got is a @ b to what float32 allows: an error in proportion to the sizes of what was added up."""
    with np.errstate(invalid="ignore", over="ignore"):
        want = a.astype(np.float64) @ b.astype(np.float64)
        room = 1e-6 * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)) + 1e-30
    sure = np.isfinite(want)
    np.testing.assert_array_equal(got[~sure], want[~sure])
    assert (np.abs(got[sure] - want[sure]) <= room[sure] * (1 + a.shape[1] / 100)).all()


@settings(max_examples=400)
@given(
    rows=sizes,
    depth=sizes,
    columns=sizes,
    transpose_a=st.booleans(),
    transpose_b=st.booleans(),
    poison=poisons,
    seed=st.integers(0, 2**32 - 1),
)
def test_product_equals_its_twin_at_every_shape(rows, depth, columns, transpose_a, transpose_b, poison, seed):
    a, b = draw(seed, (rows, depth), (depth, columns))
    spoil(a, poison, seed)
    spoil(b, poison, seed // 7)
    got = matmul(
        np.ascontiguousarray(a.T) if transpose_a else a,
        np.ascontiguousarray(b.T) if transpose_b else b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
    )
    assert got.shape == (rows, columns) and got.dtype == f32
    assert_equals_float64(got, a, b)


@settings(max_examples=300)
@given(rows=sizes, depth=sizes, columns=sizes, poison=poisons, seed=st.integers(0, 2**32 - 1))
def test_packed_layer_equals_its_twin_at_every_shape(rows, depth, columns, poison, seed):
    x, weight, bias, out = draw(seed, (rows, depth), (columns, depth), columns, (rows, columns))
    spoil(x, poison, seed)
    packed = pack_weight(weight)
    got = linear_packed(x, packed, bias, out)
    assert got is out
    with_bias = np.concatenate([x, np.ones((rows, 1), f32)], axis=1), np.concatenate([weight.T, bias[None]])
    assert_equals_float64(got, *with_bias)
    twin = linear_packed_twin(x, packed, bias, np.empty_like(out))
    assert_equals_float64(twin, *with_bias)


def test_naive_loops_equal_numpy():
    a, b = draw(0, (5, 7), (7, 3))
    np.testing.assert_allclose(naive_multiply(a, b), a @ b, rtol=1e-5, atol=1e-6)
    assert naive_multiply(a[:0], b).shape == (0, 3)


@pytest.mark.parametrize("depth", [DEPTH - 1, DEPTH, DEPTH + 1, 2 * DEPTH + 3])
@pytest.mark.parametrize("rows", [ROWS - 1, ROWS + 1, 2 * ROWS + 5])
def test_whole_numbers_come_out_exactly_across_blocks(rows, depth):
    rng = np.random.default_rng(0)
    a = rng.integers(-9, 10, (rows, depth)).astype(f32)
    b = rng.integers(-9, 10, (depth, 70)).astype(f32)
    exact = a.astype(np.int64) @ b.astype(np.int64)
    np.testing.assert_array_equal(matmul(a, b), exact)
    np.testing.assert_array_equal(matmul(a.T.copy(), b, transpose_a=True), exact)
    np.testing.assert_array_equal(matmul(a, b.T.copy(), transpose_b=True), exact)
    np.testing.assert_array_equal(matmul(a[:1], b.T.copy(), transpose_b=True), exact[:1])
    out = np.empty((rows, 70), f32)
    np.testing.assert_array_equal(linear_packed(a, pack_weight(b.T.copy()), np.ones(70, f32), out), exact + 1)


@pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: BLAS promises no such thing")
def test_rows_one_by_one_are_the_same_to_the_bit():
    x, weight, bias = draw(1, (75, 2 * DEPTH + 9), (170, 2 * DEPTH + 9), 170)
    packed, together = pack_weight(weight), np.empty((75, 170), f32)
    linear_packed(x, packed, bias, together)
    for rows in (1, 2, 3, 5, 8, 13, 64, 74):
        for part in (slice(0, rows), slice(75 - rows, 75)):
            few = linear_packed(x[part], packed, bias, np.empty((rows, 170), f32))
            np.testing.assert_array_equal(few, together[part])


def test_views_and_unaligned_arrays():
    a, b = draw(2, (40, 30), (30, 50))
    want = matmul(a, b)
    shifted = np.empty(a.nbytes + 4, np.uint8)[1 : a.nbytes + 1].view(f32).reshape(a.shape)
    shifted[...] = a
    np.testing.assert_array_equal(matmul(shifted, b), want)
    np.testing.assert_array_equal(matmul(np.repeat(a, 2, axis=1)[:, ::2], b[::-1].copy()[::-1]), want)
    read_only = b.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(matmul(a, read_only), want)
    np.testing.assert_allclose(matmul(np.asfortranarray(a), np.asfortranarray(b)), want, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(matmul(b.T, a.T), want.T, rtol=1e-5, atol=1e-5)
    out = np.empty((40, 50), f32)
    assert matmul(a, b, out=out) is out
    np.testing.assert_array_equal(out, want)


def test_other_dtypes_and_wrong_input():
    a, b = draw(3, (4, 5), (5, 6))
    np.testing.assert_array_equal(matmul(a.astype(float), b), matmul_twin(a.astype(float), b))
    with pytest.raises(ValueError, match=r"\(4, 5\) @ \(6, 5\)"):
        matmul(a, b, transpose_b=True)
    with pytest.raises(ValueError, match="needs two axes"):
        matmul(a[0], b)
    for out in (np.empty((4, 7), f32), np.empty((4, 6)), np.empty((6, 4), f32).T, b[:4]):
        with pytest.raises(ValueError, match="out is"):
            matmul(a, b, out=out)
    with pytest.raises(ValueError, match="float32"):
        pack_weight(b.astype(float))
    packed = pack_weight(b.T.copy())
    with pytest.raises(ValueError, match=r"x \(4, 4\), packed \(1, 5"):
        linear_packed(a[:, :4].copy(), packed, np.zeros(6, f32), np.empty((4, 6), f32))
    with pytest.raises(ValueError, match="contiguous float32"):
        linear_packed(a, packed, np.zeros(6), np.empty((4, 6), f32))
    assert kernels.matmul is matmul and kernels.pack_weight is pack_weight and kernels.linear_packed is linear_packed


machine_code = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no machine code to test")


@machine_code
@pytest.mark.parametrize("rows", [1, 7, 20])
@pytest.mark.parametrize("columns", [3, PANEL, 4 * PANEL, 4 * PANEL + 1])
@pytest.mark.parametrize("add", [False, True])
def test_strided_rows_are_served_and_nothing_beside_them_is_written(rows, columns, add):
    depth = 45
    x, weight, bias, y = draw(6, (rows + 1, depth + 5), (columns, depth), columns, (rows + 2, columns + 4))
    want, inside = y.copy(), (slice(1, rows + 1), slice(2, columns + 2))
    want[inside] = x[:rows, 3 : depth + 3] @ weight.T + bias + add * want[inside]
    got = y.copy()
    multiply_packed(rows, depth, columns, x.reshape(-1), 3, depth + 5, pack_weight(weight).reshape(-1), bias,
                    got.reshape(-1), columns + 4 + 2, columns + 4, add)  # fmt: skip
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
    got[inside] = want[inside]
    np.testing.assert_array_equal(got, want)
