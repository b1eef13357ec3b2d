"""LeadScout as ONNX graphs of standard ops: the reply head, and the language head.

Any runtime reads them that knows opset 20, the first with GELU. The number of leads and of tokens is free; padding
stands last, so the causal mask alone keeps it out of every real position.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyscout.errors import MissingExtra
from tinyscout.models.amount_encoding import KNOTS
from tinyscout.models.lead_scout import LeadScout
from tinyscout.models.time_encoding import LARGEST, MINUTES_PER_HOUR
from tinyscout.tokenizer.vocabulary import PAD

OPSET = 20
IR_VERSION = 9  # of the ONNX release that brought opset 20: later ones need not be known to read the file


def import_onnx() -> Any:
    """The package onnx. Raises MissingExtra where it is not installed."""
    try:
        import onnx  # pyright: ignore[reportMissingImports]  # extra: export
    except ImportError as error:
        raise MissingExtra("onnx", "export", "writing ONNX") from error
    return onnx


class Graph:
    """Nodes and constants by number; `inputs` are the names, types and shapes of what the graph is fed."""

    def __init__(self) -> None:
        self.onnx = import_onnx()
        self.float, self.int64, self.double = (getattr(self.onnx.TensorProto, t) for t in ("FLOAT", "INT64", "DOUBLE"))
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []

    def input(self, name: str, kind: int, *shape: str | int) -> str:
        """A named input of any sizes where `shape` names them."""
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, array: Any, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.array(array, dtype, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        """A constant int64 vector, as axes and shapes are."""
        return self.constant(values, np.int64)

    def add(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """The name of the new node's output, or their names where there are several."""
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """x (..., In), weight (Out, In), bias (Out,) -> (..., Out)."""
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def model(self, name: str, output: str, shape: Sequence[str | int], opsets: dict[str, int]) -> Any:
        """The ModelProto that gives `output`, of float32 and this shape."""
        helper = self.onnx.helper
        ends = [helper.make_tensor_value_info(output, self.float, shape)]
        graph = helper.make_graph(self.nodes, name, self.inputs, ends, self.constants)
        versions = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
        return helper.make_model(graph, producer_name="tinyscout", opset_imports=versions, ir_version=IR_VERSION)


def add_tokens(g: Graph, *shape: str | int) -> None:
    """The inputs that both heads read: ids int64, values and ages float32, of this shape (B, T)."""
    g.input("ids", g.int64, *shape)
    g.input("values", g.float, *shape)
    g.input("ages", g.float, *shape)


def embed(g: Graph, model: LeadScout, position: str, *, precise: bool = True) -> str:
    """As LeadScout.embed: inputs (B, T) and position vectors (T, D) -> (B, T, D).

    precise: log time in float64, as TimeEncoding has it, because an age's fastest sine magnifies float32's rounding.
    """
    w = model.state_dict()
    known = g.add("Not", g.add("IsNaN", "ages"))
    hours, clock = g.add("Where", known, "ages", g.constant(0)), np.float32
    if precise:
        hours, clock = g.add("Cast", hours, to=g.double), np.float64
    minutes = g.add("Mul", hours, g.constant(MINUTES_PER_HOUR, clock))
    u = g.add("Div", g.add("Log", g.add("Add", minutes, g.constant(1, clock))), g.constant(LARGEST, clock))
    if precise:
        u = g.add("Cast", u, to=g.float)
    u = g.add("Unsqueeze", u, g.integers(-1))
    angles = g.add("Mul", u, g.constant(np.pi * 2.0 ** np.arange(model.age.frequencies)))
    ones = g.add("Cast", g.add("Unsqueeze", known, g.integers(-1)), to=g.float)
    features = g.add("Concat", ones, u, g.add("Sin", angles), g.add("Cos", angles), axis=-1)
    age = g.add("MatMul", g.add("Mul", features, ones), g.constant(w["age.project.weight"].T))

    first = g.add("Gather", g.constant(model.amount.first_knot, np.int64), "ids")
    carries = g.add("Cast", g.add("GreaterOrEqual", first, g.integers(0)), to=g.float)
    clipped = g.add("Clip", "values", g.constant(-1), g.constant(1))
    place = g.add("Mul", g.add("Add", clipped, g.constant(1)), g.constant((KNOTS - 1) / 2))
    left = g.add("Min", g.add("Floor", place), g.constant(KNOTS - 2))
    share = g.add("Sub", place, left)
    row = g.add("Max", g.add("Add", first, g.add("Cast", left, to=g.int64)), g.integers(0))
    x = g.add("Add", g.add("Gather", g.constant(w["token.weight"]), "ids"), position)
    x = g.add("Add", x, age)
    for j in range(1, model.config.ngram):
        start = g.add("Pad", "ids", g.integers(0, j, 0, 0), g.constant(PAD, np.int64))
        earlier = g.add("Slice", start, g.integers(0), g.add("Shape", "ids", start=1), g.integers(1))
        x = g.add("Add", x, g.add("Gather", g.constant(w[f"before.{j - 1}.weight"]), earlier))
    knots = g.constant(w["amount.knots.weight"])
    for at, weight in ((row, g.add("Sub", g.constant(1), share)), (g.add("Add", row, g.integers(1)), share)):
        scale = g.add("Unsqueeze", g.add("Mul", carries, weight), g.integers(-1))
        x = g.add("Add", x, g.add("Mul", g.add("Gather", knots, at), scale))
    return x


def reply_graph(model: LeadScout) -> Any:
    """The reply head, wide path included: -> "logit" (leads,) float32.

    Inputs: ids int64, values and ages float32 (leads, tokens), ages in hours and NaN for none; lengths int64 (leads,),
    at least 1, of the tokens that are no padding; features float32 (leads, features), the wide path's, dense.
    """
    g, w = Graph(), model.state_dict()
    add_tokens(g, "leads", "tokens")
    lengths = g.input("lengths", g.int64, "leads")
    features = g.input("features", g.float, "leads", model.config.wide)
    places, x = _start(g, model, w)
    for i in range(model.config.depth - 1):
        x = _block(g, model, w, i, x, places)
    last = _last_block(g, model, w, x, places, lengths)
    deep = g.linear(_norm(g, w, "norm", last), w["reply.weight"], w["reply.bias"] + w["wide.bias"])
    wide = g.add("MatMul", features, g.constant(w["wide.weight"][:, None]))
    logit = g.add("Squeeze", g.add("Add", deep, wide), g.integers(1))
    return _finished(g, model, "reply", logit, "logit", "leads")


def language_graph(model: LeadScout) -> Any:
    """The language head: ids, values, ages (leads, tokens) as in reply_graph -> "logits" (leads, tokens, V) float32.

    What stands at a position is the next token's logits, whatever comes after it, so no lengths are needed.
    """
    g, w = Graph(), model.state_dict()
    add_tokens(g, "leads", "tokens")
    places, x = _start(g, model, w)
    for i in range(model.config.depth):
        x = _block(g, model, w, i, x, places)
    written = w["token.weight"][: model.config.language]
    logits = g.add("MatMul", _norm(g, w, "norm", x), g.constant(written.T))
    return _finished(g, model, "language", logits, "logits", "leads", "tokens", len(written))


def _finished(g: Graph, model: LeadScout, head: str, found: str, name: str, *shape: str | int) -> Any:
    """The checked model, with the output called `name` and the sizes in its metadata."""
    g.nodes.append(g.onnx.helper.make_node("Identity", [found], [name]))
    proto = g.model(f"lead_scout_{head}", name, shape, {"": OPSET})
    g.onnx.helper.set_model_props(proto, {"head": head, "config": json.dumps(model.to_state())})
    g.onnx.checker.check_model(proto, full_check=True)
    return proto


def _start(g: Graph, model: LeadScout, w: dict[str, np.ndarray]) -> tuple[str, str]:
    """0, 1, ... T - 1 (T,) int64, and the embedded tokens (B, T, D)."""
    tokens = g.add("Gather", g.add("Shape", "ids"), g.constant(1, np.int64))
    places = g.add("Range", g.constant(0, np.int64), tokens, g.constant(1, np.int64))
    return places, embed(g, model, g.add("Gather", g.constant(w["position.weight"]), places))


def _block(g: Graph, model: LeadScout, w: dict[str, np.ndarray], i: int, x: str, places: str) -> str:
    """As Block: (B, T, D) -> (B, T, D), each position seeing itself and those before it."""
    name, heads = f"blocks.{i}", model.config.heads
    qkv = g.linear(_norm(g, w, f"{name}.attention_norm", x), *_weights(w, f"{name}.attention.qkv"))
    q, k, v = (_split_heads(g, part, heads) for part in g.add("Split", qkv, outputs=3, axis=-1, num_outputs=3))
    queries = g.add("Unsqueeze", places, g.integers(1))
    mixed = _attention(g, q, k, v, g.add("LessOrEqual", places, queries), model.config.width // heads)
    return _add(g, model, w, name, x, g.add("Reshape", mixed, g.integers(0, 0, -1)))


def _last_block(g: Graph, model: LeadScout, w: dict[str, np.ndarray], x: str, places: str, lengths: str) -> str:
    """As Block.at_last: the last layer at each lead's last token alone, (B, T, D) -> (B, D)."""
    name, heads, width = f"blocks.{model.config.depth - 1}", model.config.heads, model.config.width
    weight, bias = _weights(w, f"{name}.attention.qkv")
    normed = _norm(g, w, f"{name}.attention_norm", x)
    last = g.add("Unsqueeze", g.add("Sub", lengths, g.integers(1)), g.integers(1))  # (B, 1)
    at, normed_at = (g.add("GatherND", each, last, batch_dims=1) for each in (x, normed))
    q = g.linear(g.add("Unsqueeze", normed_at, g.integers(1)), weight[:width], bias[:width])  # (B, 1, D)
    k, v = g.add("Split", g.linear(normed, weight[width:], bias[width:]), outputs=2, axis=-1, num_outputs=2)
    real = g.add("Less", places, g.add("Unsqueeze", lengths, g.integers(1, 2, 3)))  # (B, 1, 1, T)
    q, k, v = (_split_heads(g, each, heads) for each in (q, k, v))
    mixed = _attention(g, q, k, v, real, width // heads)
    return _add(g, model, w, name, at, g.add("Reshape", mixed, g.integers(0, -1)))


def _split_heads(g: Graph, x: str, heads: int) -> str:
    """(B, T, D) -> (B, H, T, K)."""
    return g.add("Transpose", g.add("Reshape", x, g.integers(0, 0, heads, -1)), perm=[0, 2, 1, 3])


def _attention(g: Graph, q: str, k: str, v: str, seen: str, width: int) -> str:
    """q (B, H, Tq, K), k and v (B, H, T, K), seen: bool that broadcasts to (B, H, Tq, T) -> (B, Tq, H, K)."""
    scores = g.add("MatMul", q, g.add("Transpose", k, perm=[0, 1, 3, 2]))
    scores = g.add("Mul", scores, g.constant(1 / np.sqrt(width)))
    weights = g.add("Softmax", g.add("Where", seen, scores, g.constant(-np.inf)), axis=-1)
    return g.add("Transpose", g.add("MatMul", weights, v), perm=[0, 2, 1, 3])


def _add(g: Graph, model: LeadScout, w: dict[str, np.ndarray], name: str, x: str, mixed: str) -> str:
    """The residual stream x with what attention brought to it, then with what the MLP makes of that."""
    x = g.add("Add", x, g.linear(mixed, *_weights(w, f"{name}.attention.out")))
    read = _norm(g, w, f"{name}.mlp_norm", x)
    if f"{name}.mlp.router.weight" in w:
        return g.add("Add", x, _experts(g, w, f"{name}.mlp", read, model.config.top_k))
    up = g.linear(read, *_weights(w, f"{name}.mlp.up"))
    return g.add("Add", x, g.linear(g.add("Gelu", up, approximate="tanh"), *_weights(w, f"{name}.mlp.down")))


def _experts(g: Graph, w: dict[str, np.ndarray], name: str, x: str, top_k: int) -> str:
    """As MoE, (..., D) -> (..., D), but every expert runs on every token, and the gates of those not chosen are 0.

    Standard ops can't give each expert rows of its own; with few experts two large products are no loss.
    """
    experts, hidden, width = w[f"{name}.up.weight"].shape
    logits = g.add("MatMul", x, g.constant(w[f"{name}.router.weight"].T))  # (..., E)
    _, chosen = g.add("TopK", logits, g.integers(top_k), outputs=2, axis=-1)  # of equal logits the first, as ours
    marks = g.add("OneHot", chosen, g.integers(experts), g.constant([0, 1]), axis=-1)  # (..., k, E)
    chosen = g.add("ReduceSum", marks, g.integers(-2), keepdims=0)  # (..., E), ones and zeros
    if top_k == 1:
        gates = g.add("Mul", g.add("Softmax", logits, axis=-1), chosen)
    else:
        known = g.add("Where", g.add("Greater", chosen, g.constant(0)), logits, g.constant(-np.inf))
        gates = g.add("Softmax", known, axis=-1)
    up, down = w[f"{name}.up.weight"].reshape(-1, width), w[f"{name}.down.weight"].transpose(1, 0, 2)
    y = g.add("Gelu", g.linear(x, up, w[f"{name}.up.bias"].reshape(-1)), approximate="tanh")  # (..., E * Hidden)
    y = g.add("Mul", y, g.add("MatMul", gates, g.constant(np.repeat(np.eye(experts), hidden, axis=1))))
    y = g.add("MatMul", y, g.constant(down.reshape(width, -1).T))
    return g.add("Add", y, g.add("MatMul", gates, g.constant(w[f"{name}.down.bias"])))


def _norm(g: Graph, w: dict[str, np.ndarray], name: str, x: str) -> str:
    gain, bias = (g.constant(w[f"{name}.{part}"]) for part in ("gain", "bias"))
    return g.add("LayerNormalization", x, gain, bias, epsilon=1e-5)


def _weights(w: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    return w[f"{name}.weight"], w[f"{name}.bias"]
