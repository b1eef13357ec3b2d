"""What a compiled forward does to rows between its products: normalise, GELU, move, read a logit. Flat arrays.

Widths need not be whole registers, strides are: what lies between is scratch. layernorm.py and activation.py hold the
twins.
"""

import numpy as np

from tinyscout.kernels.activation import share_below
from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import LANES, first_of, fma, load, splat, store, sum_of

f32 = np.float32
ZERO, EPS = f32(0), f32(1e-5)


@kernel
def norm_rows(rows, width, stride, x, gain, bias, y):
    """y = layer norm of x; rows of `width` every `stride`."""
    share = f32(1) / f32(width)
    for i in range(rows):
        at = i * stride
        total = splat(ZERO)
        for j in range(0, width, LANES):
            total = total + first_of(load(x, at + j), width - j, splat(ZERO))
        mean = splat(sum_of(total) * share)
        square = splat(ZERO)
        for j in range(0, width, LANES):
            centred = load(x, at + j) - mean
            square = first_of(fma(centred, centred, square), width - j, square)
        rstd = splat(f32(1) / np.sqrt(sum_of(square) * share + EPS))
        for j in range(0, width, LANES):
            store(y, at + j, fma((load(x, at + j) - mean) * rstd, load(gain, j), load(bias, j)))


@kernel
def gelu_rows(n, x):
    """x[:n] = gelu(x[:n]), n a multiple of LANES."""
    for j in range(0, n, LANES):
        v = load(x, j)
        store(x, j, v * share_below(v))


@kernel
def move_row(x, stride, source, to):
    """Row `to` = row `source`."""
    for j in range(0, stride, LANES):
        store(x, to * stride + j, load(x, source * stride + j))


@kernel
def dot_row(width, x, x0, weight):
    """x[x0 : x0 + width] @ weight, which has zeros behind the width."""
    total = splat(ZERO)
    for j in range(0, width, LANES):
        total = fma(first_of(load(x, x0 + j), width - j, splat(ZERO)), load(weight, j), total)
    return sum_of(total)
