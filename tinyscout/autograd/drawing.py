"""Draw the graph behind a tensor: as a text tree for the terminal, or as Graphviz .dot.

Both show ops and leaves with their shapes. Constants are left out: no gradient goes there.
"""

from collections.abc import Iterable, Iterator

from tinyscout.autograd.graph import Leaf, Node
from tinyscout.autograd.tensor import Tensor

Names = Iterable[tuple[str, Tensor]]


def tree(tensor: Tensor, names: Names = ()) -> str:
    """The graph as indented lines, from the result down to the leaves.

    names: (name, tensor) pairs such as model.named_parameters(), to name the leaves. What is used twice is drawn once,
    then referred to by its number.
    """
    known = _leaf_names(names)
    numbers: dict[Node | Leaf, int] = {}
    lines = []
    waiting = [(tensor.node, "", "")]  # a stack, not recursion: graphs get deeper than Python's
    while waiting:
        node, first, rest = waiting.pop()
        if node is None:
            lines.append(f"{first}constant {tensor.shape}")
            continue
        if node in numbers:
            lines.append(f"{first}see #{numbers[node]}: {_label(node, known)}")
            continue
        numbers[node] = len(numbers) + 1
        lines.append(f"{first}#{numbers[node]} {_label(node, known)}")
        below = list(_inputs(node))
        for i, child in reversed(list(enumerate(below))):
            last = i == len(below) - 1
            waiting.append((child, rest + ("`- " if last else "|- "), rest + ("   " if last else "|  ")))
    return "\n".join(lines)


def dot(tensor: Tensor, names: Names = ()) -> str:
    """The graph in Graphviz's language: ops as boxes, leaves as ellipses, data flowing upward. names as in tree().

    Write it to a file and run `dot -Tsvg graph.dot -o graph.svg`.
    """
    known = _leaf_names(names)
    numbers: dict[Node | Leaf, int] = {}
    waiting = [tensor.node] if tensor.node is not None else []
    drawn, arrows = [], []
    while waiting:
        node = waiting.pop()
        if node in numbers:
            continue
        numbers[node] = len(numbers)
        shape = "ellipse" if isinstance(node, Leaf) else "box"
        label = _label(node, known).replace("\\", "\\\\").replace('"', '\\"')
        drawn.append(f'  n{numbers[node]} [shape={shape}, label="{label}"];')
        for child in _inputs(node):
            waiting.append(child)
            arrows.append((child, node))
    edges = [f"  n{numbers[child]} -> n{numbers[node]};" for child, node in arrows]
    return "\n".join(["digraph graph_of_ops {", "  rankdir=BT;", *drawn, *edges, "}"])


def _leaf_names(names: Names) -> dict[Leaf, str]:
    return {tensor.node: name for name, tensor in names if isinstance(tensor.node, Leaf)}


def _label(node: Node | Leaf, known: dict[Leaf, str]) -> str:
    name = known.get(node, node.name or "leaf") if isinstance(node, Leaf) else node.name
    return f"{name} {node.shape}"


def _inputs(node: Node | Leaf) -> Iterator[Node | Leaf]:
    if isinstance(node, Node):
        yield from (edge for edge in node.edges if edge is not None)
