"""What holds of the compiled code alone: accuracy of exp, the tile of a product, and the instructions LLVM chose."""

import numba
import numpy as np
import pytest

from tinyscout.kernels import gemm
from tinyscout.kernels.gemm import naive_multiply
from tinyscout.kernels.jit import JIT, kernel
from tinyscout.kernels.simd import LANES, TILE_ROWS, load_first, store_first, store_transposed
from tinyscout.kernels.tile import multiply
from tinyscout.kernels.vmath import exp, exp2_of_negative, log2

pytestmark = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no machine code to test")


def each_lane(function, x):
    """A function of a vector, applied to all of x."""

    def apply(x, y):
        for j in range(0, x.size, LANES):
            store_first(y, j, x.size - j, function(load_first(x, j, x.size - j)))

    y = np.empty_like(x)
    with np.errstate(all="ignore"):
        numba.njit(apply)(x, y)
    return y


def exp_of(x):
    return each_lane(exp, x)


def test_exp_is_right_to_two_units_in_the_last_place():
    x = np.random.default_rng(0).uniform(-87.3, 88.3, 200_001).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(exp_of(x) / exact - 1).max() < 2 * np.finfo(np.float32).eps


def test_exp2_of_negative_numbers():
    x = -np.random.default_rng(0).uniform(0, 126, 200_001).astype(np.float32)
    exact = np.exp2(x.astype(np.float64))
    assert np.abs(each_lane(exp2_of_negative, x) / exact - 1).max() < 2 * np.finfo(np.float32).eps
    y = each_lane(exp2_of_negative, np.array([0, -1, -200, -np.inf, np.nan], np.float32))
    assert (y[:2] == [1, 0.5]).all() and (y[2:4] > 0).all() and (y[2:4] < 1.2e-38).all() and np.isnan(y[4])


def test_log2_of_positive_numbers():
    x = np.exp2(np.random.default_rng(0).uniform(-126, 126, 200_001)).astype(np.float32)
    x = np.concatenate([x, np.linspace(0.5, 2, 100_001, dtype=np.float32)])
    exact = np.log2(x.astype(np.float64))
    assert (np.abs(each_lane(log2, x) - exact) < 2e-7 * np.maximum(1, np.abs(exact))).all()
    y = each_lane(log2, np.array([1, 2, 1024, np.nan], np.float32))
    assert (y[:3] == [0, 1, 10]).all() and np.isnan(y[3])


def test_exp_keeps_nan_and_clamps_the_rest():
    y = exp_of(np.array([np.nan, 0, -np.inf, -200, np.inf, 200], np.float32))
    assert np.isnan(y[0]) and y[1] == 1
    assert (y[2:4] > 0).all() and (y[2:4] < 1.3e-38).all() and (y[4:] > 2e38).all() and np.isfinite(y[4:]).all()


@pytest.mark.parametrize("columns", [LANES, 2 * LANES, 3 * LANES])
@pytest.mark.parametrize("depth", [0, 1, 7])
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_tile_equals_the_triple_loop(columns, depth, add, turned):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((TILE_ROWS, depth)).astype(np.float32)
    b = rng.standard_normal((depth, columns)).astype(np.float32)
    c = rng.standard_normal((TILE_ROWS + 1, columns)).astype(np.float32)
    expected = c.copy()
    expected[:TILE_ROWS] = naive_multiply(a, b) + add * c[:TILE_ROWS]
    flat = np.ascontiguousarray(a.T if turned else a).reshape(-1)
    a_row, a_col = (1, TILE_ROWS) if turned else (depth, 1)
    multiply(columns, depth, flat, 0, a_row, a_col, b.reshape(-1), 0, columns, c.reshape(-1), 0, columns, add)
    np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(LANES, LANES), (1, LANES), (LANES, 1), (3, 2), (0, 5)])
def test_transposed_block_and_its_zeros(rows, columns):
    x = np.arange(1, 1 + LANES * LANES, dtype=np.float32).reshape(LANES, LANES)
    into = np.full((LANES, LANES + 1), -1, np.float32)

    def transpose(x, rows, columns, into):
        store_transposed(x, 0, LANES, rows, columns, into, 0, LANES + 1)

    kernel(transpose)(x.reshape(-1), rows, columns, into.reshape(-1))
    expected = np.zeros((LANES, LANES))
    expected[:columns, :rows] = x[:rows, :columns].T
    np.testing.assert_array_equal(into[:, :LANES], expected)
    assert (into[:, LANES] == -1).all()


@pytest.mark.skipif(LANES < 8, reason="looks for the instructions of AVX2 and AVX-512")
@pytest.mark.parametrize("function", [multiply, gemm.multiply])
def test_tile_fuses_multiply_and_add_on_whole_registers(function):
    uncached = numba.njit(function.py_func)  # a function from the cache has no assembly to show
    flat = np.zeros(TILE_ROWS * LANES * 4, np.float32)
    if function is multiply:
        uncached(LANES, 0, flat, 0, 1, 1, flat, 0, 1, flat.copy(), 0, LANES, False)
    else:
        uncached(0, 0, LANES, flat, 0, 1, 1, flat, 1, 1, flat.copy(), 0, LANES, flat, 0, 0, False)
    assembly = uncached.inspect_asm(uncached.signatures[0])
    fused = [line for line in assembly.splitlines() if "vfmadd" in line]
    register = "zmm" if LANES == 16 else "ymm"
    assert sum(register in line for line in fused) >= 3 * TILE_ROWS  # the tiles of the most rows alone
    spills = [line for line in assembly.splitlines() if "spill" in line.lower() and register in line]
    assert not spills
