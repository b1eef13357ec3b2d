"""The products of a linear layer, forward and backward, for the many rows and small weights of this project.

The weight is packed once a call into panels two registers wide, in the order in which the tiles read it; the bias is
what the accumulators start from. Sizes that are not whole registers, and weights that do not fit the second-level
cache, go to BLAS.
"""

import numpy as np

from tinyscout.kernels.gemm import multiply, pack, packed_size
from tinyscout.kernels.jit import as_rows, compiled_for, kernel, plain
from tinyscout.kernels.simd import LANES, TILE_ROWS, load, store
from tinyscout.kernels.tile import PANEL, tile_1, tile_2

f32 = np.float32
PAD = max(LANES, TILE_ROWS)
DEPTH = 64  # rows of x and dy whose products are added to the gradient of the weight at once
FEWEST_ROWS = 32  # below this, packing the weight costs more than it saves
LARGEST_WEIGHT = 256 * 1024  # elements, 1 MB


def linear_twin(x, weight, bias=None):
    """The same as `linear` in plain NumPy."""
    y = x.reshape(-1, x.shape[-1]) @ weight.T  # one large product, whatever the leading axes
    if bias is not None:
        y += bias
    return y.reshape(*x.shape[:-1], len(weight))


def linear_backward_input_twin(dy, weight):
    """The same as `linear_backward_input` in plain NumPy."""
    return (dy.reshape(-1, dy.shape[-1]) @ weight).reshape(*dy.shape[:-1], weight.shape[1])


def linear_backward_weight_twin(dy, x):
    """The same as `linear_backward_weight` in plain NumPy."""
    drows = dy.reshape(-1, dy.shape[-1])
    # subtle: the sum over rows as a product with ones, which BLAS does in a third of the time of .sum(axis=0)
    return drows.T @ x.reshape(-1, x.shape[-1]), np.ones(len(drows), dy.dtype) @ drows


@kernel
def _product(a, b, b_row, b_col, columns, bias, add, c):
    """c (N, columns) = a (N, depth) @ B (+ bias)."""
    rows, depth = a.shape
    packed = np.empty(packed_size(depth, columns), np.float32)
    pack(b, b_row, b_col, depth, columns, packed)
    multiply(rows, depth, columns, a.reshape(-1), 0, depth, 1, packed, PANEL, depth * PANEL, c.reshape(-1), 0, columns,
             bias, 0, 0, add)  # fmt: skip


@kernel
def _weight_gradient(dy, x, dweight, dbias):
    """dweight (Out, In) = dy.T @ x and dbias (Out,) = sum of dy, DEPTH rows at a time, which stay in the cache."""
    rows, n_out = dy.shape
    n_in = x.shape[1]
    flat_dy, flat_x, out = dy.reshape(-1), x.reshape(-1), dweight.reshape(-1)
    dbias[:] = f32(0)
    dweight[:] = f32(0)
    for k in range(0, rows, DEPTH):
        depth = min(DEPTH, rows - k)
        for r in range(k, k + depth):  # first, because reading dy in order brings it into the cache faster
            for j in range(0, n_out, LANES):
                store(dbias, j, load(dbias, j) + load(flat_dy, r * n_out + j))
        for j in range(0, n_in, PANEL):
            b0 = k * n_in + j
            for i in range(0, n_out, TILE_ROWS):
                a0, c0 = k * n_out + i, i * n_in + j
                if n_in - j >= PANEL:
                    tile_2(flat_dy, a0, 1, n_out, flat_x, b0, n_in, 0, out, c0, n_in, out, c0, n_in, depth, True, 0)
                else:
                    tile_1(flat_dy, a0, 1, n_out, flat_x, b0, n_in, 0, out, c0, n_in, out, c0, n_in, depth, True, 0)


def linear(x, weight, bias=None):
    """x @ weight.T + bias.

    x (..., In), weight (Out, In), bias (Out,) or None  ->  (..., Out). Raises ValueError for shapes that do not fit.
    """
    if weight.ndim != 2 or x.shape[-1:] != weight.shape[1:] or (bias is not None and bias.shape != weight.shape[:1]):
        raise ValueError(
            f"linear: x {x.shape}, weight {weight.shape} and bias {None if bias is None else bias.shape} do not fit; "
            "needs (..., In), (Out, In) and (Out,)"
        )
    n_out, n_in = weight.shape
    start = weight if bias is None else bias
    if not (compiled_for(x, weight, start) and _pays(x.size // max(n_in, 1), n_out, weight)):
        return linear_twin(x, weight, bias)
    rows, flat = as_rows(x), plain(weight).reshape(-1)
    y = np.empty((len(rows), n_out), f32)
    _product(rows, flat, 1, n_in, n_out, flat if bias is None else plain(bias), bias is not None, y)
    return y.reshape(*x.shape[:-1], n_out)


def linear_backward_input(dy, weight):
    """Gradient of `linear` for x.  dy (..., Out), weight (Out, In)  ->  dx (..., In)."""
    if weight.ndim != 2 or dy.shape[-1:] != weight.shape[:1]:
        raise ValueError(
            f"linear_backward_input: dy {dy.shape} has a last axis that weight {weight.shape} doesn't give"
        )
    n_out, n_in = weight.shape
    if not (compiled_for(dy, weight) and _pays(dy.size // max(n_out, 1), n_in, weight)):
        return linear_backward_input_twin(dy, weight)
    rows, flat = as_rows(dy), plain(weight).reshape(-1)
    dx = np.empty((len(rows), n_in), f32)
    _product(rows, flat, n_in, 1, n_in, flat, False, dx)
    return dx.reshape(*dy.shape[:-1], n_in)


def linear_backward_weight(dy, x):
    """Gradients of `linear` for weight and bias.  dy (..., Out), x (..., In)  ->  dweight (Out, In), dbias (Out,)."""
    if dy.shape[:-1] != x.shape[:-1]:
        raise ValueError(f"linear_backward_weight: dy {dy.shape} and x {x.shape} must agree but for the last axis")
    n_out, n_in = dy.shape[-1], x.shape[-1]
    whole = (n_in + LANES - 1) // LANES * LANES
    dweight, dbias = np.empty((n_out, whole), dy.dtype), np.empty(n_out, dy.dtype)
    if not (compiled_for(dy, x) and _pays(FEWEST_ROWS, whole, dweight) and n_out % PAD == 0):
        return linear_backward_weight_twin(dy, x)
    rows = as_rows(x)
    if whole != n_in:  # such as the few features of an age
        rows = np.zeros((len(rows), whole), f32)
        rows[:, :n_in] = as_rows(x)
    _weight_gradient(as_rows(dy), rows, dweight, dbias)
    return dweight[:, :n_in], dbias


def _pays(rows, columns, weight):
    """Whether the tiles serve this product: enough rows, whole registers of columns, a weight that fits the cache."""
    return rows >= FEWEST_ROWS and columns % LANES == 0 and 0 < weight.size <= LARGEST_WEIGHT
