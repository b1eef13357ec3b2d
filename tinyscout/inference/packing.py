"""A LeadScout's weights in the order in which kernels/forward.py reads them, and the scratch it works in."""

import math
from collections.abc import Mapping

import numpy as np

from tinyscout.inference.quantize import LINEAR, ByteMatrix
from tinyscout.kernels.arena import Arena, arena_of, up
from tinyscout.kernels.forward import BLOCK, MLP_ROWS
from tinyscout.kernels.gemm import pack_weight
from tinyscout.kernels.int8 import pack_quantized, scratch_sizes
from tinyscout.kernels.layout import Choices, Routers, Scratch, Sizes, Weights
from tinyscout.kernels.products import Int8Panels, Panels
from tinyscout.kernels.simd import LANES, TILE_ROWS
from tinyscout.kernels.tile import PANEL
from tinyscout.kernels.tokens import Tables
from tinyscout.models.amount_encoding import KNOTS
from tinyscout.models.lead_scout import LeadScoutConfig
from tinyscout.models.time_encoding import LARGEST

Arrays = dict[str, np.ndarray]
NORMS = ("attention_norm.gain", "attention_norm.bias", "mlp_norm.gain", "mlp_norm.bias")


def sizes_of(config: LeadScoutConfig) -> Sizes:
    """The sizes that the kernels need."""
    return Sizes(config.width, config.heads, config.expand * config.width, config.top_k, config.experts)


def pack_weights(config: LeadScoutConfig, arrays: Arrays, matrices: Mapping[str, ByteMatrix] | None = None) -> Weights:
    """Weights of a LeadScout by parameter name -> what the kernels read.

    matrices: the linear layers in bytes, which then take the place of those in `arrays`.
    """
    norms = [[_whole(arrays[f"blocks.{layer}.{name}"]) for name in NORMS] for layer in range(config.depth)]
    first_knot = np.full(config.vocabulary, -1)
    first_knot[np.asarray(config.numbers, np.int64)] = np.arange(len(config.numbers)) * KNOTS
    none = np.zeros((0, config.width), np.float32)
    tables = Tables(
        token=_whole(arrays["token.weight"]),
        before=_whole(np.concatenate([none, *(arrays[f"before.{j}.weight"] for j in range(config.ngram - 1))])),
        position=_whole(arrays["position.weight"]),
        age=_whole(np.ascontiguousarray(arrays["age.project.weight"].T)),
        knots=_whole(arrays["amount.knots.weight"]),
        first_knot=first_knot,
        splines=np.array([KNOTS, LARGEST]),
    )
    products = {part: _layers(config, arrays, matrices, part) for part in LINEAR}
    return Weights(
        tables=tables,
        norms=np.array(norms),
        head=_whole(np.stack([arrays["norm.gain"], arrays["norm.bias"], arrays["reply.weight"][0]])),
        wide=np.append(arrays["wide.weight"], arrays["wide.bias"] + arrays["reply.bias"]).astype(np.float32),
        sizes=np.array(sizes_of(config)),
        qkv=products["attention.qkv"],
        out=products["attention.out"],
        up=products["mlp.up"],
        down=products["mlp.down"],
        language=_language(config, arrays, matrices),
    )


def pack_routers(config: LeadScoutConfig, arrays: Arrays) -> Routers:
    """What the MLPs of each layer are chosen by."""
    alone = np.zeros((1, config.width), np.float32)
    routers = [arrays[f"blocks.{i}.mlp.router.weight"] if i in config.routed else alone for i in range(config.depth)]
    return Routers(_whole(np.concatenate(routers)), np.cumsum([0, *map(len, routers)]))


def _layers(config: LeadScoutConfig, arrays: Arrays, matrices: Mapping[str, ByteMatrix] | None, part: str):
    """A linear layer of each block, or of each of its experts.

    Queries carry the scale of attention, to base 2, and end at a whole panel.
    """
    width = config.width
    gap = up(width, PANEL) - width if part == "attention.qkv" else 0
    factor = np.ones(0, np.float32)
    if part == "attention.qkv":
        factor = np.full(width, math.log2(math.e) / math.sqrt(width // config.heads), np.float32)
    names = [f"blocks.{layer}.{part}" for layer in range(config.depth)]

    def scaled(found: list[np.ndarray], axes: int) -> list[np.ndarray]:
        return [_spread(_times(x, factor), width, gap) for x in _each(found, axes)]

    biases = scaled([arrays[f"{name}.bias"] for name in names], 1)
    if matrices is None:
        return _panels(scaled([arrays[f"{name}.weight"] for name in names], 2), biases)
    found = [matrices[f"{name}.weight"] for name in names]
    q = [_spread(x, width, gap) for x in _each([m.q for m in found], 2)]
    return _int8_panels(list(map(ByteMatrix, q, scaled([m.scale for m in found], 1))), biases)


def _each(found: list[np.ndarray], axes: int) -> list[np.ndarray]:
    """Arrays of so many axes, of experts' ones each expert's."""
    return [one for x in found for one in (x if x.ndim > axes else [x])]


def _language(config: LeadScoutConfig, arrays: Arrays, matrices: Mapping[str, ByteMatrix] | None):
    """The tied head: the token vectors of the language ids."""
    bias = np.zeros(config.language, np.float32)
    if matrices is None:
        return _panels([arrays["token.weight"][: config.language]], [bias])
    q, scale = matrices["token.weight"]
    return _int8_panels([ByteMatrix(q[: config.language], scale[: config.language])], [bias])


def _panels(weights: list[np.ndarray], biases: list[np.ndarray]) -> Panels:
    return Panels(np.stack([pack_weight(weight).reshape(-1) for weight in weights]), np.stack(biases))


def _int8_panels(matrices: list[ByteMatrix], biases: list[np.ndarray]) -> Int8Panels:
    packed = [pack_quantized(*matrix) for matrix in matrices]
    return Int8Panels(
        np.stack([p.tiles for p in packed]),
        np.stack([p.scale for p in packed]),
        np.stack([p.correction for p in packed]),
        np.stack(biases),
    )


def _times(x: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """x with its first rows times the factors."""
    x = x.copy()
    x[: len(factor)] *= factor.reshape(-1, *[1] * (x.ndim - 1))
    return x


def _spread(x: np.ndarray, width: int, gap: int) -> np.ndarray:
    """x with `gap` rows of zeros after the first `width`."""
    return np.concatenate([x[:width], np.zeros((gap, *x.shape[1:]), x.dtype), x[width:]])


def new_scratch(sizes: Sizes, max_tokens: int, frequencies: int) -> Arena:
    """Scratch for one thread: room for BLOCK tokens, or one lead of max_tokens where that is more."""
    rows = max(BLOCK, max_tokens) + TILE_ROWS  # a tile of attention reads beyond the rows it is asked for
    width, head = up(sizes.width, LANES), up(sizes.width // sizes.heads, LANES)
    hidden, long = up(sizes.hidden, LANES), up(max_tokens, LANES) + LANES

    def room(n: int) -> np.ndarray:
        return np.zeros(n + 2 * LANES, np.float32)

    octets = max(scratch_sizes(rows, sizes.width)[0], scratch_sizes(MLP_ROWS, sizes.hidden)[0])
    scratch = Scratch(
        x=room(rows * width),
        normed=room(rows * width),
        qkv=room(rows * (up(sizes.width, PANEL) + 2 * sizes.width)),
        mixed=room(rows * width),
        hidden=room(MLP_ROWS * hidden),
        keys=room(head * long),
        logits=room(TILE_ROWS * long),
        tile=room(TILE_ROWS * head),
        features=room(2 + 2 * frequencies),
        age=room(width),
        scales=room(rows),
        octets=np.zeros(octets, np.uint8),
    )
    n, experts = rows * sizes.top_k, sizes.experts
    choices = Choices(np.zeros(n, np.int64), room(n), np.zeros(n, np.int64), np.zeros(experts + 1, np.int64))
    return arena_of([*scratch, *(choices if experts > 1 else ())])


def _whole(x: np.ndarray) -> np.ndarray:
    """x (..., N) with zeros behind up to whole registers."""
    wide = np.zeros((*x.shape[:-1], up(x.shape[-1], LANES)), np.float32)
    wide[..., : x.shape[-1]] = x
    return wide
