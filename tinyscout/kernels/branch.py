"""What both branches of a pre-norm transformer layer do with a block of rows, which stays in the second-level cache.

A branch reads layer_norm(x) and is added to x. Whole activations don't fit a cache, so the kernels of mlp.py and
selfattention.py take ROWS rows or so through every step before the next ones, forward and backward.
"""

import numpy as np

from tinyscout.kernels.affine import LARGEST_WEIGHT
from tinyscout.kernels.jit import as_rows, kernel
from tinyscout.kernels.simd import LANES, TILE_ROWS, fma, load, splat, store, sum_of
from tinyscout.kernels.tile import PANEL, tile_1, tile_2

f32 = np.float32
ZERO = f32(0)
ROWS = 64  # of activations in scratch at a time
PAD = max(LANES, TILE_ROWS)  # widths are multiples of it
DEPTH = 256  # rows of a packed panel that meet a tile: 32 KB


@kernel
def stride_of(width):
    """How far rows of scratch are apart: a register more than they hold, or a column would lie in few sets of L1."""
    return width + LANES


@kernel
def measure(rows, width, x, x0, eps, mean, rstd):
    """Mean and 1 / standard deviation of each row of x."""
    share = f32(1) / f32(width)
    for i in range(rows):
        at = x0 + i * width
        total = splat(ZERO)
        for j in range(0, width, LANES):
            total = total + load(x, at + j)
        mean[i] = sum_of(total) * share
        square = splat(ZERO)
        for j in range(0, width, LANES):
            centred = load(x, at + j) - splat(mean[i])
            square = fma(centred, centred, square)
        rstd[i] = f32(1) / np.sqrt(sum_of(square) * share + eps)


@kernel
def normalise(rows, width, x, x0, gain, shift, mean, rstd, into):
    """into (scratch) = layer_norm(x), of which `measure` gave the mean and rstd."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            xhat = (load(x, x0 + i * width + j) - splat(mean[i])) * splat(rstd[i])
            store(into, i * row + j, fma(xhat, load(gain, j), load(shift, j)))


@kernel
def add_branch(rows, width, x, x0, branch, kept, y):
    """y = x + branch (scratch), the branch times what dropout kept if that isn't empty."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            at = x0 + i * width + j
            value = load(branch, i * row + j)
            if kept.size:
                value = value * load(kept, at)
            store(y, at, load(x, at) + value)


@kernel
def take_cotangent(rows, width, dy, x0, kept, into):
    """into (scratch) = the branch's part of dy: all of it, or times what dropout kept."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            at = x0 + i * width + j
            value = load(dy, at)
            if kept.size:
                value = value * load(kept, at)
            store(into, i * row + j, value)


@kernel
def unpack(rows, width, x, into, into0):
    """Rows of scratch x to rows of `width`, from into0 on."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            store(into, into0 + i * width + j, load(x, i * row + j))


@kernel
def add_rows(rows, width, x, into):
    """into (width,) += the sum of the rows of scratch x."""
    row = stride_of(width)
    for j in range(0, width, LANES):
        total = load(into, j)
        for i in range(rows):
            total = total + load(x, i * row + j)
        store(into, j, total)


@kernel
def product(rows, depth, columns, x, packed, bias, y):
    """y = x @ B (+ bias, unless that is empty), x and y scratch, B as gemm.pack packs it.

    Rows are rounded up to whole tiles: what scratch holds behind the last one is read, and its product written.
    """
    x_row, y_row, biased = stride_of(depth), stride_of(columns), bias.size > 0
    for k in range(0, depth, DEPTH):
        some = min(DEPTH, depth - k)
        for j in range(0, columns, PANEL):
            b0 = j * depth + k * PANEL
            for i in range(0, rows, TILE_ROWS):
                a0, c0 = i * x_row + k, i * y_row + j
                if k:  # onto what is there
                    s, s0, s_row = y, c0, y_row
                else:
                    s, s0, s_row = bias, j, 0
                add = biased or k > 0
                if columns - j >= PANEL:
                    tile_2(x, a0, x_row, 1, packed, b0, PANEL, 0, y, c0, y_row, s, s0, s_row, some, add, 0)
                else:
                    tile_1(x, a0, x_row, 1, packed, b0, PANEL, 0, y, c0, y_row, s, s0, s_row, some, add, 0)


@kernel
def add_weight_gradient(rows, n_out, n_in, dy, x, into):
    """into (n_out, n_in) += dy.T @ x, both scratch."""
    dy_row, x_row = stride_of(n_out), stride_of(n_in)
    for j in range(0, n_in, PANEL):
        for i in range(0, n_out, TILE_ROWS):
            c0 = i * n_in + j
            if n_in - j >= PANEL:
                tile_2(dy, i, 1, dy_row, x, j, x_row, 0, into, c0, n_in, into, c0, n_in, rows, True, 0)
            else:
                tile_1(dy, i, 1, dy_row, x, j, x_row, 0, into, c0, n_in, into, c0, n_in, rows, True, 0)


@kernel
def norm_backward(rows, width, dnormed, dy, x, x0, gain, mean, rstd, dx, dgain, dshift):
    """dx = dy + what comes back through layer norm from dnormed (scratch); adds to dgain and dshift."""
    row, share = stride_of(width), f32(1) / f32(width)
    for i in range(rows):
        at, m, r = x0 + i * width, splat(mean[i]), splat(rstd[i])
        total, along = splat(ZERO), splat(ZERO)
        for j in range(0, width, LANES):
            d = load(dnormed, i * row + j)
            xhat = (load(x, at + j) - m) * r
            dxhat = d * load(gain, j)
            total = total + dxhat
            along = fma(dxhat, xhat, along)
            store(dgain, j, fma(d, xhat, load(dgain, j)))
            store(dshift, j, load(dshift, j) + d)
        total, along = splat(sum_of(total) * share), splat(sum_of(along) * share)
        for j in range(0, width, LANES):
            xhat = (load(x, at + j) - m) * r
            dxhat = load(dnormed, i * row + j) * load(gain, j)
            store(dx, at + j, load(dy, at + j) + r * (dxhat - total - along * xhat))


def rows_kept(kept, width):
    """What dropout kept as rows; no rows for None."""
    return np.empty((0, width), f32) if kept is None else as_rows(kept)


def fits_cache(*weights):
    """Whether the tiles serve these weights: whole registers both ways, and each fits the second-level cache."""
    return all(w.shape[0] % PAD == w.shape[1] % PAD == 0 and 0 < w.size <= LARGEST_WEIGHT for w in weights)
