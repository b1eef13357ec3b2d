"""Post-training quantisation: every matrix of a LeadScout in bytes, a quarter of the file, and how far off each is.

Symmetric, one scale for each row (output channel, or id of an embedding); no calibration data, because activations are
quantised row by row as they come (kernels/int8.py). Scales, norms, biases and the wide path are rounded to float16: at
width 32 they would otherwise be a seventh of the file. What is computed of them is float32.
"""

import math
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
from tinyscout.nn import MoE, Routing
from tinyscout.tokenizer import Padded

ROLE = "quantized_scout"
EMBEDDINGS = ("token.weight", "before.", "position.weight", "amount.knots.weight")
LINEAR = ("attention.qkv", "attention.out", "mlp.up", "mlp.down")


class ByteMatrix(NamedTuple):
    """About q * scale[..., None]; with experts, those of all of them, which is one more axis in front."""

    q: np.ndarray  # (Out, In) int8
    scale: np.ndarray  # (Out,) float32, whose values are float16's, so that a file can hold them in two bytes

    def float32(self) -> np.ndarray:
        return self.q * self.scale[..., None]


@dataclass(frozen=True)
class Quantized:
    """A LeadScout in bytes: matrices by parameter name, and the other parameters, float32 with float16's values."""

    config: LeadScoutConfig
    matrices: dict[str, ByteMatrix]
    vectors: dict[str, np.ndarray]

    def float32(self) -> dict[str, np.ndarray]:
        """Every parameter that predicting needs, by name."""
        return {name: matrix.float32() for name, matrix in self.matrices.items()} | self.vectors

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file holds: `bytes` int8 of all matrices, `halves` float16 of their scales and of all vectors.

        One behind the other as `_shapes` has them; a name for each would cost a small model's file 1 % more.
        """
        names = _shapes(self.config)
        matrices = [self.matrices[name] for name in names if _in_bytes(name)]
        vectors = [self.vectors[name] for name in names if not _in_bytes(name)]
        halves = [*(matrix.scale for matrix in matrices), *vectors]
        return {
            "bytes": np.concatenate([matrix.q.reshape(-1) for matrix in matrices]),
            "halves": np.concatenate([array.reshape(-1) for array in halves]).astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, config: LeadScoutConfig, arrays: dict[str, np.ndarray]) -> "Quantized":
        """The model that `arrays` described; bytes are not copied."""
        matrices, vectors = {}, {}
        shapes, octets, halves = _shapes(config), arrays["bytes"], arrays["halves"]
        for name in filter(_in_bytes, shapes):
            rows, size = math.prod(shapes[name][:-1]), math.prod(shapes[name])
            q, octets = octets[:size], octets[size:]
            scale, halves = halves[:rows], halves[rows:]
            scale = scale.reshape(shapes[name][:-1]).astype(np.float32)
            matrices[name] = ByteMatrix(q.reshape(shapes[name]), scale)
        for name in (each for each in shapes if not _in_bytes(each)):
            size = math.prod(shapes[name])
            vector, halves = halves[:size], halves[size:]
            vectors[name] = vector.astype(np.float32).reshape(shapes[name])
        return cls(config, matrices, vectors)


class LayerError(NamedTuple):
    """How far a matrix in bytes is off: root mean square of the error over that of what is right."""

    name: str
    weight: float  # of the weights themselves
    output: float  # of what the layer gives for real leads, whose activations are quantised too; NaN for embeddings
    worst_output: float  # largest error of one value, over the root mean square of what is right


def quantize(model: LeadScout) -> Quantized:
    """Round the embeddings and the linear layers of the blocks to bytes, all else to float16.

    Raises InputError for a weight that is not finite, or larger than float16 holds.
    """
    state = model.state_dict()
    own = _shapes(model.config)  # without what only training uses
    matrices = {name: byte_matrix(state[name]) for name in own if _in_bytes(name)}
    vectors = {name: _half(name, state[name]) for name in own if not _in_bytes(name)}
    return Quantized(model.config, matrices, vectors)


def _half(name: str, x: np.ndarray) -> np.ndarray:
    """x float32 with float16's values."""
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError(
            f"quantize: {name} is not finite, or beyond 65,504; fit the model again, with a lower learning rate"
        )
    return half.astype(np.float32)


def byte_matrix(weight: np.ndarray) -> ByteMatrix:
    """weight (..., Out, In) -> bytes from -127 to 127 and a scale for each row."""
    with np.errstate(over="ignore"):
        scale = (np.abs(weight).max(axis=-1, initial=0) / 127).astype(np.float16).astype(np.float32)
    if not np.isfinite(scale).all():
        raise InputError(
            "quantize: a weight is not finite, or beyond 127 * 65,504; fit the model again, with a lower learning rate"
        )
    usable = np.where(scale > 0, scale, 1)[..., None]
    q = np.where(scale[..., None] > 0, np.clip(np.rint(weight / usable), -127, 127), 0)
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
            weight = weights[name].reshape(len(reached[name]), *matrix.q.shape[-2:])  # (E, Out, In), E = 1 if dense
            q, scale = matrix.q.reshape(weight.shape), matrix.scale.reshape(weight.shape[:2])
            right = np.concatenate([x @ w.T for x, w in zip(reached[name], weight, strict=True)])
            given = [linear_int8(x, pack_quantized(*pair)) for x, *pair in zip(reached[name], q, scale, strict=True)]
            off = np.concatenate(given) - right
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


def _in_bytes(name: str) -> bool:
    """Whether the parameter of this name is a matrix that `quantize` rounds to bytes."""
    return name.startswith(EMBEDDINGS) or name.endswith(tuple(f".{part}.weight" for part in LINEAR))


def _shapes(config: LeadScoutConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters that predicting needs, in the model's order."""
    model = LeadScout(config, rng=np.random.default_rng(0))
    return {name: each.shape for name, each in model.named_parameters() if name.partition(".")[0] != "alone"}


def _inputs(model: LeadScout, batch: Padded) -> dict[str, list[np.ndarray]]:
    """What reaches each linear layer: parameter name -> rows (N, In) of all real tokens, for each expert."""
    real = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    reached: dict[str, list[np.ndarray]] = {}

    def note(layer: int, part: str, x: Tensor) -> Tensor:
        reached[f"blocks.{layer}.{part}.weight"] = [np.ascontiguousarray(x.data[real])]
        return x

    x = model.embed(batch)
    for i, block in enumerate(model.blocks):
        attention, mlp = block.attention, block.mlp
        qkv = attention.qkv(note(i, "attention.qkv", block.attention_norm(x)))
        mixed = ops.self_attention(qkv, heads=attention.heads, lengths=batch.lengths, causal=True)
        x = x + attention.out(note(i, "attention.out", mixed))
        read = block.mlp_norm(x)
        if isinstance(mlp, MoE):
            routings: list[Routing] = []
            x = x + mlp(read, lengths=batch.lengths, routings=routings)
            experts = range(len(routings[0].served))
            rows = [read.data[real][(routings[0].chosen == e).any(axis=1)] for e in experts]
            parts = [(mlp.up.weight.data[e], mlp.up.bias.data[e]) for e in experts]
            reached[f"blocks.{i}.mlp.up.weight"] = rows
            reached[f"blocks.{i}.mlp.down.weight"] = [
                ops.gelu(ops.linear(Tensor(some), *part)).data for some, part in zip(rows, parts, strict=True)
            ]
        else:
            hidden = ops.gelu(mlp.up(note(i, "mlp.up", read)))
            x = x + mlp.down(note(i, "mlp.down", hidden))
    return reached


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))
