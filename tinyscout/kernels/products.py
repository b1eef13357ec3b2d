"""One name for the linear layers of a compiled forward: what type its weights have decides, when it is compiled."""

import numba.extending

from tinyscout.kernels.packed import Panels, linear_panels


def product(weights, layer, first, columns, rows, depth, x, x_row, out, out_row, scratch):
    """out[rows, first : first + columns] = x[rows, depth] @ the weights of `layer` + their bias.

    first is a multiple of PANEL, columns of LANES; x and out are flat, with room for rows up to a whole tile.
    """
    raise TypeError(f"product: has no kernel for weights of type {type(weights).__name__}")


@numba.extending.overload(product)
def _product(weights, layer, first, columns, rows, depth, x, x_row, out, out_row, scratch):
    if weights.instance_class is not Panels:
        return None

    def float32(weights, layer, first, columns, rows, depth, x, x_row, out, out_row, scratch):
        weight, bias = weights.weight[layer][first * depth :], weights.bias[layer][first:]
        linear_panels(rows, depth, columns, x, x_row, weight, bias, out[first:], out_row)

    return float32
