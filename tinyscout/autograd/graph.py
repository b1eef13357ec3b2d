"""The graph behind tensors: one Node for each op that ran, and the single pass that walks it backward.

Nodes point at nodes, never at tensors, so there is no cycle: when the loss goes out of scope the graph goes with it,
without the garbage collector, and an activation nobody's backward needs is freed while the forward pass still runs.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tinyscout.autograd import profiler

OPS: dict[str, Callable] = {}
"""Every op by name; `@op` fills it."""


class _Mode(threading.local):
    """Switches of one thread: a server may run no_grad forwards beside a thread that trains."""

    grad = True
    anomaly = False


MODE = _Mode()
_numbers = itertools.count()


class Leaf:
    """Where gradients of a tensor made by the user (a parameter, an input) add up."""

    __slots__ = ("grad", "name", "shape", "version")

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.grad: np.ndarray | None = None
        self.name = ""
        self.shape = shape
        self.version = 0  # counts in-place changes of the data; see Node.version

    def receive(self, grad: np.ndarray) -> None:
        # A copy, because the first gradient may be another node's array (add hands dy to both its inputs) and
        # optimisers scale .grad in place.
        if self.grad is None:
            self.grad = np.array(grad)
        else:
            self.grad += grad


class Node:
    """One op that ran: its name, its backward, and an edge for each input (None for a constant)."""

    __slots__ = ("backward", "edges", "grad", "keep_grad", "name", "number", "owned", "shape", "shapes", "version")

    def __init__(self, name, backward, edges, shapes, shape, version) -> None:
        self.name: str = name
        self.backward: Callable | None = backward
        self.edges: list[Node | Leaf | None] = edges
        self.shapes: list[tuple[int, ...]] = shapes
        self.shape: tuple[int, ...] = shape
        self.version: int = version  # sum of the leaves' versions at forward time: a later change shows as a larger sum
        self.number = next(_numbers)
        self.grad: np.ndarray | None = None
        self.owned = False
        self.keep_grad = False

    def receive(self, grad: np.ndarray) -> None:
        if self.grad is None:
            self.grad, self.owned = grad, False
        elif self.owned:
            self.grad += grad
        else:  # subtle: the first array may be shared with another node, so the first sum makes a new one
            self.grad, self.owned = self.grad + grad, True


def walk_backward(root: Node | Leaf, dy: np.ndarray) -> None:
    """Send dy from root to every leaf, each node once.

    A node's inputs exist before it does, so going through the reachable nodes from the newest to the oldest is a
    topological order: when a node's turn comes, all gradients for its output have arrived. No recursion, so depth
    is not limited by Python's stack. The backwards are dropped as they are used, which frees activations early.
    """
    root.receive(dy)
    for node in _newest_first(root):
        dy_node, node.backward, backward = node.grad, None, node.backward
        if not node.keep_grad:
            node.grad = None
        if dy_node is None or backward is None:
            continue  # backward only sent None along every path that leads here
        _check_unchanged(node)
        grads = profiler.call(f"{node.name} backward", backward, (dy_node,)) if profiler.active else backward(dy_node)
        if len(grads) != len(node.edges):
            raise ValueError(f"{node.name}: backward returned {len(grads)} gradients for {len(node.edges)} inputs")
        for i, (edge, shape, grad) in enumerate(zip(node.edges, node.shapes, grads, strict=True)):
            if edge is None or grad is None:
                continue
            if callable(grad):  # an op may put off a costly gradient until it is known that somebody wants it
                grad = profiler.call(f"{node.name} backward, input {i}", grad, ()) if profiler.active else grad()
            grad = _unbroadcast(node.name, i, np.asarray(grad), shape)
            if MODE.anomaly:
                check_finite(grad, f"{node.name}: backward, gradient of input {i},", node.shapes)
            edge.receive(grad)


def _newest_first(root: Node | Leaf) -> list[Node]:
    found: set[Node] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf) or node in found:
            continue
        if node.backward is None:
            raise RuntimeError(
                f"{node.name}: backward() has already used up this graph; run the forward pass again first"
            )
        found.add(node)
        waiting.extend(edge for edge in node.edges if edge is not None)
    return sorted(found, key=lambda node: node.number, reverse=True)


def _check_unchanged(node: Node) -> None:
    leaves = [edge for edge in node.edges if isinstance(edge, Leaf)]
    if leaves and sum(leaf.version for leaf in leaves) != node.version:
        names = ", ".join(f"{leaf.name or 'an unnamed leaf'} {leaf.shape}" for leaf in leaves)
        raise RuntimeError(
            f"{node.name}: {names} changed in place between forward and backward; "
            "call backward() before the optimiser's step(), or run the forward pass again"
        )


def _unbroadcast(name: str, position: int, grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum grad over the axes along which an input of this shape was stretched."""
    if grad.shape == shape:
        return grad
    lead = grad.ndim - len(shape)
    stretched = [i + lead for i, n in enumerate(shape) if n == 1 and lead >= 0 and grad.shape[i + lead] != 1]
    summed = grad.sum(axis=(*range(lead), *stretched), keepdims=True)
    if lead < 0 or summed.shape[lead:] != shape:
        raise ValueError(f"{name}: backward returned shape {grad.shape} for input {position} of shape {shape}")
    return summed.reshape(shape)


def check_finite(array: np.ndarray, where: str, shapes: list[tuple[int, ...]]) -> None:
    """Raise FloatingPointError naming the op when array holds a NaN or an infinity."""
    finite = np.isfinite(array)
    if finite.all():
        return
    index = tuple(int(i) for i in np.argwhere(~finite)[0])
    count = finite.size - int(finite.sum())
    raise FloatingPointError(
        f"{where} has {count} values that are not finite of {finite.size}, the first {array[index]} at index {index}; "
        f"input shapes {', '.join(map(str, shapes))}"
    )


def is_grad_enabled() -> bool:
    """True unless this thread is inside no_grad()."""
    return MODE.grad


@contextmanager
def no_grad() -> Iterator[None]:
    """Run ops without building a graph: for prediction and for writing parameters."""
    before, MODE.grad = MODE.grad, False
    try:
        yield
    finally:
        MODE.grad = before


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first op whose output or gradient is NaN or infinite, with FloatingPointError naming that op.

    Looks at every array, which costs 15 % of a step (D 64, T 64, batch 128): run it on the batch that gave a bad loss.
    """
    before, MODE.anomaly = MODE.anomaly, True
    try:
        with np.errstate(all="ignore"):  # the error raised here says more than NumPy's warning
            yield
    finally:
        MODE.anomaly = before
