"""Ops that move elements without changing them. Reshape, transpose and a slice are views: they cost no copy."""

import numpy as np

from tinyscout.autograd.op import op


@op
def reshape(x, *, shape):
    """The same elements in another shape; one axis may be -1."""
    return x.reshape(shape), lambda dy: (dy.reshape(x.shape),)


@op
def transpose(x, *, axes=None):
    """Axes in another order; reversed when None."""
    if axes is None:
        return x.transpose(), lambda dy: (dy.transpose(),)
    back = np.argsort(axes)
    return x.transpose(axes), lambda dy: (dy.transpose(back),)


@op
def concat(*arrays, axis=0):
    """Arrays one after the other along an axis they have."""
    ends = np.cumsum([x.shape[axis] for x in arrays])[:-1]
    return np.concatenate(arrays, axis=axis), lambda dy: np.split(dy, ends, axis=axis)


@op
def stack(*arrays, axis=0):
    """Arrays of one shape along a new axis."""
    return np.stack(arrays, axis=axis), lambda dy: tuple(np.moveaxis(dy, axis, 0))


@op
def index(x, *, key):
    """x[key] for any key NumPy takes: a slice, integers, an array of indices, a mask."""

    def backward(dy):
        dx = np.zeros_like(x)
        if _may_repeat(key):
            np.add.at(dx, key, dy)
        else:
            dx[key] = dy
        return (dx,)

    return x[key], backward


def _may_repeat(key):
    """Whether key can name one element twice, so that its gradients must be added up."""
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, list | np.ndarray) and np.asarray(part).dtype != bool for part in parts)


@op
def take_along(x, *, indices, axis=-1):
    """One element (or more) of each row along axis, as np.take_along_axis: x (N, V), indices (N, 1)  ->  (N, 1)."""

    def backward(dy):
        dx = np.zeros_like(x)
        # subtle: add.at with open grids for the other axes, because an index may come twice in a row
        grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
        grid[axis] = indices
        np.add.at(dx, tuple(grid), dy)
        return (dx,)

    return np.take_along_axis(x, indices, axis=axis), backward


@op
def pad(x, *, widths, value=0.0):
    """Put value around x. widths: (before, after) for each axis."""
    inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))
    return np.pad(x, widths, constant_values=value), lambda dy: (dy[inside],)
