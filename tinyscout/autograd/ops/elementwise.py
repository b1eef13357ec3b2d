"""Ops that work on one element at a time, broadcasting as NumPy does; the engine undoes the broadcast in backward."""

import numpy as np

from tinyscout.autograd.op import op


@op
def add(x, y):
    """x + y."""
    return x + y, lambda dy: (dy, dy)


@op
def sub(x, y):
    """x - y."""
    return x - y, lambda dy: (dy, lambda: -dy)


@op
def mul(x, y):
    """x * y."""
    return x * y, lambda dy: (lambda: dy * y, lambda: dy * x)


@op
def div(x, y):
    """x / y."""
    out = x / y
    return out, lambda dy: (lambda: dy / y, lambda: -dy * out / y)


@op
def neg(x):
    """-x."""
    return -x, lambda dy: (-dy,)


@op
def power(x, *, exponent):
    """x ** exponent for a constant exponent; the gradient at 0 is 0 for an exponent of 0, as in PyTorch."""

    def backward(dy):
        if exponent == 0:
            return (np.zeros_like(dy),)
        return (dy * exponent * x ** (exponent - 1),)

    return x**exponent, backward


@op
def exp(x):
    """e to the x."""
    out = np.exp(x)
    return out, lambda dy: (dy * out,)


@op
def log(x):
    """Natural logarithm."""
    return np.log(x), lambda dy: (dy / x,)


@op
def sqrt(x):
    """Square root; its gradient at 0 is infinite."""
    out = np.sqrt(x)
    return out, lambda dy: (dy / (2 * out),)


@op
def tanh(x):
    """Hyperbolic tangent."""
    out = np.tanh(x)
    return out, lambda dy: (dy * (1 - out * out),)


@op
def sigmoid(x):
    """1 / (1 + e^-x), by the form that can't overflow on either side."""
    small = np.exp(-np.abs(x))  # in (0, 1]
    out = np.where(x >= 0, 1, small) / (1 + small)
    return out, lambda dy: (dy * out * (1 - out),)


@op
def relu(x):
    """max(x, 0); the gradient at 0 is 0."""
    return np.maximum(x, 0), lambda dy: (dy * (x > 0),)


@op
def abs(x):
    """Absolute value; the gradient at 0 is 0."""
    return np.abs(x), lambda dy: (dy * np.sign(x),)


@op
def maximum(x, y):
    """The larger of x and y; a tie sends half of the gradient to each."""
    out = np.maximum(x, y)
    return out, lambda dy: _to_winner(dy, x > y, x == y)


@op
def minimum(x, y):
    """The smaller of x and y; a tie sends half of the gradient to each."""
    out = np.minimum(x, y)
    return out, lambda dy: _to_winner(dy, x < y, x == y)


def _to_winner(dy, first_wins, tie):
    first = dy * first_wins + dy * tie * 0.5
    return first, dy - first


@op
def where(x, y, *, condition):
    """x where condition holds, y elsewhere. condition: boolean array that broadcasts with both."""
    condition = np.asarray(condition, dtype=bool)
    zero = np.zeros((), dtype=np.result_type(x, y))
    return np.where(condition, x, y), lambda dy: (np.where(condition, dy, zero), np.where(condition, zero, dy))


@op
def clip(x, *, low=None, high=None):
    """x held between low and high; no gradient outside."""
    out = np.clip(x, low, high)
    return out, lambda dy: (dy * (out == x),)


@op
def dropout(x, *, p, rng):
    """Zero each element with probability p and divide the rest by 1 - p, so that the mean stays; see dropout_mask."""
    kept = dropout_mask(x.shape, x.dtype, p=p, rng=rng)
    return x * kept, lambda dy: (dy * kept,)


def dropout_mask(shape, dtype, *, p, rng):
    """What dropout multiplies by: 0 with probability p, else 1 / (1 - p).

    p is taken to the nearest 1/65536. rng: np.random.Generator; two bytes are drawn for each element, which takes half
    as long as a float.
    """
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p is {p}, needs 0 <= p < 1")
    threshold = min(round(p * 65536), 65535)
    kept = rng.integers(0, 65536, shape, dtype=np.uint16) >= threshold
    return kept * np.dtype(dtype).type(65536 / (65536 - threshold))
