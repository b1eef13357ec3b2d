"""Post-training quantisation: every matrix of a LeadScout in bytes, a quarter of the file, and how far off each is.

Symmetric, one scale for each row (output channel, or id of an embedding); no calibration data, because activations are
quantised row by row as they come (kernels/int8.py). Norms, biases and the wide path stay float32.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinyscout import artifact
from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.errors import InputError
from tinyscout.inference.mapped import load_mapped
from tinyscout.kernels import linear_int8
from tinyscout.kernels.int8 import pack_quantized
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Padded

ROLE = "quantized_scout"
EMBEDDINGS = ("token.weight", "position.weight", "amount.knots.weight")
LINEAR = ("attention.qkv", "attention.out", "mlp.up", "mlp.down")


class ByteMatrix(NamedTuple):
    """About q * scale[:, None]."""

    q: np.ndarray  # (Out, In) int8
    scale: np.ndarray  # (Out,) float32, whose values are float16's, so that a file can hold them in two bytes

    def float32(self) -> np.ndarray:
        return self.q * self.scale[:, None]


@dataclass(frozen=True)
class Quantized:
    """A LeadScout in bytes: matrices by parameter name, and the parameters that stay float32."""

    config: LeadScoutConfig
    matrices: dict[str, ByteMatrix]
    vectors: dict[str, np.ndarray]

    def float32(self) -> dict[str, np.ndarray]:
        """Every parameter that predicting needs, by name."""
        return {name: matrix.float32() for name, matrix in self.matrices.items()} | self.vectors

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file holds: NAME.q int8 and NAME.scale float16 for a matrix, NAME for the others."""
        named = {f"{name}.q": matrix.q for name, matrix in self.matrices.items()}
        named |= {f"{name}.scale": matrix.scale.astype(np.float16) for name, matrix in self.matrices.items()}
        return named | self.vectors

    @classmethod
    def from_arrays(cls, config: LeadScoutConfig, arrays: dict[str, np.ndarray]) -> "Quantized":
        """The model that `arrays` described; nothing is copied but the scales."""
        matrices = {
            name.removesuffix(".q"): ByteMatrix(q, arrays[f"{name.removesuffix('.q')}.scale"].astype(np.float32))
            for name, q in arrays.items()
            if name.endswith(".q")
        }
        vectors = {name: array for name, array in arrays.items() if not name.endswith((".q", ".scale"))}
        return cls(config, matrices, vectors)


class LayerError(NamedTuple):
    """How far a matrix in bytes is off: root mean square of the error over that of what is right."""

    name: str
    weight: float  # of the weights themselves
    output: float  # of what the layer gives for real leads, whose activations are quantised too; NaN for embeddings
    worst_output: float  # largest error of one value, over the root mean square of what is right


def quantize(model: LeadScout) -> Quantized:
    """Round the embeddings and the linear layers of the blocks to bytes."""
    state = model.state_dict()
    linear = {f"blocks.{i}.{part}.weight" for i in range(model.config.depth) for part in LINEAR}
    matrices = {name: byte_matrix(array) for name, array in state.items() if name in EMBEDDINGS or name in linear}
    own = set(_parameters(model.config))  # without what only training uses
    vectors = {name: array for name, array in state.items() if name in own and name not in matrices}
    return Quantized(model.config, matrices, vectors)


def byte_matrix(weight: np.ndarray) -> ByteMatrix:
    """weight (Out, In) -> bytes from -127 to 127 and a scale for each row."""
    if not np.isfinite(weight).all():
        raise InputError("quantize: a weight is not finite; fit the model again, with a lower learning rate")
    scale = (np.abs(weight).max(axis=1, initial=0) / 127).astype(np.float16).astype(np.float32)
    usable = np.where(scale > 0, scale, 1)[:, None]
    q = np.where(scale[:, None] > 0, np.clip(np.rint(weight / usable), -127, 127), 0)
    return ByteMatrix(q.astype(np.int8), scale)


def error_per_layer(model: LeadScout, quantized: Quantized, examples: Examples) -> list[LayerError]:
    """Each matrix against the float32 model, the linear layers also on what reaches them for these leads."""
    weights = model.state_dict()
    with no_grad():
        reached = _inputs(model.eval(), examples.tokens.pad())
    errors = []
    for name, matrix in quantized.matrices.items():
        output = worst = float("nan")
        if name in reached:
            x = reached[name]
            right = x @ weights[name].T
            off = linear_int8(x, pack_quantized(matrix.q, matrix.scale)) - right
            output, worst = _rms(off) / _rms(right), float(np.abs(off).max()) / _rms(right)
        errors.append(LayerError(name, _rms(matrix.float32() - weights[name]) / _rms(weights[name]), output, worst))
    return errors


def save(directory: Path, quantized: Quantized, *, parents: dict[str, str] | None = None) -> artifact.Manifest:
    """Write a quantised model as an artefact."""
    manifest = artifact.Manifest(Path(directory).name, ROLE, made_by="quantize", parents=parents or {})
    return artifact.save(Path(directory), manifest, quantized.arrays(), asdict(quantized.config))


def load(directory: Path) -> Quantized:
    """The quantised model that `save` wrote; its bytes stay in the file until they are used."""
    manifest, arrays, state = load_mapped(Path(directory))
    if manifest.role != ROLE:
        raise InputError(f"{directory}: holds a {manifest.role}, needs a {ROLE} written by inference.quantize.save")
    sizes: dict[str, Any] = state | {"numbers": tuple(state["numbers"])}
    return Quantized.from_arrays(LeadScoutConfig(**sizes), arrays)


def _parameters(config: LeadScoutConfig) -> list[str]:
    """Names of the parameters that predicting needs."""
    norms = [f"{norm}.{part}" for norm in ("attention_norm", "mlp_norm") for part in ("gain", "bias")]
    block = norms + [f"{layer}.{part}" for layer in LINEAR for part in ("weight", "bias")]
    ends = ["age.project.weight", "norm.gain", "norm.bias", "reply.weight", "reply.bias", "wide.weight", "wide.bias"]
    return [*EMBEDDINGS, *(f"blocks.{i}.{name}" for i in range(config.depth) for name in block), *ends]


def _inputs(model: LeadScout, batch: Padded) -> dict[str, np.ndarray]:
    """What reaches each linear layer: parameter name -> rows (N, In) of all real tokens."""
    real = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    reached: dict[str, np.ndarray] = {}

    def note(layer: int, part: str, x: Tensor) -> Tensor:
        reached[f"blocks.{layer}.{part}.weight"] = np.ascontiguousarray(x.data[real])
        return x

    x = model.embed(batch)
    for i, block in enumerate(model.blocks):
        attention, mlp = block.attention, block.mlp
        qkv = attention.qkv(note(i, "attention.qkv", block.attention_norm(x)))
        mixed = ops.self_attention(qkv, heads=attention.heads, lengths=batch.lengths, causal=True)
        x = x + attention.out(note(i, "attention.out", mixed))
        hidden = ops.gelu(mlp.up(note(i, "mlp.up", block.mlp_norm(x))))
        x = x + mlp.down(note(i, "mlp.down", hidden))
    return reached


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
