"""The MLP branch of a pre-norm layer, x + down(gelu(up(layer_norm(x)))), block by block, forward and backward.

Only what goes into GELU is kept for the backward; GELU and the normalised rows cost less to compute again than to
bring back from memory.
"""

import numpy as np

from tinyscout.kernels.activation import gelu, gelu_and_slope, gelu_backward, share_below
from tinyscout.kernels.affine import linear, linear_backward_input, linear_backward_weight
from tinyscout.kernels.arena import scratch
from tinyscout.kernels.branch import (
    ROWS,
    add_branch,
    add_rows,
    add_weight_gradient,
    fits_cache,
    measure,
    norm_backward,
    normalise,
    product,
    rows_kept,
    stride_of,
    take_cotangent,
)
from tinyscout.kernels.gemm import pack, packed_size
from tinyscout.kernels.jit import as_rows, compiled_for, kernel, plain
from tinyscout.kernels.layernorm import layer_norm, layer_norm_backward
from tinyscout.kernels.simd import LANES, load, store

f32 = np.float32


def mlp_branch_twin(x, gain, shift, up, up_bias, down, down_bias, *, kept=None, eps=1e-5):
    """The same as `mlp_branch`, one step at a time."""
    normed, mean, rstd = layer_norm(x, gain, shift, eps=eps)
    u = linear(normed, up, up_bias)  # (..., H)
    branch = linear(gelu(u), down, down_bias)
    return x + (branch if kept is None else branch * kept), (mean, rstd, u)


def mlp_branch_backward_twin(dy, x, gain, shift, up, down, saved, *, kept=None, frozen=False):
    """The same as `mlp_branch_backward`, one step at a time."""
    mean, rstd, u = saved
    dbranch = dy if kept is None else dy * kept
    du = gelu_backward(linear_backward_input(dbranch, down), u)
    dx, dgain, dshift = layer_norm_backward(linear_backward_input(du, up), x, gain, mean, rstd)
    dx += dy
    if frozen:
        return dx, None, None, None, None, None, None
    normed = (x - mean[..., None]) * rstd[..., None] * gain + shift
    return dx, dgain, dshift, *linear_backward_weight(du, normed), *linear_backward_weight(dbranch, gelu(u))


@kernel
def _gelu(rows, width, h, u, u0):
    """In scratch h: u to gelu(u); u itself goes to rows of `width` from u0 on."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            v = load(h, i * row + j)
            store(u, u0 + i * width + j, v)
            store(h, i * row + j, v * share_below(v))


@kernel
def _gelu_backward(rows, width, u, u0, h, dh):
    """In scratch: h = gelu(u), and dh from its cotangent to that of u."""
    row = stride_of(width)
    for i in range(rows):
        for j in range(0, width, LANES):
            y, slope = gelu_and_slope(load(u, u0 + i * width + j))
            store(h, i * row + j, y)
            store(dh, i * row + j, slope * load(dh, i * row + j))


@kernel
def _forward(x, gain, shift, up, up_bias, down, down_bias, kept, eps, y, mean, rstd, u):
    rows, width = x.shape
    hidden = up_bias.size
    x, y, u, kept = x.reshape(-1), y.reshape(-1), u.reshape(-1), kept.reshape(-1)
    up_packed, down_packed = scratch(packed_size(width, hidden)), scratch(packed_size(hidden, width))
    pack(up.reshape(-1), 1, width, width, hidden, up_packed)
    pack(down.reshape(-1), 1, hidden, hidden, width, down_packed)
    narrow, h = scratch(ROWS * stride_of(width)), scratch(ROWS * stride_of(hidden))
    for r in range(0, rows, ROWS):
        n, x0 = min(ROWS, rows - r), r * width
        measure(n, width, x, x0, eps, mean[r:], rstd[r:])
        normalise(n, width, x, x0, gain, shift, mean[r:], rstd[r:], narrow)
        product(n, width, hidden, narrow, up_packed, up_bias, h)
        _gelu(n, hidden, h, u, r * hidden)
        product(n, hidden, width, h, down_packed, down_bias, narrow)
        add_branch(n, width, x, x0, narrow, kept, y)


@kernel
def _backward(dy, x, gain, shift, up, down, kept, mean, rstd, u, frozen, dx, dgain, dshift, dup, dup_bias, ddown,
              ddown_bias):  # fmt: skip
    rows, width = x.shape
    hidden = len(up)
    dy, x, u, kept, dx = dy.reshape(-1), x.reshape(-1), u.reshape(-1), kept.reshape(-1), dx.reshape(-1)
    up_packed, down_packed = scratch(packed_size(hidden, width)), scratch(packed_size(width, hidden))
    pack(up.reshape(-1), width, 1, hidden, width, up_packed)
    pack(down.reshape(-1), hidden, 1, width, hidden, down_packed)
    normed, dbranch = scratch(ROWS * stride_of(width)), scratch(ROWS * stride_of(width))
    h, dh, no_bias = scratch(ROWS * stride_of(hidden)), scratch(ROWS * stride_of(hidden)), np.empty(0, np.float32)
    for r in range(0, rows, ROWS):
        n, x0 = min(ROWS, rows - r), r * width
        take_cotangent(n, width, dy, x0, kept, dbranch)
        product(n, width, hidden, dbranch, down_packed, no_bias, dh)
        _gelu_backward(n, hidden, u, r * hidden, h, dh)
        if not frozen:
            normalise(n, width, x, x0, gain, shift, mean[r:], rstd[r:], normed)
            add_rows(n, width, dbranch, ddown_bias)
            add_weight_gradient(n, width, hidden, dbranch, h, ddown.reshape(-1))
            add_rows(n, hidden, dh, dup_bias)
            add_weight_gradient(n, hidden, width, dh, normed, dup.reshape(-1))
        product(n, hidden, width, dh, up_packed, no_bias, dbranch)
        norm_backward(n, width, dbranch, dy, x, x0, gain, mean[r:], rstd[r:], dx, dgain, dshift)


def mlp_branch(x, gain, shift, up, up_bias, down, down_bias, *, kept=None, eps=1e-5):
    """x + kept * (gelu(layer_norm(x, gain, shift) @ up.T + up_bias) @ down.T + down_bias).

    x (..., D), gain and shift (D,), up (H, D), up_bias (H,), down (D, H), down_bias (D,); kept: what dropout multiplies
    the branch by, as x, or None  ->  y (..., D), and what the backward needs. Raises ValueError for shapes that do not
    fit.
    """
    _check("mlp_branch", x, gain, shift, up, up_bias, down, down_bias, kept)
    arrays = [a for a in (x, gain, shift, up, up_bias, down, down_bias, kept) if a is not None]
    if not (compiled_for(*arrays) and x.size and fits_cache(up, down)):
        return mlp_branch_twin(x, gain, shift, up, up_bias, down, down_bias, kept=kept, eps=eps)
    rows = as_rows(x)  # (N, D)
    y, mean, rstd = np.empty_like(rows), np.empty(len(rows), f32), np.empty(len(rows), f32)
    u = np.empty((len(rows), len(up)), f32)
    weights = [plain(w) for w in (gain, shift, up, up_bias, down, down_bias)]
    _forward(rows, *weights, rows_kept(kept, rows.shape[1]), f32(eps), y, mean, rstd, u)
    return y.reshape(x.shape), tuple(a.reshape((*x.shape[:-1], *a.shape[1:])) for a in (mean, rstd, u))


def mlp_branch_backward(dy, x, gain, shift, up, down, saved, *, kept=None, frozen=False):
    """Gradients of `mlp_branch`, given what it returned beside y.

    dy (..., D)  ->  dx (..., D), dgain, dshift, dup, dup_bias, ddown, ddown_bias; with frozen, None for all but dx.
    """
    if dy.shape != x.shape:
        raise ValueError(f"mlp_branch_backward: dy has shape {dy.shape}, needs that of x {x.shape}")
    arrays = [a for a in (dy, x, gain, shift, up, down, kept) if a is not None]
    if not (compiled_for(*arrays) and x.size and fits_cache(up, down)):
        return mlp_branch_backward_twin(dy, x, gain, shift, up, down, saved, kept=kept, frozen=frozen)
    rows, (mean, rstd, u) = as_rows(x), saved
    dx, weights = np.empty_like(rows), [plain(w) for w in (gain, shift, up, down)]
    shapes = gain.shape, gain.shape, up.shape, up.shape[:1], down.shape, down.shape[:1]
    gradients = [np.zeros(shape, f32) for shape in shapes]
    flat = mean.reshape(-1), rstd.reshape(-1), u.reshape(-1)
    _backward(as_rows(dy), rows, *weights, rows_kept(kept, rows.shape[1]), *flat, frozen, dx, *gradients)
    return dx.reshape(x.shape), *([None] * len(gradients) if frozen else gradients)


def _check(name, x, gain, shift, up, up_bias, down, down_bias, kept):
    width, hidden = x.shape[-1], len(up)
    wanted = {
        "gain": (gain, (width,)),
        "shift": (shift, (width,)),
        "up": (up, (hidden, width)),
        "up_bias": (up_bias, (hidden,)),
        "down": (down, (width, hidden)),
        "down_bias": (down_bias, (width,)),
        "kept": (kept, x.shape),
    }
    for what, (array, shape) in wanted.items():
        if array is not None and array.shape != shape:
            raise ValueError(f"{name}: {what} has shape {array.shape}, needs {shape} for x {x.shape}")
