"""Vectors of float32 as wide as this CPU's registers: a type that Numba code can use, with its operations.

Only this file and tile.py speak to llvmlite. Operations take an array and an index, never a saved address: the array
keeps its memory alive. No operation lets a NaN vanish unless it says so.
"""

import operator
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numba.extending
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.np.arrayobj import populate_array

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
f32 = np.float32


def intrinsic(generate: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's intrinsic, typed as what it gives: a function of compiled code, without the typing context."""
    return numba.extending.intrinsic(generate)


def cpu_features() -> dict[str, bool]:
    """What Numba compiles for: this CPU, or what NUMBA_CPU_FEATURES says, such as "+avx2,+fma"."""
    chosen = getattr(config, "CPU_FEATURES", None)
    if chosen is None:
        return dict(llvmlite.binding.get_host_cpu_features())
    return {name[1:]: name[0] == "+" for name in chosen.split(",") if name}


def _register_shape() -> tuple[int, int]:
    features = cpu_features()
    if features.get("avx512f"):
        return 16, 8  # 32 registers of 512 bits
    if features.get("avx2") and features.get("fma"):
        return 8, 4  # 16 registers of 256 bits
    if llvmlite.binding.get_process_triple().startswith(("aarch64", "arm64")):
        return 4, 8  # NEON: 32 registers of 128 bits
    return 4, 4


#: float32 values in a register; rows of a tile of accumulators (rows x 2 registers leave room for the operands).
LANES, TILE_ROWS = _register_shape()
VECTOR = ir.VectorType(F32, LANES)
INTEGERS = ir.VectorType(I32, LANES)


class Vector(types.Type):
    """Numba's type of LANES float32 values in one register."""

    def __init__(self):
        super().__init__(name=f"float32x{LANES}")


vector = Vector()


@numba.extending.register_model(Vector)
class _VectorModel(numba.extending.models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, VECTOR)


def call(builder, name, result, args, fastmath=()):
    """Instruction: what the LLVM function `name` gives for args."""
    function_type = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), args, fastmath=fastmath)


def broadcast(builder, scalar):
    """Instructions: a vector of LANES times this scalar."""
    kind = ir.VectorType(scalar.type, LANES)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, I32(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(INTEGERS, [0] * LANES))


def _address(context, builder, array_type, array, index):
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index], inbounds=True, source_etype=F32)


def first_lanes(builder, count):
    """Instructions: a mask of the lanes below count."""
    lanes = ir.Constant(INTEGERS, list(range(LANES)))
    return builder.icmp_signed("<", lanes, broadcast(builder, builder.trunc(count, I32)))


@intrinsic
def borrowed(typing, x, start, shape, kind):
    """The memory of x, from byte `start` of its first element on, as an array of this shape and dtype.

    It isn't counted as a user of that memory, which must outlive it: counting takes 0.05 us.
    """

    def generate(context, builder, signature, args):
        source = context.make_array(signature.args[0])(context, builder, args[0])
        view = context.make_array(signature.return_type)(context, builder)
        axes = cgutils.unpack_tuple(builder, args[2], len(shape))
        itemsize = np.dtype(kind.dtype.name).itemsize
        strides = [I64(itemsize)]
        for n in axes[:0:-1]:
            strides.insert(0, builder.mul(strides[0], n))
        data = cgutils.pointer_add(builder, source.data, args[1], view.data.type)
        populate_array(view, data, axes, strides, itemsize, meminfo=None)
        return view._getvalue()

    return types.Array(kind.dtype, len(shape), "C")(x, types.intp, shape, kind), generate


@intrinsic
def splat(typing, x):
    """The vector whose lanes are all x."""
    return vector(types.float32), lambda context, builder, signature, args: broadcast(builder, args[0])


@intrinsic
def load(typing, x, i):
    """x[i : i + LANES] of a contiguous float32 array."""

    def generate(context, builder, signature, args):
        pointer = _address(context, builder, signature.args[0], *args)
        return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4, typ=VECTOR)

    return vector(x, types.intp), generate


@intrinsic
def store(typing, x, i, value):
    """x[i : i + LANES] = value."""

    def generate(context, builder, signature, args):
        pointer = _address(context, builder, signature.args[0], *args[:2])
        builder.store(args[2], builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(x, types.intp, vector), generate


@intrinsic
def load_first(typing, x, i, count):
    """x[i : i + count], then zeros; nothing beyond is read."""

    def generate(context, builder, signature, args):
        pointer = _address(context, builder, signature.args[0], *args[:2])
        zeros = ir.Constant(VECTOR, [0.0] * LANES)
        arguments = [pointer, I32(4), first_lanes(builder, args[2]), zeros]
        return call(builder, f"llvm.masked.load.v{LANES}f32.p0", VECTOR, arguments)

    return vector(x, types.intp, types.intp), generate


@intrinsic
def store_first(typing, x, i, count, value):
    """x[i : i + count] = the first lanes of value; nothing beyond is written."""

    def generate(context, builder, signature, args):
        pointer = _address(context, builder, signature.args[0], *args[:2])
        arguments = [args[3], pointer, I32(4), first_lanes(builder, args[2])]
        call(builder, f"llvm.masked.store.v{LANES}f32.p0", ir.VoidType(), arguments)
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp, vector), generate


@intrinsic
def first_of(typing, x, count, other):
    """The first count lanes of x, the rest of other."""

    def generate(context, builder, signature, args):
        return builder.select(first_lanes(builder, args[1]), args[0], args[2])

    return vector(vector, types.intp, vector), generate


@intrinsic
def fma(typing, x, y, z):
    """x * y + z, with one rounding where the CPU can."""

    def generate(context, builder, signature, args):
        return call(builder, f"llvm.fmuladd.v{LANES}f32", VECTOR, args)

    return vector(vector, vector, vector), generate


@intrinsic
def at_least(typing, x, low):
    """Each lane: low where low > x, else x, so that a NaN in x stays."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", args[1], args[0]), args[1], args[0])

    return vector(vector, vector), generate


@intrinsic
def at_most(typing, x, high):
    """Each lane: high where high < x, else x, so that a NaN in x stays."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered("<", args[1], args[0]), args[1], args[0])

    return vector(vector, vector), generate


@intrinsic
def sum_of(typing, x):
    """Sum of the lanes."""

    def generate(context, builder, signature, args):
        return call(builder, f"llvm.vector.reduce.fadd.v{LANES}f32", F32, [F32(0.0), args[0]], fastmath=("reassoc",))

    return types.float32(vector), generate


@intrinsic
def largest_of(typing, x):
    """Largest lane; where a lane is NaN, any of them."""

    def generate(context, builder, signature, args):
        return call(builder, f"llvm.vector.reduce.fmax.v{LANES}f32", F32, list(args), fastmath=("nnan",))

    return types.float32(vector), generate


@intrinsic
def exponent(typing, x):
    """Each lane, a positive normal number, as the power of two at or below it; a NaN gives any number."""

    def generate(context, builder, signature, args):
        bits = builder.lshr(builder.bitcast(args[0], INTEGERS), ir.Constant(INTEGERS, [23] * LANES))
        return builder.sitofp(builder.sub(bits, ir.Constant(INTEGERS, [127] * LANES)), VECTOR)

    return vector(vector), generate


#: Added to a number of size below 2^22 it rounds it to a whole number, halves to even, which stands in the lowest bits.
ROUND = f32(1.5 * 2**23)


@intrinsic
def times_power_of_two(typing, x, rounded):
    """x times 2^n, where each lane of `rounded` is ROUND + n, -127 < n < 128 (a NaN there may give any number)."""

    def generate(context, builder, signature, args):
        k = builder.shl(builder.bitcast(args[1], INTEGERS), ir.Constant(INTEGERS, [23] * LANES))
        power = builder.bitcast(builder.add(k, ir.Constant(INTEGERS, [127 << 23] * LANES)), VECTOR)
        return builder.fmul(args[0], power)

    return vector(vector, vector), generate


def _transposed(context, builder, array_type, x, i, row, rows, columns):
    """Registers: lane r of register c is x[i + r * row + c] for r < rows and c < columns, else 0.

    Rows become columns in log2(LANES) rounds, each of which interleaves register q with register q + LANES/2.
    """
    zeros = ir.Constant(VECTOR, [0.0] * LANES)
    registers = []
    for r in range(LANES):
        pointer = _address(context, builder, array_type, x, builder.add(i, builder.mul(row, I64(r))))
        count = builder.select(builder.icmp_signed("<", I64(r), rows), columns, I64(0))
        arguments = [pointer, I32(4), first_lanes(builder, count), zeros]
        registers.append(call(builder, f"llvm.masked.load.v{LANES}f32.p0", VECTOR, arguments))
    half = LANES // 2
    pairs = [lane for r in range(LANES) for lane in (r, LANES + r)]
    low, high = ir.Constant(INTEGERS, pairs[:LANES]), ir.Constant(INTEGERS, pairs[LANES:])
    for _ in range(LANES.bit_length() - 1):
        twos = [(registers[q], registers[q + half]) for q in range(half)]
        registers = [builder.shuffle_vector(a, b, part) for a, b in twos for part in (low, high)]
    return registers


@intrinsic
def store_transposed(typing, x, i, row, rows, columns, into, j, into_row):
    """into[j + c * into_row + r] = x[i + r * row + c] for r < rows and c < columns; else 0.

    Nothing of x outside of rows and columns is read.
    """
    index = types.intp

    def generate(context, builder, signature, args):
        registers = _transposed(context, builder, signature.args[0], *args[:5])
        for c, register in enumerate(registers):
            to = builder.add(args[6], builder.mul(args[7], I64(c)))
            pointer = _address(context, builder, signature.args[5], args[5], to)
            builder.store(register, builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(x, index, index, index, index, into, index, index), generate


@intrinsic
def store_transposed_first(typing, x, i, row, rows, columns, into, j, into_row):
    """into[j + c * into_row + r] = x[i + r * row + c] for r < rows and c < columns; nothing else is read or written."""
    index = types.intp

    def generate(context, builder, signature, args):
        rows, columns = args[3:5]
        registers = _transposed(context, builder, signature.args[0], *args[:5])
        for c, register in enumerate(registers):
            to = builder.add(args[6], builder.mul(args[7], I64(c)))
            pointer = _address(context, builder, signature.args[5], args[5], to)
            count = builder.select(builder.icmp_signed("<", I64(c), columns), rows, I64(0))
            arguments = [register, pointer, I32(4), first_lanes(builder, count)]
            call(builder, f"llvm.masked.store.v{LANES}f32.p0", ir.VoidType(), arguments)
        return context.get_dummy_value()

    return types.void(x, index, index, index, index, into, index, index), generate


def _arithmetic(symbol, instruction):
    @intrinsic
    def lanewise(typing, x, y):
        def generate(context, builder, signature, args):
            return getattr(builder, instruction)(*args)

        return vector(vector, vector), generate

    @numba.extending.overload(symbol)
    def operate(x, y):
        if x is vector and y is vector:
            return lambda x, y: lanewise(x, y)
        return None


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_symbol, _instruction)
