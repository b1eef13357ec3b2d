"""A LeadScout for other programs: ONNX for a runtime, safetensors for PyTorch.

Both hold what predicting needs and the sizes; neither holds the tokenizer, which makes ids of a lead's words.
"""

import json
from pathlib import Path

import numpy as np

from tinyscout.artifact import replacing
from tinyscout.inference.onnx_graph import language_graph, reply_graph
from tinyscout.models.lead_scout import LeadScout

TRAINING_ONLY = "alone."  # the head that LeadScout.training_loss adds


def write_onnx(model: LeadScout, directory: Path, name: str) -> list[Path]:
    """Write both heads as NAME.reply.onnx and NAME.language.onnx, each whole or not at all; their paths.

    Raises MissingExtra where onnx is not installed, InputError where the folder can't be written.
    """
    graphs = {f"{name}.reply.onnx": reply_graph(model), f"{name}.language.onnx": language_graph(model)}
    for file, graph in graphs.items():
        with replacing(directory / file) as temporary:
            temporary.write_bytes(graph.SerializeToString())
    return [directory / file for file in graphs]


def write_safetensors(model: LeadScout, directory: Path, name: str) -> list[Path]:
    """Write the weights as NAME.safetensors, whole or not at all, with the sizes as JSON in its metadata; its path.

    Raises InputError where the folder can't be written.
    """
    from safetensors.numpy import save as encode

    path = directory / f"{name}.safetensors"
    with replacing(path) as temporary:
        temporary.write_bytes(encode(torch_weights(model), {"format": "pt", "config": json.dumps(model.to_state())}))
    return [path]


def torch_weights(model: LeadScout) -> dict[str, np.ndarray]:
    """The weights under the names they have in PyTorch, where a norm's gain is its weight."""
    return {
        name.removesuffix("gain") + "weight" if name.endswith(".gain") else name: np.asarray(array, order="C")
        for name, array in model.state_dict().items()
        if not name.startswith(TRAINING_ONLY)
    }


WRITERS = {"onnx": write_onnx, "safetensors": write_safetensors}
