"""A linear layer whose weight was packed once, for inference: no allocation, rows and strides as the caller has them.

A row gives the same bits whether it comes alone or among others: every output is one chain of fused multiply-adds over
the depth, in order, that starts from the bias.
"""

from typing import NamedTuple

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import LANES, TILE_ROWS, fma, load, splat, store
from tinyscout.kernels.tile import tile_1, tile_2

PANEL = 2 * LANES  # columns of a panel
ROWS = 64  # rows that meet a panel before the next one
FEW = 3  # rows up to which one at a time beats a tile that is mostly empty


class Panels(NamedTuple):
    """Linear layers of one shape, one a layer: weights (L, panels * depth * PANEL), bias (L, columns rounded up)."""

    weight: np.ndarray
    bias: np.ndarray


def up(n: int, multiple: int) -> int:
    """n rounded up to a multiple."""
    return (n + multiple - 1) // multiple * multiple


def pack(weight: np.ndarray) -> np.ndarray:
    """weight (columns, depth) -> panels, flat: each holds PANEL columns, depth by depth; zeros behind the last."""
    columns, depth = weight.shape
    full = np.zeros((up(columns, PANEL), depth), np.float32)
    full[:columns] = weight
    return full.reshape(-1, PANEL, depth).transpose(0, 2, 1).reshape(-1)


@kernel
def _one_row(depth, columns, x, x0, weight, bias, out, o0):
    """Four panels at once, because one chain of multiply-adds waits for itself."""
    step, j = depth * PANEL, 0
    while j + 4 * PANEL <= columns:
        w = j // PANEL * step
        a, b = load(bias, j), load(bias, j + LANES)
        c, d = load(bias, j + PANEL), load(bias, j + PANEL + LANES)
        e, f = load(bias, j + 2 * PANEL), load(bias, j + 2 * PANEL + LANES)
        g, h = load(bias, j + 3 * PANEL), load(bias, j + 3 * PANEL + LANES)
        for k in range(depth):
            xk, at = splat(x[x0 + k]), w + k * PANEL
            a, b = fma(xk, load(weight, at), a), fma(xk, load(weight, at + LANES), b)
            c, d = fma(xk, load(weight, at + step), c), fma(xk, load(weight, at + step + LANES), d)
            e, f = fma(xk, load(weight, at + 2 * step), e), fma(xk, load(weight, at + 2 * step + LANES), f)
            g, h = fma(xk, load(weight, at + 3 * step), g), fma(xk, load(weight, at + 3 * step + LANES), h)
        o = o0 + j
        store(out, o, a)
        store(out, o + LANES, b)
        store(out, o + PANEL, c)
        store(out, o + PANEL + LANES, d)
        store(out, o + 2 * PANEL, e)
        store(out, o + 2 * PANEL + LANES, f)
        store(out, o + 3 * PANEL, g)
        store(out, o + 3 * PANEL + LANES, h)
        j += 4 * PANEL
    while j < columns:
        w = j // PANEL * step + j % PANEL
        a = load(bias, j)
        for k in range(depth):
            a = fma(splat(x[x0 + k]), load(weight, w + k * PANEL), a)
        store(out, o0 + j, a)
        j += LANES


@kernel
def linear_panels(rows, depth, columns, x, x_row, weight, bias, out, out_row):
    """out[rows, columns] = x[rows, depth] @ weight + bias; columns a multiple of LANES, x and out flat.

    More than FEW rows are computed in whole tiles: x and out need room for rows rounded up to TILE_ROWS.
    """
    if rows <= FEW:
        for i in range(rows):
            _one_row(depth, columns, x, i * x_row, weight, bias, out, i * out_row)
        return
    for group in range(0, rows, ROWS):
        last = min(group + ROWS, rows)
        for j in range(0, columns, PANEL):
            panel = j * depth
            for i in range(group, last, TILE_ROWS):
                at, to = i * x_row, i * out_row + j
                if columns - j >= PANEL:
                    tile_2(x, at, x_row, 1, weight, panel, PANEL, out, to, out_row, bias, j, 0, depth, True)
                else:
                    tile_1(x, at, x_row, 1, weight, panel, PANEL, out, to, out_row, bias, j, 0, depth, True)
