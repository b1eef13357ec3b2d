"""Layer norm, GELU and embedding: several small steps in one op, with a backward written as one formula.

In float32 the same formulas run as compiled kernels that pass over memory once; float64, which gradient checks use,
keeps the lines to read.
"""

import functools
import math

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def layer_norm(x, gain, bias, *, eps=1e-5):
    """Standardise the last axis, then scale and shift it (Ba et al. 2016, eq. 4).

    x (..., D), gain (D,), bias (D,)  ->  (..., D)
    """
    for what, array in (("gain", gain), ("bias", bias)):
        if array.shape != x.shape[-1:]:
            raise ValueError(
                f"layer_norm: {what} has shape {array.shape}, needs {x.shape[-1:]} "
                f"to match the last axis of x {x.shape}"
            )
    if x.dtype == np.float32:
        y, means, rstds = kernels.layer_norm(x, gain, bias, eps=eps)
        return y, lambda dy: kernels.layer_norm_backward(dy, x, gain, means, rstds)
    mean = x.mean(axis=-1, keepdims=True)  # (..., 1)
    rstd = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., 1)
    xhat = (x - mean) * rstd  # (..., D)

    def backward(dy):  # dy (..., D)
        dxhat = dy * gain
        # mean and variance moved with x too: remove what they absorb of dxhat,
        # its average and its component along xhat.
        along = (dxhat * xhat).mean(axis=-1, keepdims=True)
        dx = rstd * (dxhat - dxhat.mean(axis=-1, keepdims=True) - along * xhat)
        return dx, dy * xhat, dy  # the engine sums these to (D,) for gain and bias

    return gain * xhat + bias, backward


@op
def gelu(x):
    """x * Phi(x) by the tanh approximation (Hendrycks and Gimpel 2016, section 2)."""
    if x.dtype == np.float32:
        return kernels.gelu(x), lambda dy: (kernels.gelu_backward(dy, x),)
    root = math.sqrt(2 / math.pi)
    t = np.tanh(root * (x + 0.044715 * x * x * x))

    def backward(dy):
        inner = root * (1 + 3 * 0.044715 * x * x)  # d(argument of tanh)/dx
        return (dy * 0.5 * (1 + t + x * (1 - t * t) * inner),)

    return 0.5 * x * (1 + t), backward


@op
def embedding(table, scale=None, *, ids):
    """Row ids of table, each times its scale where one is given.

    table (V, D), ids (...) integers in [0, V), scale (...) or None  ->  (..., D)
    """
    ids = np.asarray(ids)
    _check_ids("embedding", ids, table)
    if scale is not None and scale.shape != ids.shape:
        raise ValueError(f"embedding: scale has shape {scale.shape}, needs {ids.shape}, one number for each id")
    rows = table[ids]

    def backward(dy):
        return lambda: _scattered(dy, table, ids, scale), lambda: (dy * rows).sum(axis=-1)

    return rows if scale is None else rows * scale[..., None], backward


@op
def add_embeddings(x, *tables, ids, scales):
    """x plus a row of each table, the sum of several embeddings in one go.

    x (..., D), tables (V, D) each; ids and scales: for each table integers (...) in [0, V), and the constants (...) its
    rows are multiplied by, None for 1  ->  (..., D)
    """
    if not len(tables) == len(ids) == len(scales):
        raise ValueError(
            f"add_embeddings: {len(tables)} tables, {len(ids)} ids and {len(scales)} scales; needs as many"
        )
    places = [np.broadcast_to(i, x.shape[:-1]) for i in ids]
    factors = [None if s is None else np.broadcast_to(np.asarray(s, x.dtype), x.shape[:-1]) for s in scales]
    out = None
    for table, at, factor in zip(tables, places, factors, strict=True):
        _check_ids("add_embeddings", at, table)
        out = kernels.gather_add(x if out is None else out, table, at, values=factor, out=out)

    def backward(dy):
        return dy, *(functools.partial(_scattered, dy, *term) for term in zip(tables, places, factors, strict=True))

    return out, backward


def _scattered(dy, table, ids, scale):
    """The gradient of a table from that of its rows."""
    if table.dtype == np.float32:
        return kernels.scatter_add(ids, dy, len(table), values=scale)
    dtable = np.zeros_like(table)
    np.add.at(dtable, ids, dy if scale is None else dy * scale[..., None])
    return dtable


def _check_ids(name, ids, table):
    if ids.size and not (ids.min() >= 0 and ids.max() < len(table)):
        at = tuple(int(i) for i in np.argwhere((ids < 0) | (ids >= len(table)))[0])
        raise IndexError(f"{name}: id {ids[at]} at {at} is outside the table of {len(table)} rows")
