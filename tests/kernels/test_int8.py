import os
import subprocess
import sys

import llvmlite.binding
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.kernels.int8 import (
    LEAST,
    PANEL,
    linear_int8,
    linear_int8_twin,
    multiply,
    pack_int8,
    pack_quantized,
    quantize,
    quantize_rows,
    quantize_rows_twin,
    scratch_sizes,
    unpack_int8,
)
from tinyscout.kernels.jit import JIT
from tinyscout.kernels.simd import LANES

f32 = np.float32
sizes = st.one_of(st.integers(0, 20), st.sampled_from([31, 32, 33, 61, 64, 65, 97, 127, 128, 131, 257]))


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(f32) for shape in shapes]


def whole_numbers(seed, rows, columns):
    """Integers from -127 to 127, with 127 in each row, so that the row's scale is 1."""
    x = np.random.default_rng(seed).integers(-127, 128, (rows, columns)).astype(f32)
    if columns:
        x[:, seed % columns] = 127
    return x


@settings(max_examples=300)
@given(rows=sizes, depth=sizes, columns=sizes, seed=st.integers(0, 2**32 - 1), biased=st.booleans())
def test_equals_twin_at_every_shape(rows, depth, columns, seed, biased):
    x, weight, bias = draw(seed, (rows, depth), (columns, depth), columns)
    bias = bias if biased else None
    packed = pack_int8(weight)
    q, scale = quantize_rows_twin(weight)
    np.testing.assert_allclose(
        linear_int8(x, packed, bias), linear_int8_twin(x, q, scale, bias), rtol=1e-5, atol=1e-5, strict=True
    )


@settings(max_examples=200)
@given(rows=sizes, depth=st.integers(1, 300), columns=sizes, seed=st.integers(0, 2**32 - 1))
def test_whole_numbers_come_out_exactly(rows, depth, columns, seed):
    x, weight = whole_numbers(seed, rows, depth), whole_numbers(seed + 1, columns, depth)
    bias = np.random.default_rng(seed).integers(-1000, 1000, columns).astype(f32)
    exact = x.astype(np.int64) @ weight.astype(np.int64).T + bias.astype(np.int64)
    np.testing.assert_array_equal(linear_int8(x, pack_int8(weight), bias), exact.astype(f32))


def test_largest_sums_do_not_saturate():
    x = np.full((3, 1024), -127, f32)
    np.testing.assert_array_equal(linear_int8(x, pack_int8(x)), np.full((3, 3), f32(127 * 127 * 1024)))
    np.testing.assert_array_equal(linear_int8(-x, pack_int8(x)), np.full((3, 3), f32(-127 * 127 * 1024)))


@settings(max_examples=300)
@given(
    rows=sizes,
    depth=sizes,
    seed=st.integers(0, 2**32 - 1),
    exponent=st.integers(-46, 37),
    poison=st.sampled_from([None, np.nan, np.inf, -np.inf]),
)
def test_quantised_rows_equal_the_twin_to_the_bit(rows, depth, seed, exponent, poison):
    (x,) = draw(seed, (rows, depth))
    with np.errstate(over="ignore"):
        x *= f32(10.0**exponent)
    if poison is not None and x.size:
        x[seed % rows, seed % depth] = poison
    q, scale = quantize_rows(x)
    q_twin, scale_twin = quantize_rows_twin(x)
    np.testing.assert_array_equal(scale, scale_twin, strict=True)
    finite = np.isfinite(scale)
    np.testing.assert_array_equal(q[finite], q_twin[finite], strict=True)
    error = np.abs(x[finite] - q[finite] * scale[finite, None])
    assert (error <= scale[finite, None] * 0.50001 + LEAST).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_is_nan_and_spoils_no_other(value):
    x, weight, bias = draw(1, (11, 70), (40, 70), 40)
    packed = pack_int8(weight)
    clean = linear_int8(x, packed, bias)
    for column in (0, 33, 69):
        spoilt = x.copy()
        spoilt[4, column] = value
        y = linear_int8(spoilt, packed, bias)
        assert np.isnan(y[4]).all()
        np.testing.assert_array_equal(np.delete(y, 4, axis=0), np.delete(clean, 4, axis=0))


def test_rows_one_by_one_are_the_same_to_the_bit():
    x, weight, bias = draw(2, (37, 128), (300, 128), 300)
    packed = pack_int8(weight)
    together = linear_int8(x, packed, bias)
    for rows in (1, 2, 3, 5, 8, 13, 36):
        np.testing.assert_array_equal(linear_int8(x[:rows], packed, bias), together[:rows])
        np.testing.assert_array_equal(linear_int8(x[-rows:], packed, bias), together[-rows:])


def test_views_unaligned_arrays_and_leading_axes():
    x, weight, bias = draw(3, (6, 5, 80), (48, 80), 48)
    packed = pack_int8(weight)
    want = linear_int8(x, packed, bias)
    assert want.shape == (6, 5, 48)
    shifted = np.empty(x.nbytes + 4, np.uint8)[1 : x.nbytes + 1].view(f32).reshape(x.shape)
    shifted[...] = x
    np.testing.assert_array_equal(linear_int8(shifted, packed, bias), want)
    turned = np.asfortranarray(x)
    turned.flags.writeable = False
    np.testing.assert_array_equal(linear_int8(turned, packed, np.repeat(bias, 2)[::2]), want)
    np.testing.assert_array_equal(linear_int8(x[0, 0], packed, bias), want[0, 0])
    np.testing.assert_array_equal(linear_int8(x[:, ::2], packed, bias), want[:, ::2])


@settings(max_examples=50)
@given(columns=sizes, depth=sizes, seed=st.integers(0, 2**32 - 1))
def test_packing_loses_nothing(columns, depth, seed):
    q = np.random.default_rng(seed).integers(-127, 128, (columns, depth)).astype(np.int8)
    scale = np.random.default_rng(seed).random(columns).astype(f32)
    packed = pack_quantized(q, scale)
    assert packed.tiles.ctypes.data % 64 == 0 or not packed.tiles.size
    got_q, got_scale = unpack_int8(packed)
    np.testing.assert_array_equal(got_q, q, strict=True)
    np.testing.assert_array_equal(got_scale, scale, strict=True)


def test_error_is_that_of_rounding_to_bytes():
    x, weight = draw(4, (64, 256), (128, 256))
    exact = x.astype(float) @ weight.T.astype(float)
    error = np.abs(linear_int8(x, pack_int8(weight)) - exact)
    assert error.mean() < 0.01 * np.abs(exact).mean() + 0.2
    assert error.max() / exact.std() < 0.06


def test_wrong_input_is_refused():
    x, weight, bias = draw(5, (4, 16), (32, 16), 32)
    with pytest.raises(ValueError, match=r"linear_int8: x \(4, 15\), weight \(32, 16\)"):
        linear_int8(x[:, :15], pack_int8(weight), bias)
    with pytest.raises(ValueError, match=r"quantize_rows: x has shape \(4,\)"):
        quantize_rows(x[:, 0])
    with pytest.raises(ValueError, match="finite values"):
        pack_int8(np.full((2, 3), np.nan, f32))
    with pytest.raises(ValueError, match="needs int8"):
        pack_quantized(np.zeros((2, 66_400), np.int8), np.ones(2, f32))


machine_code = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no machine code to test")


@machine_code
@pytest.mark.parametrize("rows", [1, 7, 20])
@pytest.mark.parametrize("columns", [3, PANEL, 4 * PANEL, 4 * PANEL + 1])
@pytest.mark.parametrize("add", [False, True])
def test_product_of_strided_rows_writes_nothing_beside_them(rows, columns, add):
    depth = 45
    x, weight, bias, y = draw(6, (rows + 1, depth + 5), (columns, depth), columns, (rows + 2, columns + 4))
    packed = pack_int8(weight)
    want = y.copy()
    want[1 : rows + 1, 2 : columns + 2] = (
        linear_int8(x[:rows, 3 : depth + 3], packed, bias) + add * (want[1 : rows + 1, 2 : columns + 2])
    )
    size, _ = scratch_sizes(rows, depth)
    octets, scales = np.full(size + 7, 99, np.uint8), np.empty(rows, f32)
    quantize(rows, depth, x.reshape(-1), 3, depth + 5, octets, scales)
    assert (octets[size:] == 99).all()
    multiply(rows, depth, columns, octets, scales, packed.tiles, packed.scale, packed.correction, bias,
             y.reshape(-1), columns + 4 + 2, columns + 4, add)  # fmt: skip
    np.testing.assert_array_equal(y, want)


PATH = """
import sys
import numpy as np
from tinyscout.kernels import int8
from tinyscout.kernels.int8_tile import INSTRUCTION
assert INSTRUCTION == sys.argv[1], INSTRUCTION
rng = np.random.default_rng(0)
for rows, depth, columns in [(1, 128, 300), (7, 33, 65), (31, 64, 100), (0, 3, 3), (3, 0, 4)]:
    x, weight = (rng.integers(-127, 128, shape).astype(np.float32) for shape in ((rows, depth), (columns, depth)))
    if depth:
        x[:, 0] = weight[:, 1] = -127
    exact = x.astype(np.int64) @ weight.astype(np.int64).T
    np.testing.assert_array_equal(int8.linear_int8(x, int8.pack_int8(weight)), exact.astype(np.float32))
x = rng.standard_normal((9, 77)).astype(np.float32)
for got, want in zip(int8.quantize_rows(x), int8.quantize_rows_twin(x), strict=True):
    np.testing.assert_array_equal(got, want)
"""


@machine_code
@pytest.mark.skipif(LANES != 16, reason="runs the paths of smaller x86 CPUs, which needs one that has them all")
@pytest.mark.parametrize(
    ("cpu", "features", "instruction"),
    [
        ("skylake-avx512", "+avx2,+fma,+avx512f,+avx512bw,+avx512vl", "vpmaddwd"),
        ("haswell", "+avx2,+fma", "vpmaddwd"),
        ("nehalem", "+sse2", "generic"),
        ("alderlake", "+avx2,+fma,+avxvnni", "vpdpbusd"),
    ],
)
def test_paths_of_smaller_cpus_are_exact_too(cpu, features, instruction, tmp_path):
    if "avxvnni" in features and not llvmlite.binding.get_host_cpu_features().get("avxvnni"):
        pytest.skip("this CPU has no AVX-VNNI")
    result = subprocess.run(
        [sys.executable, "-c", PATH, instruction],
        env={
            **os.environ,
            "NUMBA_CPU_NAME": cpu,
            "NUMBA_CPU_FEATURES": features,
            "NUMBA_CACHE_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


@machine_code
def test_hot_loop_has_the_byte_instruction():
    import numba

    from tinyscout.kernels.int8_tile import INSTRUCTION, TALL

    if INSTRUCTION == "generic":
        pytest.skip("this CPU has no instruction that multiplies bytes")
    name = {"vpdpbusd": "vpdpbusd", "vpmaddwd": "vpmaddwd", "neon sdot": "sdot"}[INSTRUCTION]
    uncached = numba.njit(multiply.py_func)  # a function from the cache has no assembly to show
    packed = pack_int8(np.ones((PANEL, 8), f32))
    x, row_scale, y = np.zeros(100, np.uint8), np.zeros(1, f32), np.zeros(PANEL, f32)
    uncached(1, 8, PANEL, x, row_scale, packed.tiles, packed.scale, packed.correction, y.copy(), y, 0, PANEL, False)
    found = [line for line in uncached.inspect_asm(uncached.signatures[0]).splitlines() if f"\t{name}" in line]
    register = {16: "zmm", 8: "ymm", 4: "v"}[LANES]
    assert sum(register in line for line in found) >= 2 * TALL + 8  # the tall tile and the wide one alone
    assert not any("spill" in line.lower() for line in found)


@machine_code
def test_neon_path_is_built(monkeypatch):
    """Built but not run: no test here executes the code for ARM."""
    from llvmlite import ir

    from tinyscout.kernels import int8_tile, simd, tile

    llvmlite.binding.initialize_all_targets()
    llvmlite.binding.initialize_all_asmprinters()
    narrow = {
        "LANES": 4,
        "VECTOR": ir.VectorType(ir.FloatType(), 4),
        "INTEGERS": ir.VectorType(ir.IntType(32), 4),
        "BYTES": ir.VectorType(ir.IntType(8), 16),
        "ZERO": ir.Constant(ir.VectorType(ir.FloatType(), 4), [0.0] * 4),
        "INSTRUCTION": "neon sdot",
    }
    for room in (int8_tile, simd, tile):
        for name in narrow.keys() & vars(room).keys():
            monkeypatch.setattr(room, name, narrow[name])
    module = ir.Module()
    int8_tile.emit_tile(module, 8, 1, edge=True).linkage = "external"
    parsed = llvmlite.binding.parse_assembly(str(module))
    parsed.verify()
    machine = llvmlite.binding.Target.from_triple("aarch64-linux-gnu").create_target_machine(cpu="neoverse-n1", opt=2)
    assembly = machine.emit_assembly(parsed)
    assert assembly.count("\tsdot\t") == 16
