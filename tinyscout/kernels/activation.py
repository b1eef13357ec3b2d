"""GELU in its tanh form, forward and backward (Hendrycks and Gimpel 2016)."""

import math

import numpy as np

from tinyscout.kernels.jit import compiled_for, kernel, plain
from tinyscout.kernels.simd import LANES, fma, load_first, splat, store_first
from tinyscout.kernels.vmath import sigmoid_base_2

f32 = np.float32
SLOPE = math.sqrt(2 / math.pi)
CUBIC = 0.044715


def gelu_twin(x):
    """The same as `gelu` in plain NumPy."""
    return 0.5 * x * (1 + np.tanh(SLOPE * (x + CUBIC * x * x * x)))


def gelu_backward_twin(dy, x):
    """The same as `gelu_backward` in plain NumPy."""
    tanh = np.tanh(SLOPE * (x + CUBIC * x * x * x))
    inner = SLOPE * (1 + 3 * CUBIC * x * x)  # derivative of tanh's argument
    return dy * (0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * inner)


# 0.5 (1 + tanh u) = sigmoid(2u): one exp, to base 2 with log2(e) taken in, and one division instead of a tanh.
TWO_SLOPE = f32(2 * SLOPE)
IN_BASE_2, CUBIC_IN_BASE_2 = f32(2 * SLOPE * math.log2(math.e)), f32(2 * SLOPE * CUBIC * math.log2(math.e))
THREE_TWO_SLOPE_CUBIC = f32(3 * 2 * SLOPE * CUBIC)


@kernel
def share_below(x):
    """sigmoid(2u) of a vector of x: the share of the normal distribution below it."""
    return sigmoid_base_2(x * fma(x * x, splat(CUBIC_IN_BASE_2), splat(IN_BASE_2)))


@kernel
def gelu_and_slope(x):
    """GELU of a vector of x, and its derivative there."""
    s = share_below(x)
    y = x * s
    slope = fma(x * x, splat(THREE_TWO_SLOPE_CUBIC), splat(TWO_SLOPE))  # derivative of 2u
    return y, fma(y * (splat(f32(1)) - s), slope, s)


@kernel
def _forward(x, y):
    for j in range(0, x.size, LANES):
        v = load_first(x, j, x.size - j)
        store_first(y, j, x.size - j, v * share_below(v))


@kernel
def _backward(dy, x, dx):
    for j in range(0, x.size, LANES):
        _, slope = gelu_and_slope(load_first(x, j, x.size - j))
        store_first(dx, j, x.size - j, slope * load_first(dy, j, x.size - j))


def gelu(x):
    """x times the share of a normal distribution below x, by its tanh approximation.  Any shape."""
    if not compiled_for(x):
        return gelu_twin(x)
    y = np.empty(x.shape, f32)
    _forward(plain(x).reshape(-1), y.reshape(-1))
    return y


def gelu_backward(dy, x):
    """Gradient of `gelu` at x.  dy and x of one shape  ->  dx."""
    if dy.shape != x.shape:
        raise ValueError(f"gelu_backward: dy has shape {dy.shape}, needs that of x {x.shape}")
    if not compiled_for(dy, x):
        return gelu_backward_twin(dy, x)
    dx = np.empty(x.shape, f32)
    _backward(plain(dy).reshape(-1), plain(x).reshape(-1), dx.reshape(-1))
    return dx
