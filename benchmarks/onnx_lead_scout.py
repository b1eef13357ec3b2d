"""The peer: LeadScout's reply head as an ONNX graph with ONNX Runtime's fused ops, float32 or quantised by its tool.

Leads of one length, so that it needs no mask, and without the wide path, because ONNX has no sparse features: both in
its favour.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]  # extra: oracle
import onnxruntime  # pyright: ignore[reportMissingImports]  # extra: oracle
from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.models.amount_encoding import KNOTS
from tinyscout.models.lead_scout import LeadScout
from tinyscout.models.time_encoding import LARGEST, MINUTES_PER_HOUR

FUSED = "com.microsoft"


class Graph:
    """Nodes and constants by number."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Any, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name

    def add(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names


def _embed(g: Graph, model: LeadScout, w: dict[str, np.ndarray], tokens: int) -> str:
    known = g.add("Not", g.add("IsNaN", "ages"))
    hours = g.add("Where", known, "ages", g.constant(0))
    minutes = g.add("Mul", hours, g.constant(MINUTES_PER_HOUR))
    u = g.add("Div", g.add("Log", g.add("Add", minutes, g.constant(1))), g.constant(LARGEST))
    u = g.add("Unsqueeze", u, g.constant([-1], np.int64))
    angles = g.add("Mul", u, g.constant(np.pi * 2.0 ** np.arange(model.age.frequencies)))
    ones = g.add("Cast", g.add("Unsqueeze", known, g.constant([-1], np.int64)), to=TensorProto.FLOAT)
    features = g.add("Concat", ones, u, g.add("Sin", angles), g.add("Cos", angles), axis=-1)
    age = g.add("MatMul", g.add("Mul", features, ones), g.constant(w["age.project.weight"].T))

    first = g.add("Gather", g.constant(model.amount.first_knot, np.int64), "ids")
    carries = g.add("Cast", g.add("GreaterOrEqual", first, g.constant(0, np.int64)), to=TensorProto.FLOAT)
    clipped = g.add("Clip", "values", g.constant(-1), g.constant(1))
    place = g.add("Mul", g.add("Add", clipped, g.constant(1)), g.constant((KNOTS - 1) / 2))
    left = g.add("Min", g.add("Floor", place), g.constant(KNOTS - 2))
    share = g.add("Sub", place, left)
    row = g.add("Max", g.add("Add", first, g.add("Cast", left, to=TensorProto.INT64)), g.constant(0, np.int64))
    x = g.add("Add", g.add("Gather", g.constant(w["token.weight"]), "ids"), g.constant(w["position.weight"][:tokens]))
    x = g.add("Add", x, age)
    knots = g.constant(w["amount.knots.weight"])
    for at, weight in ((row, g.add("Sub", g.constant(1), share)), (g.add("Add", row, g.constant(1, np.int64)), share)):
        scale = g.add("Unsqueeze", g.add("Mul", carries, weight), g.constant([-1], np.int64))
        x = g.add("Add", x, g.add("Mul", g.add("Gather", knots, at), scale))
    return x


def lead_scout_graph(model: LeadScout, tokens: int) -> Any:
    """The model as ONNX: ids (B, T) int64, values and ages (B, T) float32 -> logit (B, 1)."""
    g, w, config = Graph(), model.state_dict(), model.config
    width, last_token = config.width, g.constant([tokens - 1], np.int64)
    x = _embed(g, model, w, tokens)
    for i in range(config.depth):
        name = f"blocks.{i}"
        weight, bias = w[f"{name}.attention.qkv.weight"].T, w[f"{name}.attention.qkv.bias"]
        gain = [g.constant(w[f"{name}.attention_norm.{part}"]) for part in ("gain", "bias")]
        normed = g.add("LayerNormalization", x, *gain, epsilon=1e-5)
        if i < config.depth - 1:
            mixed = g.add(
                "Attention", normed, g.constant(weight), g.constant(bias), domain=FUSED, num_heads=config.heads,
                unidirectional=1
            )  # fmt: skip
        else:  # queries of the last token alone
            x, at = g.add("Gather", x, last_token, axis=1), g.add("Gather", normed, last_token, axis=1)
            parts = []
            for j, source in enumerate((at, normed, normed)):
                some = slice(j * width, (j + 1) * width)
                parts.append(g.add("Add", g.add("MatMul", source, g.constant(weight[:, some])), g.constant(bias[some])))
            mixed = g.add("MultiHeadAttention", *parts, domain=FUSED, num_heads=config.heads)
        out = g.add("MatMul", mixed, g.constant(w[f"{name}.attention.out.weight"].T))
        gain = [g.constant(w[f"{name}.mlp_norm.{part}"]) for part in ("gain", "bias")]
        normed, _, _, x = g.add(
            "SkipLayerNormalization", out, x, *gain, g.constant(w[f"{name}.attention.out.bias"]), outputs=4,
            domain=FUSED, epsilon=1e-5
        )  # fmt: skip
        up = g.add("MatMul", normed, g.constant(w[f"{name}.mlp.up.weight"].T))
        up = g.add("FastGelu", up, g.constant(w[f"{name}.mlp.up.bias"]), domain=FUSED)
        down = g.add("MatMul", up, g.constant(w[f"{name}.mlp.down.weight"].T))
        x = g.add("Add", x, g.add("Add", down, g.constant(w[f"{name}.mlp.down.bias"])))
    normed = g.add("LayerNormalization", x, g.constant(w["norm.gain"]), g.constant(w["norm.bias"]), epsilon=1e-5)
    normed = g.add("Squeeze", normed, g.constant([1], np.int64))
    bias = g.constant(w["reply.bias"] + w["wide.bias"])
    logit = g.add("Add", g.add("MatMul", normed, g.constant(w["reply.weight"].T)), bias)
    kinds = {"ids": TensorProto.INT64, "values": TensorProto.FLOAT, "ages": TensorProto.FLOAT}
    graph = helper.make_graph(
        g.nodes,
        "lead_scout",
        [helper.make_tensor_value_info(name, kind, ["leads", tokens]) for name, kind in kinds.items()],
        [helper.make_tensor_value_info(logit, TensorProto.FLOAT, ["leads", 1])],
        g.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def onnx_logits(
    model: LeadScout, tokens: int, dtype: str, threads: int
) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """A function of ids, values and ages (B, T) that runs the graph in ONNX Runtime, all its optimisations on."""
    graph = lead_scout_graph(model, tokens)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(graph, str(path))
        if dtype == "int8":
            from onnxruntime.quantization import (  # pyright: ignore[reportMissingImports]  # extra: oracle
                QuantType,
                quantize_dynamic,
            )

            logging.disable(logging.WARNING)  # it recommends what the graph has had done to it
            quantize_dynamic(
                path, path.with_name("int8.onnx"), op_types_to_quantize=["MatMul", "Attention"], per_channel=True,
                weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": TensorProto.FLOAT}
            )  # fmt: skip
            logging.disable(logging.NOTSET)
            path = path.with_name("int8.onnx")
        session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda feed: session.run(None, feed)[0][:, 0]
