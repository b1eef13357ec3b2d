"""Matrix products. Each gives its gradients as functions, so that a frozen weight costs no product in backward."""

import functools

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def matmul(x, y):
    """x @ y with NumPy's rules: x (..., N, K), y (..., K, M)  ->  (..., N, M); either may be a vector (K,)."""
    if not x.ndim or not y.ndim or x.shape[-1] != y.shape[-min(2, y.ndim)]:
        raise ValueError(
            f"matmul: x {x.shape} and y {y.shape} don't chain; the last axis of x must equal y's second to last"
        )
    rows = x if x.ndim > 1 else x[None, :]
    columns = y if y.ndim > 1 else y[:, None]

    def backward(dy):
        dout = dy if y.ndim > 1 else dy[..., None]
        dout = dout if x.ndim > 1 else dout[..., None, :]

        def for_x():
            dx = dout @ columns.swapaxes(-1, -2)
            return dx if x.ndim > 1 else dx.squeeze(-2)

        def for_y():
            if y.ndim > 2:
                return rows.swapaxes(-1, -2) @ dout
            # one large product instead of one for each leading index, summed by the engine afterwards
            dy2 = rows.reshape(-1, rows.shape[-1]).T @ dout.reshape(-1, dout.shape[-1])
            return dy2 if y.ndim > 1 else dy2.squeeze(-1)

        return for_x, for_y

    return x @ y, backward


@op
def linear(x, weight, bias=None):
    """x @ weight.T + bias.

    x (..., In), weight (Out, In), bias (Out,) or None  ->  (..., Out)
    """
    if weight.ndim != 2 or x.ndim < 1 or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"linear: x {x.shape} has a last axis that weight {weight.shape} (out, in) doesn't take")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"linear: bias has shape {bias.shape}, needs {weight.shape[:1]} to match weight {weight.shape}"
        )
    if x.dtype == np.float32:
        return kernels.linear(x, weight, bias), functools.partial(_linear_backward, x, weight)
    rows = x.reshape(-1, x.shape[-1])  # one large product, whatever the leading axes
    out = rows @ weight.T
    if bias is not None:
        out += bias

    def backward(dy):
        drows = dy.reshape(-1, dy.shape[-1])
        # subtle: the sum over rows as a product with ones: BLAS needs 0.2 to 0.7 of the time of .sum(axis=0)
        ones = np.ones(len(drows), dtype=dy.dtype)
        return lambda: (drows @ weight).reshape(x.shape), lambda: drows.T @ rows, lambda: ones @ drows

    return out.reshape(*x.shape[:-1], -1), backward


def _linear_backward(x, weight, dy):
    both = functools.cache(lambda: kernels.linear_backward_weight(dy, x))  # one pass over dy gives weight's and bias's
    return lambda: kernels.linear_backward_input(dy, weight), lambda: both()[0], lambda: both()[1]


@op
def csr_matmul(weight, *, matrix):
    """matrix @ weight for a constant sparse matrix, such as one row of counts for each lead.

    matrix SciPy CSR (N, F), weight (F,) or (F, C)  ->  (N,) or (N, C)
    """
    if matrix.shape[1] != weight.shape[0]:
        raise ValueError(
            f"csr_matmul: weight has shape {weight.shape}, needs {matrix.shape[1]} rows, "
            f"one for each column of matrix {matrix.shape}"
        )
    if matrix.dtype != weight.dtype:
        raise TypeError(
            f"csr_matmul: matrix is {matrix.dtype}, weight {weight.dtype}; use matrix.astype({weight.dtype}) once"
        )
    return matrix @ weight, lambda dy: (matrix.T @ dy,)
