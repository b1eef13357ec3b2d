"""The few machine operations Numba does not offer, emitted as LLVM instructions, and the vector width of this CPU.

The only file that speaks to llvmlite. An intrinsic takes arrays, never a saved address: the array keeps its memory alive.
"""

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)


def _vector_shape() -> tuple[int, int]:
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 8  # 32 registers of 512 bits
    if features.get("avx2") and features.get("fma"):
        return 8, 4  # 16 registers of 256 bits
    if llvmlite.binding.get_process_triple().startswith(("aarch64", "arm64")):
        return 4, 8  # NEON: 32 registers of 128 bits
    return 4, 4


#: float32 values in a register, and rows in a tile of accumulators (rows x 2 registers, which leaves room for operands).
LANES, TILE_ROWS = _vector_shape()


@intrinsic
def bits_of(typing, x):
    """The 32 bits of a float32 as an int32."""
    return types.int32(types.float32), lambda context, builder, signature, args: builder.bitcast(args[0], I32)


@intrinsic
def from_bits(typing, i):
    """The float32 whose 32 bits are those of an int32."""
    return types.float32(types.int32), lambda context, builder, signature, args: builder.bitcast(args[0], F32)


@intrinsic
def at_least(typing, x, low):
    """low where low > x, else x, so that a NaN in x stays (`maxnum` would swallow it). One instruction."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered(">", args[1], args[0]), args[1], args[0])

    return types.float32(types.float32, types.float32), generate


@intrinsic
def at_most(typing, x, high):
    """high where high < x, else x, so that a NaN in x stays. One instruction."""

    def generate(context, builder, signature, args):
        return builder.select(builder.fcmp_ordered("<", args[1], args[0]), args[1], args[0])

    return types.float32(types.float32, types.float32), generate


@intrinsic
def larger(typing, x, y):
    """The larger of two float32, in a form that LLVM vectorises as a reduction (Python's `max` is 20 times slower).

    A NaN may or may not come out. Use it only where NaN shows by another path, as in a softmax: exp(NaN - max) is NaN
    whatever the maximum was.
    """

    def generate(context, builder, signature, args):
        maxnum = cgutils.get_or_insert_function(builder.module, ir.FunctionType(F32, [F32, F32]), "llvm.maxnum.f32")
        return builder.call(maxnum, args, fastmath=("nnan", "nsz"))

    return types.float32(types.float32, types.float32), generate


def _at(builder, pointer, index):
    return builder.gep(pointer, [index], inbounds=True, source_etype=F32)


def _load(builder, pointer, index):
    vector = ir.VectorType(F32, LANES)
    return builder.load(builder.bitcast(_at(builder, pointer, index), vector.as_pointer()), align=4, typ=vector)


def _store(builder, value, pointer, index):
    builder.store(value, builder.bitcast(_at(builder, pointer, index), value.type.as_pointer()), align=4)


def _broadcast(builder, scalar):
    vector = ir.VectorType(F32, LANES)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _keep_rolled(module, branch):
    """Forbid unrolling of this loop: twice the accumulators would not fit in registers (95 against 250 GF/s)."""
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = ir.values.MDValue(module, [], name=str(len(module.metadata)))
    node.operands = (node, disable)  # a loop id is a node that refers to itself
    branch.set_metadata("llvm.loop", node)


def _emit_tile(module, vectors):
    """LLVM function: C[TILE_ROWS, vectors*LANES] (+)= A[TILE_ROWS, K] @ B[K, vectors*LANES], C held in registers.

    tile(A, a_row, a_col, B, b_row, C, c_row, K, add): strides in elements; `add` says whether C is added to.
    """
    name = f"tinyscout_tile_{TILE_ROWS}x{vectors}x{LANES}"
    if name in module.globals:
        return module.globals[name]
    pointer = F32.as_pointer()
    signature = [pointer, I64, I64, pointer, I64, pointer, I64, I64, ir.IntType(1)]
    tile = ir.Function(module, ir.FunctionType(ir.VoidType(), signature), name)
    tile.linkage = "linkonce_odr"
    tile.attributes.add("noinline")  # inlined, the surrounding code competes for the registers of the accumulators
    tile.attributes.add("nounwind")
    a, a_row, a_col, b, b_row, c, c_row, depth, add = tile.args
    for argument in (a, b, c):
        argument.add_attribute("noalias")
    entry, load, start, loop, done = (tile.append_basic_block(n) for n in ("entry", "load", "start", "loop", "done"))
    spots = [(i, v) for i in range(TILE_ROWS) for v in range(vectors)]
    zero = ir.Constant(ir.VectorType(F32, LANES), [0.0] * LANES)

    fma = cgutils.get_or_insert_function(module, ir.FunctionType(zero.type, [zero.type] * 3), f"llvm.fma.v{LANES}f32")

    builder = ir.IRBuilder(entry)
    c_at = {(i, v): builder.add(builder.mul(c_row, I64(i)), I64(v * LANES)) for i, v in spots}
    a_at = [_at(builder, a, builder.mul(a_row, I64(i))) for i in range(TILE_ROWS)]
    builder.cbranch(add, load, start)

    builder.position_at_end(load)
    before = {spot: _load(builder, c, c_at[spot]) for spot in spots}
    builder.branch(start)

    builder.position_at_end(start)
    initial = {spot: builder.phi(zero.type) for spot in spots}
    for spot in spots:
        initial[spot].add_incoming(zero, entry)
        initial[spot].add_incoming(before[spot], load)
    builder.cbranch(builder.icmp_signed(">", depth, I64(0)), loop, done)

    builder.position_at_end(loop)
    k = builder.phi(I64)
    total = {spot: builder.phi(zero.type) for spot in spots}
    b_at = builder.mul(k, b_row)
    b_k = [_load(builder, b, builder.add(b_at, I64(v * LANES))) for v in range(vectors)]
    a_offset = builder.mul(k, a_col)
    after = {}
    for i in range(TILE_ROWS):
        a_ik = _broadcast(builder, builder.load(_at(builder, a_at[i], a_offset), typ=F32))
        for v in range(vectors):
            after[i, v] = builder.call(fma, [a_ik, b_k[v], total[i, v]])
    following = builder.add(k, I64(1))
    k.add_incoming(I64(0), start)
    k.add_incoming(following, loop)
    for spot in spots:
        total[spot].add_incoming(initial[spot], start)
        total[spot].add_incoming(after[spot], loop)
    _keep_rolled(module, builder.cbranch(builder.icmp_signed("<", following, depth), loop, done))

    builder.position_at_end(done)
    for spot in spots:
        final = builder.phi(zero.type)
        final.add_incoming(initial[spot], start)
        final.add_incoming(after[spot], loop)
        after[spot] = final
    for spot in spots:
        _store(builder, after[spot], c, c_at[spot])
    builder.ret_void()
    return tile


def _tile_intrinsic(vectors):
    @intrinsic
    def tile(typing, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, depth, add):
        i = types.intp

        def generate(context, builder, signature, args):
            def start(position):
                array = cgutils.create_struct_proxy(signature.args[position])(context, builder, value=args[position])
                return _at(builder, array.data, args[position + 1])

            builder.call(
                _emit_tile(builder.module, vectors),
                [start(0), args[2], args[3], start(4), args[6], start(7), args[9], args[10], args[11]],
            )
            return context.get_dummy_value()

        return types.void(a, i, i, i, b, i, i, c, i, i, i, types.boolean), generate

    return tile


#: C[TILE_ROWS, LANES or 2*LANES] (+)= A @ B, each a flat float32 array with the offset and the strides of its block.
tile_1 = _tile_intrinsic(1)
tile_2 = _tile_intrinsic(2)
