"""Tensor: a NumPy array that remembers which op made it, so that backward() can give its gradient.

Only tensors made with requires_grad=True (parameters, inputs under study) keep a gradient; what ops return keeps
one after retain_grad().
"""

import numbers
from typing import Any

import numpy as np

from tinyscout.autograd.graph import MODE, OPS, Leaf, Node, walk_backward

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Tensor:
    """An array of float32 or float64 with a place in the graph.

    data: a float32 or float64 array is kept as it is, neither copied nor cast; anything else becomes float32.
    requires_grad: collect gradients in .grad when backward() is called on something computed from this tensor.
    """

    __slots__ = ("_array", "node")
    __array_ufunc__ = None  # so that `ndarray * tensor` comes to __rmul__ instead of an object array

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is already a Tensor; pass tensor.data, or tensor.detach() to share its array")
        array = np.asarray(data)
        if array.dtype not in _FLOATS or not isinstance(data, np.ndarray | np.generic):
            array = array.astype(np.float32)
        self._array: np.ndarray = array
        self.node: Node | Leaf | None = Leaf(array.shape) if requires_grad else None

    # -- what it holds

    @property
    def data(self) -> np.ndarray:
        """The array itself; read-only when an op made it, because backward may still need those numbers."""
        if isinstance(self.node, Node):
            view = self._array.view()
            view.flags.writeable = False
            return view
        return self._array

    @data.setter
    def data(self, array: np.ndarray) -> None:  # also reached by `p.data -= step`, after the in-place change
        if isinstance(self.node, Node):
            raise TypeError(f"Tensor: the data of {self.node.name}'s output can't be replaced; use detach() first")
        self._array = array
        self.mark_changed()

    def mark_changed(self) -> None:
        """Tell the graph that the data was written in place, so that an older graph refuses to go backward."""
        if isinstance(self.node, Leaf):
            self.node.version += 1

    @property
    def grad(self) -> np.ndarray | None:
        """Gradient collected by backward(), same shape as data; None before."""
        return None if self.node is None else self.node.grad

    @grad.setter
    def grad(self, grad: np.ndarray | None) -> None:
        if self.node is None:
            raise TypeError("Tensor: no gradient can be set on a constant; make it with requires_grad=True")
        self.node.grad = grad

    @property
    def name(self) -> str:
        """What messages and drawings call this tensor: its op, or the name given to a leaf."""
        return "" if self.node is None else self.node.name

    @name.setter
    def name(self, name: str) -> None:
        if not isinstance(self.node, Leaf):
            raise TypeError("Tensor: only a tensor made with requires_grad=True can be named")
        self.node.name = name

    @property
    def requires_grad(self) -> bool:
        return self.node is not None

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        return self._array.size

    @property
    def dtype(self) -> np.dtype:
        return self._array.dtype

    def numpy(self) -> np.ndarray:
        """A copy of the data, free to be changed."""
        return self._array.copy()

    def item(self) -> float:
        """The only element, as a Python float. Raises ValueError when there are more."""
        return float(self._array.item())

    def detach(self) -> "Tensor":
        """The same array as a constant: no gradient goes back through it."""
        return Tensor(self._array)

    # -- gradients

    def backward(self, dy: Any = None) -> None:
        """Add d(self . dy)/d(leaf) to the .grad of every leaf this tensor was computed from.

        dy: cotangent of the shape of self; may be left out for a single number, where it is 1.
        """
        if self.node is None:
            raise RuntimeError("backward: this tensor doesn't depend on anything with requires_grad=True")
        if dy is None:
            if self._array.size != 1:
                raise ValueError(
                    f"backward: a tensor of shape {self.shape} needs a cotangent of that shape; "
                    "pass one, or reduce to one number with .mean()"
                )
            dy = np.ones_like(self._array)
        dy = np.asarray(dy._array if isinstance(dy, Tensor) else dy, dtype=self.dtype)
        if dy.shape != self.shape:
            raise ValueError(f"backward: cotangent has shape {dy.shape}, needs {self.shape} as the tensor")
        walk_backward(self.node, dy)

    def retain_grad(self) -> "Tensor":
        """Keep the gradient of an op's output in .grad too; returns self. Call it before backward()."""
        if isinstance(self.node, Node):
            self.node.keep_grad = True
        return self

    # -- operators; the ops themselves are in ops/

    def __add__(self, other: Any) -> "Tensor":
        return OPS["add"](self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return OPS["add"](other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return OPS["sub"](self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return OPS["sub"](other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return OPS["mul"](self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return OPS["mul"](other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return OPS["div"](self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return OPS["div"](other, self)

    def __matmul__(self, other: Any) -> "Tensor":
        return OPS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> "Tensor":
        return OPS["matmul"](other, self)

    def __neg__(self) -> "Tensor":
        return OPS["neg"](self)

    def __pow__(self, exponent: float) -> "Tensor":
        if not isinstance(exponent, numbers.Real):
            raise TypeError(f"power: the exponent is a {type(exponent).__name__}, needs a number; use exp(log(x) * y)")
        return OPS["power"](self, exponent=float(exponent))

    def __getitem__(self, key: Any) -> "Tensor":
        return OPS["index"](self, key=key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if MODE.grad:
            raise TypeError(
                "Tensor: an element can't be assigned, backward would use the new value where forward used the old; "
                "build a new tensor with ops.where or ops.concat, or write to a parameter's .data inside no_grad()"
            )
        self.data[key] = value._array if isinstance(value, Tensor) else value
        self.mark_changed()

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("Tensor: NumPy functions would lose the gradient; use tinyscout.autograd.ops, or tensor.data")

    def __repr__(self) -> str:
        made_by = f", op={self.node.name}" if isinstance(self.node, Node) else ""
        return f"Tensor(shape={self.shape}, {self.dtype}, requires_grad={self.requires_grad}{made_by})\n{self._array}"

    # -- the ops that read best as methods

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        return OPS["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        return OPS["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        return OPS["max"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> "Tensor":
        return OPS["reshape"](self, shape=shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: int) -> "Tensor":
        return OPS["transpose"](self, axes=axes or None)

    def exp(self) -> "Tensor":
        return OPS["exp"](self)

    def log(self) -> "Tensor":
        return OPS["log"](self)

    def sqrt(self) -> "Tensor":
        return OPS["sqrt"](self)

    def tanh(self) -> "Tensor":
        return OPS["tanh"](self)

    def sigmoid(self) -> "Tensor":
        return OPS["sigmoid"](self)

    def relu(self) -> "Tensor":
        return OPS["relu"](self)
