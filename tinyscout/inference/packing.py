"""A LeadScout's weights in the order in which kernels/forward.py reads them, and the scratch it works in."""

import math

import numpy as np

from tinyscout.kernels.arena import Arena, arena_of, up
from tinyscout.kernels.forward import BLOCK, MLP_ROWS
from tinyscout.kernels.gemm import pack_weight
from tinyscout.kernels.int8 import scratch_sizes
from tinyscout.kernels.layout import Scratch, Sizes, Weights
from tinyscout.kernels.products import Panels
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
    return Sizes(config.width, config.heads, 4 * config.width)


def layer_arrays(config: LeadScoutConfig, arrays: Arrays, part: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weight (Out, In) and bias (Out,) of a linear layer in each block, as the kernels want them.

    part is "qkv", "out", "up" or "down". Queries carry the scale of attention, and end at a whole panel.
    """
    home = "mlp" if part in ("up", "down") else "attention"
    pairs = []
    for layer in range(config.depth):
        name = f"blocks.{layer}.{home}.{part}"
        weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
        if part == "qkv":
            weight, bias = _spread_queries(config, weight), _spread_queries(config, bias)
        pairs.append((weight, bias))
    return pairs


def _spread_queries(config: LeadScoutConfig, x: np.ndarray) -> np.ndarray:
    """(3D, ...) -> scaled queries, zeros up to a whole panel, keys, values."""
    width = config.width
    scale = np.float32(1 / math.sqrt(width // config.heads))
    gap = np.zeros((up(width, PANEL) - width, *x.shape[1:]), np.float32)
    return np.concatenate([x[:width] * scale, gap, x[width:]])


def panels(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Panels:
    """Linear layers of one shape, packed for float32."""
    return Panels(np.stack([pack_weight(weight).reshape(-1) for weight, _ in pairs]), np.stack([b for _, b in pairs]))


def pack_weights(config: LeadScoutConfig, arrays: Arrays) -> Weights:
    """Weights of a LeadScout by parameter name -> what the kernels read, in float32."""
    norms = [[_whole(arrays[f"blocks.{layer}.{name}"]) for name in NORMS] for layer in range(config.depth)]
    first_knot = np.full(config.vocabulary, -1)
    first_knot[np.asarray(config.numbers, np.int64)] = np.arange(len(config.numbers)) * KNOTS
    tables = Tables(
        token=_whole(arrays["token.weight"]),
        position=_whole(arrays["position.weight"]),
        age=_whole(np.ascontiguousarray(arrays["age.project.weight"].T)),
        knots=_whole(arrays["amount.knots.weight"]),
        first_knot=first_knot,
        splines=np.array([KNOTS, LARGEST]),
    )
    language = arrays["token.weight"][: config.language]
    return Weights(
        tables=tables,
        norms=np.array(norms),
        head=_whole(np.stack([arrays["norm.gain"], arrays["norm.bias"], arrays["reply.weight"][0]])),
        wide=np.append(arrays["wide.weight"], arrays["wide.bias"] + arrays["reply.bias"]).astype(np.float32),
        sizes=np.array(sizes_of(config)),
        qkv=panels(layer_arrays(config, arrays, "qkv")),
        out=panels(layer_arrays(config, arrays, "out")),
        up=panels(layer_arrays(config, arrays, "up")),
        down=panels(layer_arrays(config, arrays, "down")),
        language=panels([(language, np.zeros(len(language), np.float32))]),
    )


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
    return arena_of(scratch)


def _whole(x: np.ndarray) -> np.ndarray:
    """x (..., N) with zeros behind up to whole registers."""
    wide = np.zeros((*x.shape[:-1], up(x.shape[-1], LANES)), np.float32)
    wide[..., : x.shape[-1]] = x
    return wide
