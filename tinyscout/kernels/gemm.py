"""The product of two float32 matrices of any size, and of a matrix with a weight that is packed once.

The right matrix is packed into panels of PANEL columns, in the order in which the tiles of tile.py read it; then a
block of it, small enough for the caches, meets a block of rows.

From another kernel: `multiply_packed`, over flat arrays.
"""

import numpy as np

from tinyscout.kernels.jit import JIT, aligned, compiled_for, kernel, plain
from tinyscout.kernels.simd import (
    LANES,
    TILE_ROWS,
    fma,
    load,
    load_first,
    splat,
    store,
    store_first,
    store_transposed,
    sum_of,
)
from tinyscout.kernels.tile import PANEL, half, one, one_wide, quarter, tall

f32 = np.float32
ROWS = 64  # rows that meet a panel before the next one
DEPTH = 256  # rows of a panel that meet them: 32 KB
FEW_ROWS = 32  # up to here, packing the right matrix costs more than it saves


def naive_multiply(a, b):
    """C = A @ B as it is defined: the loops to read first, and 50 times slower than the tiles even when compiled.

    a (M, K), b (K, N)  ->  (M, N), in the dtype of a.
    """
    rows, depth = a.shape
    columns = b.shape[1]
    c = np.zeros((rows, columns), a.dtype)
    for i in range(rows):
        for j in range(columns):
            for k in range(depth):
                c[i, j] += a[i, k] * b[k, j]
    return c


def matmul_twin(a, b, *, transpose_a=False, transpose_b=False, out=None):
    """The same as `matmul` in plain NumPy."""
    with np.errstate(invalid="ignore", over="ignore"):  # as silent about inf - inf as the machine code
        return np.matmul(a.T if transpose_a else a, b.T if transpose_b else b, out=out)


def linear_packed_twin(x, packed, bias, out):
    """The same as `linear_packed` in plain NumPy."""
    panels, depth, width = packed.shape
    weight = packed.transpose(0, 2, 1).reshape(panels * width, depth)[: out.shape[1]]
    matmul_twin(x, weight, transpose_b=True, out=out)
    out += bias
    return out


@kernel
def pack(b, b_row, b_col, depth, columns, into):
    """B (depth, columns), whose element k, j is b[k * b_row + j * b_col], as panels (depth, PANEL) filled with zeros.

    One of the strides is 1. Into the flat array `into`, which has room for LANES rows of a panel more than that.
    """
    for j in range(0, (columns + PANEL - 1) // PANEL * PANEL, LANES):
        start = j // PANEL * depth * PANEL + j % PANEL
        there = max(0, min(LANES, columns - j))
        if b_col != 1:
            for k in range(0, depth, LANES):
                store_transposed(b, j * b_col + k, b_col, there, depth - k, into, start + k * PANEL, PANEL)
        elif there == LANES:
            for k in range(depth):
                store(into, start + k * PANEL, load(b, k * b_row + j))
        else:
            for k in range(depth):
                store(into, start + k * PANEL, load_first(b, k * b_row + j, there))


@kernel
def _panel(first, last, left, depth, a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, s, s0, s_row, add):
    """Rows first to last of C against one panel of B, of which `left` columns are there."""
    i = first
    while i + TILE_ROWS <= last:
        tall(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
             s, s0 + i * s_row, s_row, depth, add, left)  # fmt: skip
        i += TILE_ROWS
    if i + TILE_ROWS // 2 <= last:
        half(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
             s, s0 + i * s_row, s_row, depth, add, left)  # fmt: skip
        i += TILE_ROWS // 2
    if i + TILE_ROWS // 4 <= last:
        quarter(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
                s, s0 + i * s_row, s_row, depth, add, left)  # fmt: skip
        i += TILE_ROWS // 4
    while i < last:
        one(a, a0 + i * a_row, a_row, a_col, b, b0, b_row, 0, c, c0 + i * c_row, c_row,
            s, s0 + i * s_row, s_row, depth, add, left)  # fmt: skip
        i += 1


@kernel
def multiply(rows, depth, columns, a, a0, a_row, a_col, b, b_row, panel, c, c0, c_row, s, s0, s_row, add):
    """C = A @ B (+ S), where element k, j of B is b[j // PANEL * panel + k * b_row + j % PANEL].

    S may be C itself, or one row for all (s_row 0).
    """
    if rows == 1:
        j = 0
        while j + 4 * PANEL <= columns:
            one_wide(a, a0, a_row, a_col, b, j // PANEL * panel, b_row, panel, c, c0 + j, c_row,
                     s, s0 + j, s_row, depth, add, columns)  # fmt: skip
            j += 4 * PANEL
        while j < columns:
            one(a, a0, a_row, a_col, b, j // PANEL * panel, b_row, panel, c, c0 + j, c_row,
                s, s0 + j, s_row, depth, add, columns - j)  # fmt: skip
            j += PANEL
        return
    for k in range(0, max(depth, 1), DEPTH):
        some = min(DEPTH, depth - k)
        for i in range(0, rows, ROWS):
            last = min(i + ROWS, rows)
            for j in range(0, columns, PANEL):
                b0 = j // PANEL * panel + k * b_row
                if k == 0:
                    _panel(i, last, columns - j, some, a, a0, a_row, a_col, b, b0, b_row,
                           c, c0 + j, c_row, s, s0 + j, s_row, add)  # fmt: skip
                else:
                    _panel(i, last, columns - j, some, a, a0 + k * a_col, a_row, a_col, b, b0, b_row,
                           c, c0 + j, c_row, c, c0 + j, c_row, True)  # fmt: skip


@kernel
def multiply_packed(rows, depth, columns, x, x0, x_row, packed, bias, y, y0, y_row, add):
    """Y = X @ W.T + bias (+ Y, if add) for a weight in the flat form of `pack_weight`.

    x, bias, y are flat arrays; x0 and y0 say where the first row starts, x_row and y_row how far rows are apart. Rows
    together and one by one give the same bits.
    """
    if add:
        for i in range(rows):
            at = y0 + i * y_row
            for j in range(0, columns, LANES):
                left = columns - j
                store_first(y, at + j, left, load_first(y, at + j, left) + load_first(bias, j, left))
        multiply(rows, depth, columns, x, x0, x_row, 1, packed, PANEL, depth * PANEL, y, y0, y_row, y, y0, y_row, True)
    else:
        multiply(rows, depth, columns, x, x0, x_row, 1, packed, PANEL, depth * PANEL, y, y0, y_row, bias, 0, 0, True)


@kernel
def _dots(depth, columns, x, b, b_col, y):
    """y (columns,) = x (depth,) @ B, whose columns are contiguous: four dot products at a time."""
    whole = depth - depth % LANES
    for j in range(0, columns, 4):
        j0 = j * b_col
        j1 = min(j + 1, columns - 1) * b_col
        j2 = min(j + 2, columns - 1) * b_col
        j3 = min(j + 3, columns - 1) * b_col
        s0 = s1 = s2 = s3 = splat(f32(0))
        for k in range(0, whole, LANES):
            x_k = load(x, k)
            s0 = fma(x_k, load(b, j0 + k), s0)
            s1 = fma(x_k, load(b, j1 + k), s1)
            s2 = fma(x_k, load(b, j2 + k), s2)
            s3 = fma(x_k, load(b, j3 + k), s3)
        if whole < depth:
            left = depth - whole
            x_k = load_first(x, whole, left)
            s0 = fma(x_k, load_first(b, j0 + whole, left), s0)
            s1 = fma(x_k, load_first(b, j1 + whole, left), s1)
            s2 = fma(x_k, load_first(b, j2 + whole, left), s2)
            s3 = fma(x_k, load_first(b, j3 + whole, left), s3)
        y[min(j + 3, columns - 1)] = sum_of(s3)  # beyond the last column, the last one again
        y[min(j + 2, columns - 1)] = sum_of(s2)
        y[min(j + 1, columns - 1)] = sum_of(s1)
        y[j] = sum_of(s0)


@kernel
def packed_size(depth, columns):
    """Length of the flat array that `pack` needs."""
    return ((columns + PANEL - 1) // PANEL * depth + LANES) * PANEL


@kernel
def _product(rows, depth, columns, a, a_row, a_col, b, b_row, b_col, c):
    """c (rows, columns) = A @ B; element i, k of A is a[i * a_row + k * a_col], and likewise B."""
    if rows == 1 and a_col == 1 and b_row == 1 and columns:
        _dots(depth, columns, a, b, b_col, c)
    elif rows <= FEW_ROWS and b_col == 1:
        multiply(rows, depth, columns, a, 0, a_row, a_col, b, b_row, PANEL, c, 0, columns, c, 0, columns, False)
    else:
        raw = np.empty(packed_size(depth, columns) + LANES, np.float32)
        packed = raw[-(raw.ctypes.data >> 2) & (LANES - 1) :]  # a load across two cache lines costs two
        pack(b, b_row, b_col, depth, columns, packed)
        if a_row == 1:
            _product_of_columns(rows, depth, columns, a, a_col, packed, c)
        else:
            multiply(rows, depth, columns, a, 0, a_row, a_col, packed, PANEL, depth * PANEL, c, 0, columns,
                     c, 0, columns, False)  # fmt: skip


@kernel
def _product_of_columns(rows, depth, columns, a, a_col, packed, c):
    """c (rows, columns) = A @ B, where a column of A is contiguous: blocks of A are copied, to lie on fewer pages."""
    block = np.empty(DEPTH * ROWS, np.float32)
    for k in range(0, max(depth, 1), DEPTH):
        some = min(DEPTH, depth - k)
        for i in range(0, rows, ROWS):
            there = min(ROWS, rows - i)
            for r in range(some):
                for v in range(0, there, LANES):
                    store(block, r * ROWS + v, load_first(a, (k + r) * a_col + i + v, there - v))
            multiply(there, some, columns, block, 0, 1, ROWS, packed[k * PANEL :], PANEL, depth * PANEL,
                     c, i * columns, columns, c, i * columns, columns, k > 0)  # fmt: skip


def matmul(a, b, *, transpose_a=False, transpose_b=False, out=None):
    """a @ b, either of them transposed.

    a (M, K), or (K, M) with transpose_a; b (K, N), or (N, K) with transpose_b  ->  (M, N), written to out if given.
    Raises ValueError for shapes that do not fit, and for an out that is not a contiguous array of its own.
    """
    (rows, depth), (inner, columns) = _shape(a, transpose_a), _shape(b, transpose_b)
    if inner != depth:
        raise ValueError(
            f"matmul: {(rows, depth)} @ {(inner, columns)} (after transposing) do not fit; "
            "the columns of the left must be the rows of the right"
        )
    if out is not None:
        _check_out(out, a, b, (rows, columns))
    if not compiled_for(a, b):
        return matmul_twin(a, b, transpose_a=transpose_a, transpose_b=transpose_b, out=out)
    out = np.empty((rows, columns), f32) if out is None else out
    left, right = _strided(a, transpose_a), _strided(b, transpose_b)
    if columns == 1 and rows != 1:  # a column is a row of the transposed product
        (a, a_row, a_col), (b, b_row, b_col) = left, right
        _product(1, depth, rows, b, b_col, b_row, a, a_col, a_row, out.reshape(-1))
    else:
        _product(rows, depth, columns, *left, *right, out.reshape(-1))
    return out


def _shape(x, transpose):
    if x.ndim != 2:
        raise ValueError(f"matmul: got an array {x.shape}, needs two axes")
    return x.shape[::-1] if transpose else x.shape


def _check_out(out, a, b, shape):
    own = not (np.may_share_memory(a, out) or np.may_share_memory(b, out))
    if not (own and out.shape == shape and out.dtype == np.result_type(a, b) and out.flags.c_contiguous):
        raise ValueError(
            f"matmul: out is {out.dtype} {out.shape}; needs contiguous {np.result_type(a, b)} {shape} that shares no "
            "memory with a and b"
        )


def _strided(x, transpose):
    """x as a flat array, and how far apart its rows and its columns are, in elements; transposed by exchanging them."""
    flags = x.flags
    if flags.f_contiguous and not flags.c_contiguous:
        x, transpose = x.T, not transpose
    x = plain(x)
    strides = (1, x.shape[1]) if transpose else (x.shape[1], 1)
    return x.reshape(-1), *strides


def pack_weight(weight):
    """A weight (Out, In) float32 in the order in which the tiles read it: (panels, In, PANEL), zeros beyond Out.

    The order depends on the instruction set: save the weight itself, and pack when loading.
    """
    if weight.ndim != 2 or weight.dtype != f32:
        raise ValueError(f"pack_weight: got {weight.dtype} {weight.shape}, needs float32 (Out, In)")
    n_out, n_in = weight.shape
    panels = (n_out + PANEL - 1) // PANEL
    packed = aligned(panels * n_in * PANEL, f32).reshape(panels, n_in, PANEL)
    padded = np.zeros((panels * PANEL, n_in), f32)
    padded[:n_out] = weight
    packed[...] = padded.reshape(panels, PANEL, n_in).transpose(0, 2, 1)
    return packed


def linear_packed(x, packed, bias, out):
    """out = x @ weight.T + bias for a weight that `pack_weight` packed, without allocating anything.

    x (M, In), bias (Out,), out (M, Out), all float32 and contiguous. Raises ValueError for what does not fit.
    """
    panels, depth, _ = packed.shape
    rows, columns = out.shape
    if x.shape != (rows, depth) or bias.shape != (columns,) or (columns + PANEL - 1) // PANEL != panels:
        raise ValueError(
            f"linear_packed: x {x.shape}, packed {packed.shape}, bias {bias.shape} and out {out.shape} do not fit; "
            f"needs (M, In), (Out / {PANEL} rounded up, In, {PANEL}), (Out,) and (M, Out)"
        )
    if not all(v.dtype == f32 and v.flags.c_contiguous for v in (x, packed, bias, out)):
        raise ValueError("linear_packed: x, packed, bias and out must be contiguous float32 arrays")
    if not JIT:
        return linear_packed_twin(x, packed, bias, out)
    flat = packed.reshape(-1)
    multiply_packed(rows, depth, columns, x.reshape(-1), 0, depth, flat, bias, out.reshape(-1), 0, columns, False)
    return out
