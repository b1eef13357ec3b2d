"""The peer: LeadScout's reply head as an ONNX graph with ONNX Runtime's fused ops, float32 or quantised by its tool.

Leads of one length, so that it needs no mask, and without the wide path, because ONNX has no sparse features: both in
its favour. What `tinyscout export` writes is of standard ops and reads leads of any length.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]  # extra: oracle
import onnxruntime  # pyright: ignore[reportMissingImports]  # extra: oracle
from onnx import TensorProto  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.inference.onnx_graph import Graph, add_tokens, embed
from tinyscout.models.lead_scout import LeadScout

FUSED = "com.microsoft"


def lead_scout_graph(model: LeadScout, tokens: int) -> Any:
    """The model as ONNX: ids (B, T) int64, values and ages (B, T) float32 -> logit (B, 1)."""
    g, w, config = Graph(), model.state_dict(), model.config
    width, last_token = config.width, g.integers(tokens - 1)
    add_tokens(g, "leads", tokens)
    x = embed(g, model, g.constant(w["position.weight"][:tokens]), precise=False)  # as fast as it can be
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
    normed = g.add("Squeeze", normed, g.integers(1))
    bias = g.constant(w["reply.bias"] + w["wide.bias"])
    logit = g.add("Add", g.add("MatMul", normed, g.constant(w["reply.weight"].T)), bias)
    return g.model("lead_scout", logit, ["leads", 1], {"": 17, FUSED: 1})


def onnx_logits(
    model: LeadScout, tokens: int, dtype: str, threads: int, *, spin: bool = True
) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """A function of ids, values and ages (B, T) that runs the graph in ONNX Runtime, all its optimisations on.

    spin: whether its threads go on spinning after a call, for tens of milliseconds, on a core that may be wanted by
    who is timed next; the next call of one lead is then up to 14 % faster, one of 256 leads no more than 2 %.
    """
    graph = lead_scout_graph(model, tokens)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", str(int(not spin)))
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
