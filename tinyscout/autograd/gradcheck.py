"""Check a backward against differences of the forward: the test that every op in OPS has to pass.

In float64, for every element, against a random cotangent. Summing the output instead would hide errors: through a sum
the true gradient of softmax or layer norm is zero.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinyscout.autograd.graph import no_grad
from tinyscout.autograd.tensor import Tensor

STEP = 1e-5
"""Half-width of the central difference: truncation and rounding both stay near 1e-10 for values around 1."""


class GradientError(AssertionError):
    """A gradient differs from the one found by differences."""


def gradcheck(function: Callable[..., Tensor], *inputs: Any, tolerance: float = 1e-6, seed: int = 0) -> None:
    """Compare the gradient of function at inputs, element by element, with central differences.

    function: takes one Tensor for each input, gives a Tensor, and gives the same one when called again.
    inputs: arrays or tensors, taken as float64. tolerance: on |got - expected| / max(1, |expected|).
    Raises GradientError naming the op, the argument, the index, and both values.
    """
    rng = np.random.default_rng(seed)
    arrays = [np.array(x.data if isinstance(x, Tensor) else x, dtype=np.float64) for x in inputs]
    tensors = [Tensor(array, requires_grad=True) for array in arrays]
    out = function(*tensors)
    made_by = getattr(out.node, "name", "") or getattr(function, "__name__", "function")
    cotangent = rng.standard_normal(out.shape)
    out.backward(cotangent)

    def value() -> float:
        return float((function(*tensors).data * cotangent).sum())

    for argument, tensor in enumerate(tensors):
        got = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
        for where in np.ndindex(tensor.shape):
            expected = _slope(value, [(tensor, _unit(tensor, where))])
            if not abs(got[where] - expected) <= tolerance * max(1.0, abs(expected)):
                raise GradientError(
                    f"{made_by}: argument {argument}, index {where}: backward gives {got[where]:.10g}, "
                    f"differences give {expected:.10g} (tolerance {tolerance:g}); "
                    f"inputs {', '.join(_describe(t) for t in tensors)}; cotangent seed {seed}"
                )


def gradcheck_direction(
    function: Callable[[], Tensor], parameters: Iterable[Tensor], *, tolerance: float = 1e-6, seed: int = 0
) -> None:
    """Compare the gradient of a whole model along one random direction through all its parameters.

    function: no arguments, gives one number (a loss), the same each time. parameters: float64 leaves, put back after.
    Costs three forwards however many parameters there are. Raises GradientError with both slopes.
    """
    leaves = list(parameters)
    rng = np.random.default_rng(seed)
    for i, leaf in enumerate(leaves):
        if leaf.dtype != np.float64:
            raise TypeError(f"gradcheck_direction: parameter {i} of shape {leaf.shape} is {leaf.dtype}, needs float64")
        leaf.grad = None
    directions = [rng.standard_normal(leaf.shape) for leaf in leaves]
    function().backward()
    got = sum(float((leaf.grad * d).sum()) for leaf, d in zip(leaves, directions, strict=True) if leaf.grad is not None)
    norm = math.sqrt(sum(float(np.square(d).sum()) for d in directions))
    unit = [d / norm for d in directions]  # one STEP for all parameters together, or curvature drowns the slope
    expected = norm * _slope(lambda: function().item(), list(zip(leaves, unit, strict=True)))
    if not abs(got - expected) <= tolerance * max(1.0, abs(expected)):
        raise GradientError(
            f"along one direction through {len(leaves)} parameters: backward gives {got:.10g}, "
            f"differences give {expected:.10g} (tolerance {tolerance:g}, seed {seed})"
        )


def _slope(value: Callable[[], float], moves: list[tuple[Tensor, np.ndarray]]) -> float:
    """Central difference of value() when each tensor moves along its direction; the tensors are put back."""
    before = [tensor.numpy() for tensor, _ in moves]
    sides = []
    with no_grad():
        for sign in (1, -1):
            for (tensor, direction), start in zip(moves, before, strict=True):
                tensor.data[...] = start + sign * STEP * direction
            sides.append(value())
        for (tensor, _), start in zip(moves, before, strict=True):
            tensor.data[...] = start
    return (sides[0] - sides[1]) / (2 * STEP)


def _unit(tensor: Tensor, where: tuple[int, ...]) -> np.ndarray:
    direction = np.zeros(tensor.shape)
    direction[where] = 1
    return direction


def _describe(tensor: Tensor) -> str:
    shown = np.array2string(tensor.data, precision=4, threshold=8, edgeitems=2).replace("\n", "")
    return f"{tensor.shape} {shown}"
