"""@op: turns a function of arrays that returns (array, backward) into an op on tensors.

The whole contract:
* inputs are positional and arrive as arrays; options are keyword-only and arrive untouched;
* backward(dy) returns one gradient for each input: an array, None where there is none, or a function without
  arguments that computes it (called only if that input wants a gradient);
* a gradient may have the broadcast shape: the engine sums it back to the input's;
* neither changes an array it was given, and backward closes over arrays, never over a tensor;
* the output has the inputs' dtype.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyscout.autograd import profiler
from tinyscout.autograd.graph import MODE, OPS, Leaf, Node, check_finite
from tinyscout.autograd.tensor import Tensor


def op(function: Callable[..., tuple[Any, Callable]]) -> Callable[..., Tensor]:
    """Register function in OPS under its name and return it as an op on tensors.

    Arrays and numbers among the inputs are constants, cast to the tensors' dtype. Raises TypeError when tensors of two
    dtypes meet, and puts the op's name in front of what NumPy says about shapes.
    """
    name = function.__name__
    taken = OPS.get(name)
    if taken is not None and taken.__module__ != function.__module__:
        raise ValueError(f"op: {taken.__module__} already defines an op named {name}; choose another name")
    n_inputs = _count_inputs(function)

    @functools.wraps(function)
    def apply(*inputs: Any, **options: Any) -> Tensor:
        arrays, edges, dtype, version = _unwrap(name, inputs)
        if len(arrays) < n_inputs:  # optional inputs that were left out
            arrays += [None] * (n_inputs - len(arrays))
            edges += [None] * (n_inputs - len(edges))
        shapes = [() if array is None else array.shape for array in arrays]
        try:
            if profiler.active:
                out, backward = profiler.call(name, function, arrays, options)
            else:
                out, backward = function(*arrays, **options)
        except (ValueError, TypeError, IndexError) as error:
            if str(error).startswith(name):
                raise
            given = ", ".join(map(str, shapes))
            kind = next(kind for kind in (ValueError, TypeError, IndexError) if isinstance(error, kind))
            raise kind(f"{name}: {error} (input shapes {given})") from error
        out = np.asarray(out)
        if dtype is not None and out.dtype != dtype:
            raise TypeError(f"{name}: inputs are {dtype} but the output is {out.dtype}; keep the dtype inside the op")
        if MODE.anomaly:
            check_finite(out, f"{name}: forward", shapes)
        result = Tensor.__new__(Tensor)
        result._array, result.node = out, None
        if MODE.grad and edges.count(None) < len(edges):
            result.node = Node(name, backward, edges, shapes, out.shape, version)
        return result

    OPS[name] = apply
    return apply


def _unwrap(name: str, inputs: tuple) -> tuple[list, list, np.dtype | None, int]:
    """Arrays of the inputs, their edges in the graph, the tensors' dtype, and the sum of the leaves' versions."""
    dtype, version = None, 0
    for x in inputs:
        if isinstance(x, Tensor):
            dtype = x._array.dtype
            break
    arrays, edges = [], []
    for x in inputs:
        if isinstance(x, Tensor):
            array, edge = x._array, x.node
            if array.dtype != dtype:
                raise TypeError(f"{name}: tensors of {dtype} and {array.dtype} can't be mixed; cast one")
            if isinstance(edge, Leaf):
                version += edge.version
        else:
            array, edge = None if x is None else np.asarray(x, dtype=dtype), None
        arrays.append(array)
        edges.append(edge)
    return arrays, edges, dtype, version


def _count_inputs(function: Callable) -> int:
    """Positional parameters of an op; 0 for *inputs. Raises TypeError when an option is not keyword-only."""
    count = 0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            count += 1
            if parameter.default not in (parameter.empty, None):
                raise TypeError(
                    f"op {function.__name__}: {parameter.name} is an option; make it keyword-only, after a *"
                )
    return count
