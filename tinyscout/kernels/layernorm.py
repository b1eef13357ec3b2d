"""Layer normalisation over the last axis, forward and backward (Ba, Kiros and Hinton 2016)."""

import numpy as np

from tinyscout.kernels.jit import as_rows, compiled_for, kernel, plain

f32 = np.float32


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
def _forward_row(x, gain, bias, y, eps):
    width = x.size
    total = f32(0)
    for j in range(width):
        total += x[j]
    mean = total / f32(width)
    square = f32(0)
    for j in range(width):
        centred = x[j] - mean
        square += centred * centred
    rstd = f32(1) / np.sqrt(square / f32(width) + eps)
    for j in range(width):
        y[j] = (x[j] - mean) * rstd * gain[j] + bias[j]
    return mean, rstd


@kernel
def _forward(x, gain, bias, y, mean, rstd, eps):
    for i in range(x.shape[0]):
        mean[i], rstd[i] = _forward_row(x[i], gain, bias, y[i], eps)


@kernel
def _backward_row(dy, x, gain, mean, rstd, dx, dgain, dbias):
    width = x.size
    total = f32(0)
    along = f32(0)
    for j in range(width):
        xhat = (x[j] - mean) * rstd
        dxhat = dy[j] * gain[j]
        total += dxhat
        along += dxhat * xhat
        dgain[j] += dy[j] * xhat
        dbias[j] += dy[j]
    total /= f32(width)
    along /= f32(width)
    for j in range(width):
        dx[j] = rstd * (dy[j] * gain[j] - total - (x[j] - mean) * rstd * along)


@kernel
def _backward(dy, x, gain, mean, rstd, dx, dgain, dbias):
    for i in range(x.shape[0]):
        _backward_row(dy[i], x[i], gain, mean[i], rstd[i], dx[i], dgain, dbias)


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
