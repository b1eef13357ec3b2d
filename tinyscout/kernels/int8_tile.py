"""The inner loop of the int8 product, and the step from float32 to bytes, as LLVM instructions.

A 32-bit lane holds four neighbouring bytes of a row of activations, or of a weight; one instruction multiplies them
pairwise and adds the four products to a 32-bit sum. LLVM does not find it in a plain loop. Integer sums are exact: no
path saturates, and all give the same bits.
"""

import sys

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils

from tinyscout.kernels.simd import (
    F32,
    I32,
    I64,
    INTEGERS,
    LANES,
    TILE_ROWS,
    VECTOR,
    broadcast,
    call,
    cpu_features,
    intrinsic,
    vector,
)
from tinyscout.kernels.tile import element, keep_rolled, load_lanes, masks_of, store_lanes

I8, I16 = ir.IntType(8), ir.IntType(16)
SHORTS = ir.VectorType(I16, 2 * LANES)
BYTES = ir.VectorType(I8, 4 * LANES)


def _choose(features: dict[str, bool]) -> str:
    """Which instruction multiplies bytes here.

    The tests run all of them on an x86 CPU that has them, but "neon sdot" is built and not run.
    """
    arm = llvmlite.binding.get_process_triple().startswith(("aarch64", "arm64"))
    if arm and features.get("dotprod", sys.platform == "darwin"):  # every Apple chip has it, and reports nothing
        return "neon sdot"
    if (LANES == 16 and features.get("avx512vnni")) or (LANES == 8 and features.get("avxvnni")):
        return "vpdpbusd"
    if (LANES == 16 and features.get("avx512bw")) or LANES == 8:
        return "vpmaddwd"
    return "generic"


#: "vpdpbusd" (AVX-512 VNNI and AVX-VNNI), "vpmaddwd" (AVX2 and AVX-512), "neon sdot" or "generic".
INSTRUCTION = _choose(cpu_features())

#: What is added to a quantised activation: x86 multiplies unsigned bytes by signed ones.
ZERO_POINT = 0 if INSTRUCTION == "neon sdot" else 128


def _constant(kind, value):
    return ir.Constant(kind, [value] * kind.count)


def _halves(builder, lanes, signed):
    """Bytes 0 and 2 of each lane, and bytes 1 and 3, each widened to 16 bits where it is."""
    shorts, eight = builder.bitcast(lanes, SHORTS), _constant(SHORTS, 8)
    if signed:
        return builder.ashr(builder.shl(shorts, eight), eight), builder.ashr(shorts, eight)
    return builder.and_(shorts, _constant(SHORTS, 255)), builder.lshr(shorts, eight)


def _pair_sums(builder, a, b):
    """a[2i] * b[2i] + a[2i + 1] * b[2i + 1] of 16-bit numbers, in 32 bits."""
    if INSTRUCTION == "vpmaddwd":
        name = "llvm.x86.avx512.pmaddw.d.512" if LANES == 16 else "llvm.x86.avx2.pmadd.wd"
        return call(builder, name, INTEGERS, [a, b])
    a, b, sixteen = builder.bitcast(a, INTEGERS), builder.bitcast(b, INTEGERS), _constant(INTEGERS, 16)
    low_a, low_b = (builder.ashr(builder.shl(x, sixteen), sixteen) for x in (a, b))
    high = builder.mul(builder.ashr(a, sixteen), builder.ashr(b, sixteen))
    return builder.add(builder.mul(low_a, low_b), high)


def _dot4(builder, total, x, w):
    """Each lane of total plus the products of its four activations with its four weights.

    x and w as `_operand` gives them.
    """
    if INSTRUCTION == "vpdpbusd":  # LLVM 22 has this intrinsic over bytes, and still reads this older form
        return call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * LANES}", INTEGERS, [total, x, w])
    if INSTRUCTION == "neon sdot":
        return call(builder, "llvm.aarch64.neon.sdot.v4i32.v16i8", INTEGERS, [total, x, w])
    for x_half, w_half in zip(x, w, strict=True):
        total = builder.add(total, _pair_sums(builder, x_half, w_half))
    return total


def _operand(builder, lanes, signed):
    """Lanes of four bytes in the form that `_dot4` reads."""
    if INSTRUCTION == "vpdpbusd":
        return lanes
    return builder.bitcast(lanes, BYTES) if INSTRUCTION == "neon sdot" else _halves(builder, lanes, signed)


def _load(builder, pointer, index, kind):
    """LANES numbers of `kind` from pointer[index] on."""
    register = ir.VectorType(kind, LANES)
    address = builder.bitcast(element(builder, pointer, index, kind), register.as_pointer())
    return builder.load(address, align=4, typ=register)


def emit_tile(module, rows, panels, edge):
    """LLVM function: Y[rows, columns] = (Y +) (X @ W) * row_scale * scale + bias, for whole panels.

    tile(X, x_row, W, panel, steps, correction, row_scale, scale, bias, columns, Y, y_row, add): X holds `steps` times
    four bytes a row, rows x_row bytes apart; W is packed, its panels `panel` bytes apart; row_scale has a value a row;
    correction, scale and bias one a column. With `edge`, nothing of bias or Y beyond `columns` is read or written.
    """
    name = f"tinyscout_int8_tile_{rows}x{panels}x{LANES}{'_edge' if edge else ''}"
    if name in module.globals:
        return module.globals[name]
    byte, integer, real = I8.as_pointer(), I32.as_pointer(), F32.as_pointer()
    signature = [byte, I64, byte, I64, I64, integer, real, real, real, I64, real, I64, ir.IntType(1)]
    tile = ir.Function(module, ir.FunctionType(ir.VoidType(), signature), name)
    tile.linkage = "linkonce_odr"
    tile.attributes.add("noinline")  # inlined, the code around it competes for the registers of the accumulators
    tile.attributes.add("nounwind")
    x, x_row, w, panel, steps, correction, row_scale, scale, bias, columns, y, y_row, add = tile.args
    entry, loop, done = (tile.append_basic_block(n) for n in ("entry", "loop", "done"))
    vectors = 2 * panels
    spots = [(i, v) for i in range(rows) for v in range(vectors)]

    builder = ir.IRBuilder(entry)
    initial = [_load(builder, correction, I64(v * LANES), I32) for v in range(vectors)]
    x_at = [element(builder, x, builder.mul(x_row, I64(i)), I8) for i in range(rows)]
    w_at = [element(builder, w, builder.mul(panel, I64(p)), I8) for p in range(panels)]
    some = builder.icmp_signed(">", steps, I64(0))
    builder.cbranch(some, loop, done)

    builder.position_at_end(loop)
    k = builder.phi(I64)
    total = {spot: builder.phi(INTEGERS) for spot in spots}
    x_k, w_k = builder.mul(k, I64(4)), builder.mul(k, I64(2 * LANES * 4))
    weights = []
    for v in range(vectors):
        address = element(builder, w_at[v // 2], builder.add(w_k, I64(v % 2 * LANES * 4)), I8)
        lanes = builder.load(builder.bitcast(address, INTEGERS.as_pointer()), align=4, typ=INTEGERS)
        weights.append(_operand(builder, lanes, signed=True))
    after = {}
    for i in range(rows):
        address = builder.bitcast(element(builder, x_at[i], x_k, I8), integer)
        four = _operand(builder, broadcast(builder, builder.load(address, align=1, typ=I32)), signed=False)
        for v in range(vectors):
            after[i, v] = _dot4(builder, total[i, v], four, weights[v])
    following = builder.add(k, I64(1))
    k.add_incoming(I64(0), entry)
    k.add_incoming(following, loop)
    for spot in spots:
        total[spot].add_incoming(initial[spot[1]], entry)
        total[spot].add_incoming(after[spot], loop)
    keep_rolled(module, builder.cbranch(builder.icmp_signed("<", following, steps), loop, done))

    builder.position_at_end(done)
    final = {spot: builder.phi(INTEGERS) for spot in spots}
    for spot in spots:
        final[spot].add_incoming(initial[spot[1]], entry)
        final[spot].add_incoming(after[spot], loop)
    masks = masks_of(builder, columns, vectors, edge)
    scales = [_load(builder, scale, I64(v * LANES), F32) for v in range(vectors)]
    biases = [load_lanes(builder, element(builder, bias, I64(v * LANES), F32), masks[v]) for v in range(vectors)]
    to, value = {}, {}
    for i, v in spots:
        to[i, v] = element(builder, y, builder.add(builder.mul(y_row, I64(i)), I64(v * LANES)), F32)
        both = builder.fmul(
            broadcast(builder, builder.load(element(builder, row_scale, I64(i), F32), typ=F32)), scales[v]
        )
        terms = [builder.sitofp(final[i, v], VECTOR), both, biases[v]]
        value[i, v] = call(builder, f"llvm.fmuladd.v{LANES}f32", VECTOR, terms)
    with builder.if_else(add) as (then, otherwise):
        with then:
            for i, v in spots:
                total_iv = builder.fadd(value[i, v], load_lanes(builder, to[i, v], masks[v]))
                store_lanes(builder, total_iv, to[i, v], masks[v])
        with otherwise:
            for i, v in spots:
                store_lanes(builder, value[i, v], to[i, v], masks[v])
    builder.ret_void()
    return tile


def _tile(rows, panels, partial=True):
    @intrinsic
    def tile(typing, x, x0, x_row, w, w0, panel, steps, correction, row_scale, i0, scale, bias, j0, columns, y, y0,
             y_row, add):  # fmt: skip
        i = types.intp

        def generate(context, builder, signature, args):
            def start(position, offset, kind):
                array = cgutils.create_struct_proxy(signature.args[position])(context, builder, value=args[position])
                return element(builder, array.data, args[offset], kind)

            arguments = [start(0, 1, I8), args[2], start(3, 4, I8), args[5], args[6], start(7, 12, I32),
                         start(8, 9, F32), start(10, 12, F32), start(11, 12, F32), args[13], start(14, 15, F32),
                         *args[16:]]  # fmt: skip
            if partial:
                whole = builder.icmp_signed(">=", args[13], I64(panels * 2 * LANES))
                with builder.if_else(whole) as (then, otherwise):
                    with then:
                        builder.call(emit_tile(builder.module, rows, panels, False), arguments)
                    with otherwise:
                        builder.call(emit_tile(builder.module, rows, panels, True), arguments)
            else:
                builder.call(emit_tile(builder.module, rows, panels, False), arguments)
            return context.get_dummy_value()

        return types.void(
            x, i, i, w, i, i, i, correction, row_scale, i, scale, bias, i, i, y, i, i, types.boolean
        ), generate

    return tile


#: Rows of the tallest tile; the rows that remain go through tiles half and a quarter as tall, and of one row.
TALL = TILE_ROWS
tall, half, quarter, one = (_tile(rows, 1) for rows in (TALL, TALL // 2, TALL // 4, 1))
#: One row against four panels: enough sums under way to hide the latency of an instruction.
one_wide = _tile(1, 4, partial=False)


@intrinsic
def larger_magnitude(typing, most, x):
    """Each lane: the larger of `most`, not negative, and |x|. NaN counts as larger than infinity: it is never lost."""

    def generate(context, builder, signature, args):
        # as integers, the bits of positive floats are in the order of the floats, then inf, then NaN
        most, x = (builder.bitcast(v, INTEGERS) for v in args)
        x = builder.and_(x, _constant(INTEGERS, 0x7FFFFFFF))
        return builder.bitcast(call(builder, f"llvm.smax.v{LANES}i32", INTEGERS, [most, x]), VECTOR)

    return vector(vector, vector), generate


@intrinsic
def largest_magnitude(typing, x):
    """Largest lane of a vector of lanes that are not negative; NaN counts as the largest."""

    def generate(context, builder, signature, args):
        bits = builder.bitcast(args[0], INTEGERS)
        return builder.bitcast(call(builder, f"llvm.vector.reduce.smax.v{LANES}i32", I32, [bits]), F32)

    return types.float32(vector), generate


@intrinsic
def store_bytes(typing, into, i, x):
    """into[i : i + LANES] = the lowest eight bits of each lane of x."""

    def generate(context, builder, signature, args):
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0]).data
        octets = ir.VectorType(I8, LANES)
        lowest = builder.trunc(builder.bitcast(args[2], INTEGERS), octets)
        pointer = builder.bitcast(element(builder, data, args[1], I8), octets.as_pointer())
        builder.store(lowest, pointer, align=1)
        return context.get_dummy_value()

    return types.void(into, types.intp, vector), generate


#: Bytes that `store_bytes` may write beyond the last value of a row.
OVERHANG = LANES
