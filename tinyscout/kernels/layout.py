"""What a compiled forward reads and what it works in, and how both lie in arenas."""

from typing import NamedTuple

import numpy as np

from tinyscout.kernels.arena import bytes_matrix, cube, doubles, floats, int32_matrix, integers, matrix, octets
from tinyscout.kernels.jit import part
from tinyscout.kernels.products import Int8Panels, Panels
from tinyscout.kernels.tokens import Tables


class Sizes(NamedTuple):
    """What the arrays' shapes don't tell."""

    width: int
    heads: int
    hidden: int
    top_k: int
    experts: int


class Weights(NamedTuple):
    """A LeadScout packed for `reply` and `extend`; L layers, W the width rounded up to whole registers."""

    tables: Tables
    norms: np.ndarray  # (L, 4, W): gain and bias of the norm before attention, then of the one before the MLP
    head: np.ndarray  # (3, W): gain and bias of the last norm, weight of the reply head
    wide: np.ndarray  # (F + 1,): weights of the wide path, then both biases' sum
    sizes: np.ndarray  # (5,) int64, as Sizes
    qkv: Panels | Int8Panels  # queries, scaled, in the first columns, up to a whole panel; then keys and values
    out: Panels | Int8Panels
    up: Panels | Int8Panels  # one an MLP
    down: Panels | Int8Panels
    language: Panels | Int8Panels  # one layer: the token vectors of the language ids


PRODUCTS = 11  # arrays in Weights before its products


class Scratch(NamedTuple):
    """Working memory of one thread, flat."""

    x: np.ndarray
    normed: np.ndarray
    qkv: np.ndarray
    mixed: np.ndarray
    hidden: np.ndarray
    keys: np.ndarray
    logits: np.ndarray
    tile: np.ndarray
    features: np.ndarray
    age: np.ndarray
    scales: np.ndarray
    octets: np.ndarray  # uint8


class Routers(NamedTuple):
    """What a model with experts has besides Weights; M MLPs in all layers."""

    weight: np.ndarray  # (M, W): what each MLP is chosen by; zeros where it is its layer's only one
    first: np.ndarray  # (L + 1,) int64: the MLPs of a layer are first[layer] to first[layer + 1]


class Choices(NamedTuple):
    """What it has besides Scratch: what kernels/routing.py finds, for top_k choices a row, flat."""

    expert: np.ndarray  # int64
    gate: np.ndarray
    order: np.ndarray  # int64
    ends: np.ndarray  # int64, one an expert and one more


class Experts(NamedTuple):
    """Routers and Choices of a model with experts; a dense one has None."""

    routers: Routers
    choices: Choices


@part
def _panels(memory, table, i):
    return Panels(matrix(memory, table, PRODUCTS + 2 * i), matrix(memory, table, PRODUCTS + 2 * i + 1))


@part
def _int8_panels(memory, table, i):
    first = PRODUCTS + 4 * i
    return Int8Panels(
        bytes_matrix(memory, table, first),
        matrix(memory, table, first + 1),
        int32_matrix(memory, table, first + 2),
        matrix(memory, table, first + 3),
    )


@part
def _opened(memory, table, qkv, out, up, down, language):
    """The Weights in an arena, and their Sizes; the products are opened already."""
    tables = Tables(
        matrix(memory, table, 0),
        matrix(memory, table, 1),
        matrix(memory, table, 2),
        matrix(memory, table, 3),
        matrix(memory, table, 4),
        integers(memory, table, 5),
        doubles(memory, table, 6),
    )
    norms, head, wide = cube(memory, table, 7), matrix(memory, table, 8), floats(memory, table, 9)
    n = integers(memory, table, 10)
    weights = Weights(tables, norms, head, wide, n, qkv, out, up, down, language)
    return weights, Sizes(n[0], n[1], n[2], n[3], n[4])


@part
def scratch_in(room, places):
    return Scratch(
        floats(room, places, 0),
        floats(room, places, 1),
        floats(room, places, 2),
        floats(room, places, 3),
        floats(room, places, 4),
        floats(room, places, 5),
        floats(room, places, 6),
        floats(room, places, 7),
        floats(room, places, 8),
        floats(room, places, 9),
        floats(room, places, 10),
        octets(room, places, 11),
    )


@part
def experts_in(memory, table, room, places):
    """The Experts that lie behind the Weights and behind the Scratch."""
    last, end = len(table) - 1, len(places) - 1
    choices = Choices(
        integers(room, places, end - 3),
        floats(room, places, end - 2),
        integers(room, places, end - 1),
        integers(room, places, end),
    )
    return Experts(Routers(matrix(memory, table, last - 1), integers(memory, table, last)), choices)


@part
def float32_in(memory, table):
    qkv, out, up = _panels(memory, table, 0), _panels(memory, table, 1), _panels(memory, table, 2)
    return _opened(memory, table, qkv, out, up, _panels(memory, table, 3), _panels(memory, table, 4))


@part
def int8_in(memory, table):
    qkv, out, up = _int8_panels(memory, table, 0), _int8_panels(memory, table, 1), _int8_panels(memory, table, 2)
    return _opened(memory, table, qkv, out, up, _int8_panels(memory, table, 3), _int8_panels(memory, table, 4))
