"""The inner loop of a matrix product: a tile of C stays in registers while a row of B meets a column of A.

Written as LLVM instructions, because from a plain loop LLVM makes code that spills the accumulators to memory
(95 against 250 GF/s). `multiply` strings tiles together; the naive triple loop that it equals is in tests/kernels.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import F32, I32, I64, LANES, TILE_ROWS, VECTOR, intrinsic

ZERO = ir.Constant(VECTOR, [0.0] * LANES)


def _at(builder, pointer, index):
    return builder.gep(pointer, [index], inbounds=True, source_etype=F32)


def _load(builder, pointer, index):
    return builder.load(builder.bitcast(_at(builder, pointer, index), VECTOR.as_pointer()), align=4, typ=VECTOR)


def _broadcast(builder, scalar):
    undefined = ir.Constant(VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, I32(0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))


def keep_rolled(module, branch):
    """Forbid unrolling of this loop: twice the accumulators would not fit in the registers."""
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = ir.values.MDValue(module, [], name=str(len(module.metadata)))
    node.operands = (node, disable)  # a loop id is a node that refers to itself
    branch.set_metadata("llvm.loop", node)


def _emit_tile(module, vectors):
    """LLVM function: C[TILE_ROWS, vectors * LANES] = A[TILE_ROWS, depth] @ B[depth, vectors * LANES] (+ S).

    tile(A, a_row, a_col, B, b_row, C, c_row, S, s_row, depth, add): strides in elements; `add` says whether S is added,
    which may be C itself, or one row for all (s_row 0).
    """
    name = f"tinyscout_tile_{TILE_ROWS}x{vectors}x{LANES}"
    if name in module.globals:
        return module.globals[name]
    pointer = F32.as_pointer()
    signature = [pointer, I64, I64, pointer, I64, pointer, I64, pointer, I64, I64, ir.IntType(1)]
    tile = ir.Function(module, ir.FunctionType(ir.VoidType(), signature), name)
    tile.linkage = "linkonce_odr"
    tile.attributes.add("noinline")  # inlined, the code around it competes for the registers of the accumulators
    tile.attributes.add("nounwind")
    a, a_row, a_col, b, b_row, c, c_row, s, s_row, depth, add = tile.args
    entry, read, start, loop, done = (tile.append_basic_block(n) for n in ("entry", "read", "start", "loop", "done"))
    spots = [(i, v) for i in range(TILE_ROWS) for v in range(vectors)]
    fma = cgutils.get_or_insert_function(module, ir.FunctionType(VECTOR, [VECTOR] * 3), f"llvm.fmuladd.v{LANES}f32")

    builder = ir.IRBuilder(entry)
    a_at = [_at(builder, a, builder.mul(a_row, I64(i))) for i in range(TILE_ROWS)]
    builder.cbranch(add, read, start)

    builder.position_at_end(read)
    before = {(i, v): _load(builder, s, builder.add(builder.mul(s_row, I64(i)), I64(v * LANES))) for i, v in spots}
    builder.branch(start)

    builder.position_at_end(start)
    initial = {spot: builder.phi(VECTOR) for spot in spots}
    for spot in spots:
        initial[spot].add_incoming(ZERO, entry)
        initial[spot].add_incoming(before[spot], read)
    builder.cbranch(builder.icmp_signed(">", depth, I64(0)), loop, done)

    builder.position_at_end(loop)
    k = builder.phi(I64)
    total = {spot: builder.phi(VECTOR) for spot in spots}
    b_at, a_col_at = builder.mul(k, b_row), builder.mul(k, a_col)
    b_k = [_load(builder, b, builder.add(b_at, I64(v * LANES))) for v in range(vectors)]
    after = {}
    for i in range(TILE_ROWS):
        a_ik = _broadcast(builder, builder.load(_at(builder, a_at[i], a_col_at), typ=F32))
        for v in range(vectors):
            after[i, v] = builder.call(fma, [a_ik, b_k[v], total[i, v]])
    following = builder.add(k, I64(1))
    k.add_incoming(I64(0), start)
    k.add_incoming(following, loop)
    for spot in spots:
        total[spot].add_incoming(initial[spot], start)
        total[spot].add_incoming(after[spot], loop)
    keep_rolled(module, builder.cbranch(builder.icmp_signed("<", following, depth), loop, done))

    builder.position_at_end(done)
    final = {spot: builder.phi(VECTOR) for spot in spots}
    for spot in spots:
        final[spot].add_incoming(initial[spot], start)
        final[spot].add_incoming(after[spot], loop)
    for i, v in spots:
        to = _at(builder, c, builder.add(builder.mul(c_row, I64(i)), I64(v * LANES)))
        builder.store(final[i, v], builder.bitcast(to, VECTOR.as_pointer()), align=4)
    builder.ret_void()
    return tile


def _tile(vectors):
    @intrinsic
    def tile(typing, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, s, s0, s_row, depth, add):
        i = types.intp

        def generate(context, builder, signature, args):
            def start(position):
                array = cgutils.create_struct_proxy(signature.args[position])(context, builder, value=args[position])
                return _at(builder, array.data, args[position + 1])

            builder.call(
                _emit_tile(builder.module, vectors),
                [start(0), *args[2:4], start(4), args[6], start(7), args[9], start(10), *args[12:]],
            )
            return context.get_dummy_value()

        return types.void(a, i, i, i, b, i, i, c, i, i, s, i, i, i, types.boolean), generate

    return tile


#: C = A @ B (+ S) for LANES or 2 * LANES columns: each operand is a flat array, where its block starts, and strides.
tile_1, tile_2 = _tile(1), _tile(2)


@kernel
def multiply(columns, depth, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, add):
    """C[TILE_ROWS, columns] (+)= A[TILE_ROWS, depth] @ B[depth, columns], columns a multiple of LANES.

    Each operand is a flat float32 array, where its block starts, and the strides of that in elements.
    """
    j = 0
    while j + 2 * LANES <= columns:
        tile_2(a, a0, a_row, a_col, b, b0 + j, b_row, c, c0 + j, c_row, c, c0 + j, c_row, depth, add)
        j += 2 * LANES
    if j < columns:
        tile_1(a, a0, a_row, a_col, b, b0 + j, b_row, c, c0 + j, c_row, c, c0 + j, c_row, depth, add)
