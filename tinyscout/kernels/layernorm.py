"""Layer normalisation over the last axis, forward and backward (Ba, Kiros and Hinton 2016)."""

import numpy as np

from tinyscout.kernels.jit import as_rows, compiled_for, kernel, plain
from tinyscout.kernels.simd import LANES, first_of, fma, load_first, splat, store_first, sum_of

f32 = np.float32
ZERO = f32(0)


def layer_norm_twin(x, gain, bias, *, eps=1e-5):
    """The same as `layer_norm` in plain NumPy."""
    mean = x.mean(axis=-1)  # (...)
    centred = x - mean[..., None]  # (..., D)
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1) + x.dtype.type(eps))  # (...)
    return gain * (centred * rstd[..., None]) + bias, mean, rstd


def layer_norm_backward_twin(dy, x, gain, mean, rstd):
    """The same as `layer_norm_backward` in plain NumPy."""
    xhat = (x - mean[..., None]) * rstd[..., None]  # (..., D)
    dxhat = dy * gain
    # Mean and variance moved with x too: remove what they absorb of dxhat, its average and its component along xhat.
    along = (dxhat * xhat).mean(axis=-1, keepdims=True)
    dx = rstd[..., None] * (dxhat - dxhat.mean(axis=-1, keepdims=True) - along * xhat)
    leading = tuple(range(x.ndim - 1))
    return dx, (dy * xhat).sum(axis=leading), dy.sum(axis=leading)


@kernel
def _forward(x, gain, bias, y, mean, rstd, eps):
    rows, width = x.shape
    x, y = x.reshape(-1), y.reshape(-1)
    share = f32(1) / f32(width)
    for i in range(rows):
        at = i * width
        total = splat(ZERO)
        for j in range(0, width, LANES):
            total = total + load_first(x, at + j, width - j)
        mean[i] = sum_of(total) * share
        square = splat(ZERO)
        for j in range(0, width, LANES):
            centred = load_first(x, at + j, width - j) - splat(mean[i])
            square = first_of(fma(centred, centred, square), width - j, square)
        rstd[i] = f32(1) / np.sqrt(sum_of(square) * share + eps)
        for j in range(0, width, LANES):
            xhat = (load_first(x, at + j, width - j) - splat(mean[i])) * splat(rstd[i])
            scaled = fma(xhat, load_first(gain, j, width - j), load_first(bias, j, width - j))
            store_first(y, at + j, width - j, scaled)


@kernel
def _backward(dy, x, gain, mean, rstd, dx, dgain, dbias):
    rows, width = x.shape
    dy, x, dx = dy.reshape(-1), x.reshape(-1), dx.reshape(-1)
    share = f32(1) / f32(width)
    for i in range(rows):
        at, m, r = i * width, splat(mean[i]), splat(rstd[i])
        total, along = splat(ZERO), splat(ZERO)
        for j in range(0, width, LANES):
            n = width - j
            d = load_first(dy, at + j, n)
            xhat = (load_first(x, at + j, n) - m) * r
            dxhat = d * load_first(gain, j, n)
            total = total + dxhat
            along = fma(dxhat, xhat, along)
            store_first(dgain, j, n, fma(d, xhat, load_first(dgain, j, n)))
            store_first(dbias, j, n, load_first(dbias, j, n) + d)
        total, along = splat(sum_of(total) * share), splat(sum_of(along) * share)
        for j in range(0, width, LANES):
            n = width - j
            xhat = (load_first(x, at + j, n) - m) * r
            dxhat = load_first(dy, at + j, n) * load_first(gain, j, n)
            store_first(dx, at + j, n, r * (dxhat - total - along * xhat))


def layer_norm(x, gain, bias, *, eps=1e-5):
    """Standardise the last axis, then scale and shift it.

    x (..., D), gain (D,), bias (D,)  ->  y (..., D), mean (...), rstd (...), the last two for the backward.
    Raises ValueError when gain or bias does not match D.
    """
    _check_width("layer_norm", x, gain=gain, bias=bias)
    if not compiled_for(x, gain, bias):
        return layer_norm_twin(x, gain, bias, eps=eps)
    rows = as_rows(x)  # (N, D)
    y = np.empty_like(rows)
    mean, rstd = np.empty(len(rows), f32), np.empty(len(rows), f32)
    _forward(rows, plain(gain), plain(bias), y, mean, rstd, f32(eps))
    return y.reshape(x.shape), mean.reshape(x.shape[:-1]), rstd.reshape(x.shape[:-1])


def layer_norm_backward(dy, x, gain, mean, rstd):
    """Gradients of `layer_norm`, given what it returned.

    dy (..., D), x (..., D), gain (D,), mean (...), rstd (...)  ->  dx (..., D), dgain (D,), dbias (D,).
    """
    _check_width("layer_norm_backward", x, gain=gain)
    if dy.shape != x.shape or mean.shape != x.shape[:-1] or rstd.shape != mean.shape:
        raise ValueError(
            f"layer_norm_backward: dy {dy.shape}, mean {mean.shape} and rstd {rstd.shape} do not belong "
            f"to x {x.shape}; pass what layer_norm returned for this x"
        )
    if not compiled_for(dy, x, gain, mean, rstd):
        return layer_norm_backward_twin(dy, x, gain, mean, rstd)
    rows = as_rows(x)  # (N, D)
    dx, dgain, dbias = np.empty_like(rows), np.zeros_like(gain), np.zeros_like(gain)
    _backward(as_rows(dy), rows, plain(gain), plain(mean).reshape(-1), plain(rstd).reshape(-1), dx, dgain, dbias)
    return dx.reshape(x.shape), dgain, dbias


def _check_width(name, x, **vectors):
    for what, vector in vectors.items():
        if vector.shape != x.shape[-1:]:
            raise ValueError(
                f"{name}: {what} has shape {vector.shape}, needs {x.shape[-1:]} to match the last axis of x {x.shape}"
            )
