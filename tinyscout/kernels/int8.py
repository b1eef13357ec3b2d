"""A linear layer in 8-bit integers: weights a quarter the size, faster sums (machine code in int8_tile.py).

Each output channel of the weight has a scale of its own, made once; each row of activations gets its own on every call
(dynamic quantisation), so that rows do not depend on each other. Both are symmetric: the largest magnitude becomes 127.
The sums are exact; only rounding to bytes loses anything.

From another kernel: `quantize` then `multiply`, over flat arrays, with scratch of the sizes that `scratch_sizes` gives.
"""

import math
from typing import NamedTuple

import numpy as np

from tinyscout.kernels.int8_tile import (
    OVERHANG,
    TALL,
    ZERO_POINT,
    half,
    larger_magnitude,
    largest_magnitude,
    one,
    one_wide,
    quarter,
    store_bytes,
    tall,
)
from tinyscout.kernels.jit import aligned, compiled_for, kernel, plain
from tinyscout.kernels.simd import LANES, fma, load, load_first, splat

f32 = np.float32
PANEL = 2 * LANES  # columns of a panel
TOP = f32(127)
LEAST = f32(1e-36)  # rows smaller than this count as zero, because 127 / x would overflow
LARGEST = np.finfo(f32).max
ROUND = f32(1.5 * 2**23 + ZERO_POINT)  # in a sum of this size the last bit counts ones: adding it rounds to even
LONGEST = 2**31 // (255 * 127)  # products that surely fit a 32-bit sum


class PackedInt8(NamedTuple):
    """A weight (Out, In) in bytes, in the order in which this CPU's tiles read it; made by `pack_int8`.

    The order depends on the instruction set: save the bytes that `quantize_rows` gives, and pack when loading.
    """

    tiles: np.ndarray  #: int8, panels of PANEL columns, each (In / 4, PANEL, 4), zero where the weight ends
    scale: np.ndarray  #: float32, one a column, zero beyond the last
    correction: np.ndarray  #: int32, one a column: -ZERO_POINT times the sum of its bytes
    shape: tuple[int, int]  #: (Out, In)


def quantize_rows_twin(x):
    """The same as `quantize_rows` in plain NumPy."""
    most = np.abs(x).max(axis=1, initial=0)  # (M,), NaN where a row has one
    finite = np.isfinite(most)
    usable = finite & (most >= LEAST)
    factor = TOP / np.where(usable, most, f32(1))  # (M,)
    exact = np.where(usable[:, None], x, f32(0)).astype(np.float64) * factor[:, None]  # as a fused multiply-add has it
    q = np.rint(exact).astype(np.int8)
    return q, np.where(finite, most / TOP, f32(np.nan)).astype(f32)


def linear_int8_twin(x, q, scale, bias=None):
    """The same as `linear_int8` in plain NumPy, for a weight q (Out, In) int8 with scale (Out,)."""
    rows, row_scale = quantize_rows_twin(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]))
    total = rows.astype(np.int32) @ q.astype(np.int32).T  # (M, Out), exact
    y = total * (row_scale[:, None] * scale) + (f32(0) if bias is None else bias)
    return y.astype(f32).reshape(*x.shape[:-1], len(q))


def _quantize(rows, depth, x, x0, x_row, into, scales):
    most_of_row = f32(0)
    stride = (depth + 3) // 4 * 4
    whole = depth - depth % LANES
    for i in range(rows):
        start = x0 + i * x_row
        most = splat(f32(0))
        for j in range(0, whole, LANES):
            most = larger_magnitude(most, load(x, start + j))
        if whole < depth:
            most = larger_magnitude(most, load_first(x, start + whole, depth - whole))
        most_of_row = largest_magnitude(most)
        by = splat(TOP / most_of_row if LEAST <= most_of_row <= LARGEST else f32(0))
        scales[i] = most_of_row / TOP if most_of_row <= LARGEST else f32(np.nan)
        for j in range(0, whole, LANES):
            store_bytes(into, i * stride + j, fma(load(x, start + j), by, splat(ROUND)))
        if whole < depth:
            store_bytes(into, i * stride + whole, fma(load_first(x, start + whole, depth - whole), by, splat(ROUND)))


#: quantize(rows, depth, x, x0, x_row, into, scales): rows of the flat float32 array x, the first at x0, x_row apart, to
#: bytes in scratch `into` uint8, with a scale each in `scales` float32. A row with NaN or inf gets the scale NaN.
#: Plain IEEE arithmetic, so that it gives the same bits as its twin.
quantize = kernel(_quantize, fastmath=frozenset())


def _multiply(rows, depth, columns, x, row_scale, tiles, scale, correction, bias, y, y0, y_row, add):
    steps = (depth + 3) // 4
    stride, panel = 4 * steps, PANEL * 4 * steps
    j = 0
    if rows == 1:
        while j + 4 * PANEL <= columns:
            one_wide(x, 0, stride, tiles, j * stride, panel, steps, correction, row_scale, 0, scale, bias, j,
                     columns - j, y, y0 + j, y_row, add)  # fmt: skip
            j += 4 * PANEL
    while j < columns:
        w0, left = j * stride, columns - j
        i = 0
        while i + TALL <= rows:
            tall(x, i * stride, stride, tiles, w0, panel, steps, correction, row_scale, i, scale, bias, j,
                 left, y, y0 + i * y_row + j, y_row, add)  # fmt: skip
            i += TALL
        if i + TALL // 2 <= rows:
            half(x, i * stride, stride, tiles, w0, panel, steps, correction, row_scale, i, scale, bias, j,
                 left, y, y0 + i * y_row + j, y_row, add)  # fmt: skip
            i += TALL // 2
        if i + TALL // 4 <= rows:
            quarter(x, i * stride, stride, tiles, w0, panel, steps, correction, row_scale, i, scale, bias, j,
                    left, y, y0 + i * y_row + j, y_row, add)  # fmt: skip
            i += TALL // 4
        while i < rows:
            one(x, i * stride, stride, tiles, w0, panel, steps, correction, row_scale, i, scale, bias, j,
                left, y, y0 + i * y_row + j, y_row, add)  # fmt: skip
            i += 1
        j += PANEL


#: multiply(rows, depth, columns, x, row_scale, tiles, scale, correction, bias, y, y0, y_row, add): what `quantize` left
#: in x and row_scale, times a packed weight, plus bias, into (or, if add, onto) the flat array y from y0 on, its rows
#: y_row apart. bias (columns,) is read only there; no row's result depends on how many rows there are.
multiply = kernel(_multiply, fastmath=frozenset())


def scratch_sizes(rows, depth):
    """Lengths of the scratch that `quantize` needs for `rows` rows of at most `depth`: uint8 bytes, float32 scales."""
    return rows * ((depth + 3) // 4 * 4) + OVERHANG, rows


def quantize_rows(x):
    """Each row of x in bytes: x[i] is about q[i] * scale[i], with the largest magnitude at 127; halves round to even.

    x (M, K) float32  ->  q (M, K) int8, scale (M,) float32, which is NaN for a row that has NaN or inf (its bytes mean
    nothing then). Raises ValueError unless x has two axes.
    """
    if x.ndim != 2:
        raise ValueError(f"quantize_rows: x has shape {x.shape}, needs (M, K)")
    if not compiled_for(x):
        return quantize_rows_twin(x.astype(f32, copy=False))
    rows, depth = x.shape
    size, _ = scratch_sizes(rows, depth)
    octets, scale = np.empty(size, np.uint8), np.empty(rows, f32)
    quantize(rows, depth, plain(x).reshape(-1), 0, depth, octets, scale)
    padded = octets[: size - OVERHANG].reshape(rows, (depth + 3) // 4 * 4)
    return (padded[:, :depth] - np.uint8(ZERO_POINT)).view(np.int8), scale


def pack_int8(weight):
    """A weight (Out, In) float32 in bytes, with a scale for each output channel.

    Raises ValueError for a weight that is not finite, or so long that a sum may overflow (In > 66,000).
    """
    if weight.ndim != 2 or not np.isfinite(weight).all():
        raise ValueError(f"pack_int8: weight {weight.shape} must have two axes (Out, In) and finite values")
    return pack_quantized(*quantize_rows(weight))


def pack_quantized(q, scale):
    """A weight q (Out, In) int8 with scale (Out,) float32, arranged for this CPU."""
    n_out, n_in = q.shape
    if q.dtype != np.int8 or scale.shape != (n_out,) or n_in > LONGEST:
        raise ValueError(
            f"pack_quantized: q {q.dtype} {q.shape} and scale {scale.shape} do not fit; needs int8 (Out, In), "
            f"In at most {LONGEST}, and (Out,)"
        )
    panels, steps = (n_out + PANEL - 1) // PANEL, (n_in + 3) // 4
    padded = np.zeros((panels * PANEL, steps * 4), np.int8)
    padded[:n_out, :n_in] = q
    tiles = aligned(padded.size, np.int8)
    tiles.reshape(panels, steps, PANEL, 4)[...] = padded.reshape(panels, PANEL, steps, 4).transpose(0, 2, 1, 3)
    scales = aligned(len(padded), f32)
    scales[:n_out], scales[n_out:] = scale, 0
    correction = aligned(len(padded), np.int32)
    correction[:] = -ZERO_POINT * padded.sum(axis=1, dtype=np.int32)
    return PackedInt8(tiles, scales, correction, (n_out, n_in))


def unpack_int8(packed):
    """The bytes and scales that were packed: q (Out, In) int8, scale (Out,) float32."""
    n_out, n_in = packed.shape
    panels, steps = len(packed.scale) // PANEL, (n_in + 3) // 4
    padded = packed.tiles.reshape(panels, steps, PANEL, 4).transpose(0, 2, 1, 3).reshape(panels * PANEL, steps * 4)
    return padded[:n_out, :n_in].copy(), packed.scale[:n_out].copy()


def linear_int8(x, packed, bias=None):
    """x @ weight.T + bias, where weight was packed by `pack_int8` and x is quantised row by row.

    x (..., In) float32, bias (Out,) float32 or None  ->  (..., Out) float32. A row with NaN or inf gives NaN.
    Raises ValueError for shapes that do not fit.
    """
    n_out, n_in = packed.shape
    if x.shape[-1:] != (n_in,) or (bias is not None and bias.shape != (n_out,)):
        raise ValueError(
            f"linear_int8: x {x.shape}, weight {packed.shape} and bias {None if bias is None else bias.shape} do not "
            "fit; needs (..., In), (Out, In) and (Out,)"
        )
    bias = np.zeros(n_out, f32) if bias is None else bias
    if not compiled_for(x, bias):
        return linear_int8_twin(x.astype(f32, copy=False), *unpack_int8(packed), bias.astype(f32, copy=False))
    rows = plain(x).reshape(math.prod(x.shape[:-1]), n_in)
    octets, scales = (np.empty(n, kind) for n, kind in zip(scratch_sizes(*rows.shape), (np.uint8, f32), strict=True))
    y = np.empty((len(rows), n_out), f32)
    quantize(len(rows), n_in, rows.reshape(-1), 0, n_in, octets, scales)
    multiply(len(rows), n_in, n_out, octets, scales, packed.tiles, packed.scale, packed.correction, plain(bias),
             y.reshape(-1), 0, n_out, False)  # fmt: skip
    return y.reshape(*x.shape[:-1], n_out)
