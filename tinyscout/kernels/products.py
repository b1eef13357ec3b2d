"""One name for the linear layers of a compiled forward: the type of the weights decides, when it is compiled, which
kernel serves them."""

from typing import NamedTuple

import numba.extending
import numpy as np

from tinyscout.kernels.gemm import multiply_packed
from tinyscout.kernels.int8 import multiply, quantize


class Panels(NamedTuple):
    """Float32 linear layers of one shape, one a layer of the model."""

    weight: np.ndarray  # (L, panels * depth * PANEL), as gemm.pack_weight lays it out
    bias: np.ndarray  # (L, columns)


class Int8Panels(NamedTuple):
    """Linear layers of one shape in bytes; the parts of an int8.PackedInt8, one a layer of the model."""

    tiles: np.ndarray
    scale: np.ndarray
    correction: np.ndarray
    bias: np.ndarray  # (L, columns) float32


def product(weights, layer, first, columns, rows, depth, x, x0, x_row, out, out0, out_row, add, scratch):
    """Columns first to first + columns of x @ the weights of `layer` + their bias, into out, or with `add` onto it.

    x and out are flat: where the first row starts, and how far rows are apart. first is a multiple of PANEL.
    """
    raise TypeError(f"product: has no kernel for weights of type {type(weights).__name__}")


@numba.extending.overload(product)
def _product(weights, layer, first, columns, rows, depth, x, x0, x_row, out, out0, out_row, add, scratch):
    def float32(weights, layer, first, columns, rows, depth, x, x0, x_row, out, out0, out_row, add, scratch):
        weight, bias = weights.weight[layer][first * depth :], weights.bias[layer][first:]
        multiply_packed(rows, depth, columns, x, x0, x_row, weight, bias, out, out0 + first, out_row, add)

    def int8(weights, layer, first, columns, rows, depth, x, x0, x_row, out, out0, out_row, add, scratch):
        tiles = weights.tiles[layer][first * ((depth + 3) // 4 * 4) :]
        scale, correction = weights.scale[layer][first:], weights.correction[layer][first:]
        quantize(rows, depth, x, x0, x_row, scratch.octets, scratch.scales)
        multiply(
            rows, depth, columns, scratch.octets, scratch.scales, tiles, scale, correction, weights.bias[layer][first:],
            out, out0 + first, out_row, add
        )  # fmt: skip

    return {Panels: float32, Int8Panels: int8}.get(getattr(weights, "instance_class", None))
