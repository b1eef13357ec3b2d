"""The inner loop of a matrix product: a tile of C stays in registers while a row of B meets a column of A.

Written as LLVM instructions, because from a plain loop LLVM makes code that spills the accumulators to memory
(95 against 250 GF/s). gemm.py strings tiles together to a product of any size, with the plain loops beside it that it
equals.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from tinyscout.kernels.jit import kernel, part
from tinyscout.kernels.simd import F32, I32, I64, LANES, TILE_ROWS, VECTOR, broadcast, call, first_lanes, intrinsic

ZERO = ir.Constant(VECTOR, [0.0] * LANES)
PANEL = 2 * LANES  # columns of a tile, and of a panel of a packed matrix


def element(builder, pointer, index, kind: ir.Type = F32):
    """Instruction: the address of pointer[index]."""
    return builder.gep(pointer, [index], inbounds=True, source_etype=kind)


def load_lanes(builder, pointer, mask=None):
    """Instruction: a vector from this address on; 0 where the mask, if there is one, has none."""
    if mask is None:
        return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4, typ=VECTOR)
    return call(builder, f"llvm.masked.load.v{LANES}f32.p0", VECTOR, [pointer, I32(4), mask, ZERO])


def store_lanes(builder, value, pointer, mask=None):
    """Instruction: a vector to this address on; nothing where the mask, if there is one, has none."""
    if mask is None:
        builder.store(value, builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
    else:
        call(builder, f"llvm.masked.store.v{LANES}f32.p0", ir.VoidType(), [value, pointer, I32(4), mask])


def masks_of(builder, columns, vectors, edge):
    """For each vector of a tile the mask of its first lanes that are among `columns`; None for whole tiles."""
    if not edge:
        return [None] * vectors
    return [first_lanes(builder, builder.sub(columns, I64(v * LANES))) for v in range(vectors)]


def keep_rolled(module, branch):
    """Forbid unrolling of this loop: twice the accumulators would not fit in the registers."""
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = ir.values.MDValue(module, [], name=str(len(module.metadata)))
    node.operands = (node, disable)  # a loop id is a node that refers to itself
    branch.set_metadata("llvm.loop", node)


def _emit_tile(module, rows, vectors, edge):
    """LLVM function: C[rows, vectors * LANES] = A[rows, depth] @ B[depth, vectors * LANES] (+ S).

    tile(A, a_row, a_col, B, b_row, panel, C, c_row, S, s_row, depth, add, columns): strides in elements; every PANEL
    columns of B are `panel` apart; `add` says whether S is added, which may be C itself, or one row for all (s_row 0).
    With `edge`, nothing beyond `columns` is read or written of B, C and S.
    """
    name = f"tinyscout_tile_{rows}x{vectors}x{LANES}{'_edge' if edge else ''}"
    if name in module.globals:
        return module.globals[name]
    pointer = F32.as_pointer()
    signature = [pointer, I64, I64, pointer, I64, I64, pointer, I64, pointer, I64, I64, ir.IntType(1), I64]
    tile = ir.Function(module, ir.FunctionType(ir.VoidType(), signature), name)
    tile.linkage = "internal"  # so that LLVM may leave out arguments that are the same in every call of a kernel
    tile.attributes.add("noinline")  # inlined, the code around it competes for the registers of the accumulators
    tile.attributes.add("nounwind")
    a, a_row, a_col, b, b_row, panel, c, c_row, s, s_row, depth, add, columns = tile.args
    entry, read, start, loop, done = (tile.append_basic_block(n) for n in ("entry", "read", "start", "loop", "done"))
    spots = [(i, v) for i in range(rows) for v in range(vectors)]

    builder = ir.IRBuilder(entry)
    a_at = [element(builder, a, builder.mul(a_row, I64(i))) for i in range(rows)]
    b_at = [
        element(builder, b, builder.add(builder.mul(panel, I64(v // 2)), I64(v % 2 * LANES))) for v in range(vectors)
    ]
    masks = masks_of(builder, columns, vectors, edge)
    builder.cbranch(add, read, start)

    def spot_of(base, row, i, v):
        return element(builder, base, builder.add(builder.mul(row, I64(i)), I64(v * LANES)))

    builder.position_at_end(read)
    before = {(i, v): load_lanes(builder, spot_of(s, s_row, i, v), masks[v]) for i, v in spots}
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
    b_row_at, a_col_at = builder.mul(k, b_row), builder.mul(k, a_col)
    b_k = [load_lanes(builder, element(builder, b_at[v], b_row_at), masks[v]) for v in range(vectors)]
    after = {}
    for i in range(rows):
        a_ik = broadcast(builder, builder.load(element(builder, a_at[i], a_col_at), typ=F32))
        for v in range(vectors):
            after[i, v] = call(builder, f"llvm.fmuladd.v{LANES}f32", VECTOR, [a_ik, b_k[v], total[i, v]])
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
        store_lanes(builder, final[i, v], spot_of(c, c_row, i, v), masks[v])
    builder.ret_void()
    return tile


def _tile(rows, vectors, partial=False):
    @intrinsic
    def tile(typing, a, a0, a_row, a_col, b, b0, b_row, panel, c, c0, c_row, s, s0, s_row, depth, add, columns):
        i = types.intp

        def generate(context, builder, signature, args):
            def start(position):
                array = cgutils.create_struct_proxy(signature.args[position])(context, builder, value=args[position])
                return element(builder, array.data, args[position + 1])

            arguments = [start(0), *args[2:4], start(4), *args[6:8], start(8), args[10], start(11), *args[13:]]
            if partial:
                whole = builder.icmp_signed(">=", args[-1], I64(vectors * LANES))
                with builder.if_else(whole) as (then, otherwise):
                    with then:
                        builder.call(_emit_tile(builder.module, rows, vectors, False), arguments)
                    with otherwise:
                        builder.call(_emit_tile(builder.module, rows, vectors, True), arguments)
            else:
                builder.call(_emit_tile(builder.module, rows, vectors, False), arguments)
            return context.get_dummy_value()

        return types.void(a, i, i, i, b, i, i, i, c, i, i, s, i, i, i, types.boolean, i), generate

    return tile


#: C = A @ B (+ S) for TILE_ROWS rows and LANES or 2 * LANES columns: each operand is a flat array, where its block
#: starts, and strides.
tile_1, tile_2 = _tile(TILE_ROWS, 1), _tile(TILE_ROWS, 2)
#: The same for PANEL columns or the fewer that there are, and for so many rows, half, a quarter, and one.
tall, half, quarter, one = (_tile(rows, 2, True) for rows in (TILE_ROWS, TILE_ROWS // 2, TILE_ROWS // 4, 1))
#: LANES columns for twice TILE_ROWS rows, and for fewer.
column_2, column_1, column_half, column_quarter, column_one = (
    _tile(rows, 1) for rows in (2 * TILE_ROWS, TILE_ROWS, TILE_ROWS // 2, TILE_ROWS // 4, 1)
)
#: One row of four panels: enough sums under way to hide the latency of a multiply-add.
one_wide = _tile(1, 8)


@kernel
def multiply(columns, depth, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, add):
    """C[TILE_ROWS, columns] (+)= A[TILE_ROWS, depth] @ B[depth, columns], columns a multiple of LANES.

    Each operand is a flat float32 array, where its block starts, and the strides of that in elements.
    """
    j = 0
    while j + PANEL <= columns:
        tile_2(a, a0, a_row, a_col, b, b0 + j, b_row, 0, c, c0 + j, c_row, c, c0 + j, c_row, depth, add, 0)
        j += PANEL
    if j < columns:
        tile_1(a, a0, a_row, a_col, b, b0 + j, b_row, 0, c, c0 + j, c_row, c, c0 + j, c_row, depth, add, 0)


@part
def multiply_column(rows, depth, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row):
    """C[rows, LANES] = A[rows, depth] @ B[depth, LANES], for any number of rows."""
    i = 0
    while i + 2 * TILE_ROWS <= rows:
        column_2(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row, c, 0, 0, depth, False, 0)
        i += 2 * TILE_ROWS
    if i + TILE_ROWS <= rows:
        column_1(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row, c, 0, 0, depth, False, 0)
        i += TILE_ROWS
    if i + TILE_ROWS // 2 <= rows:
        column_half(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
                    c, 0, 0, depth, False, 0)  # fmt: skip
        i += TILE_ROWS // 2
    if i + TILE_ROWS // 4 <= rows:
        column_quarter(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
                       c, 0, 0, depth, False, 0)  # fmt: skip
        i += TILE_ROWS // 4
    while i < rows:
        column_one(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
                   c, 0, 0, depth, False, 0)  # fmt: skip
        i += 1
