"""The whole of LeadScout as one compiled function: tokens of many leads to reply logits, or to the next token's.

Leads lie one after another without padding; only attention knows where one ends. They go through all layers in groups
of about BLOCK tokens, so that activations stay in the second-level cache. Everything is serial and free of Python's
lock; scratch belongs to the caller. The readable twin is models/lead_scout.py.
"""

import numba.extending
import numpy as np
from numba import types

from tinyscout.kernels.arena import up
from tinyscout.kernels.attend import attend, attend_one, keys_as_columns
from tinyscout.kernels.jit import entry, kernel, part
from tinyscout.kernels.layout import float32_in, int8_in, scratch_in
from tinyscout.kernels.products import product
from tinyscout.kernels.routing import add_gated, gather, group, route
from tinyscout.kernels.rows import dot_row, gelu_rows, move_row, norm_rows
from tinyscout.kernels.simd import LANES, load, store
from tinyscout.kernels.tile import PANEL
from tinyscout.kernels.tokens import embed

BLOCK = 256  # tokens that go through all layers together
MLP_ROWS = 64  # rows whose hidden layer is held at once


_up = kernel(up)


@part
def _qkv_columns(width):
    """Where keys start in a row of queries, keys and values, and how long it is."""
    keys = _up(width, PANEL)
    return keys, keys + 2 * width


@part
def _norm_and_project(weights, sizes, layer, rows, last, scratch):
    """Normalise, then queries, keys and values; in the last layer keys and values alone."""
    width, stride = sizes.width, weights.head.shape[1]
    keys, row = _qkv_columns(width)
    norms = weights.norms[layer]
    norm_rows(rows, width, stride, scratch.x, norms[0], norms[1], scratch.normed)
    first = keys if last else 0
    product(
        weights.qkv, layer, first, row - first, rows, width, scratch.normed, 0, stride, scratch.qkv, 0, row, False,
        scratch
    )  # fmt: skip


@part
def _queries(weights, sizes, rows, scratch):
    """Queries of the last layer for the first rows of `normed`."""
    layer, width, stride = weights.norms.shape[0] - 1, sizes.width, weights.head.shape[1]
    row = _qkv_columns(width)[1]
    product(
        weights.qkv, layer, 0, width, rows, width, scratch.normed, 0, stride, scratch.qkv, 0, row, False, scratch
    )  # fmt: skip


@part
def _finish_layer(weights, sizes, experts, layer, rows, scratch):
    """After attention: what it mixed is projected and added to x, and then what the MLP, or experts, make of that."""
    width, stride = sizes.width, weights.head.shape[1]
    norms = weights.norms[layer]
    product(
        weights.out, layer, 0, width, rows, width, scratch.mixed, 0, stride, scratch.x, 0, stride, True, scratch
    )  # fmt: skip
    norm_rows(rows, width, stride, scratch.x, norms[2], norms[3], scratch.normed)
    _think(experts, weights, sizes, layer, rows, scratch)


def _think(experts, weights, sizes, layer, rows, scratch):
    """x += what the MLP of a layer, or each row's experts, make of `normed`.

    The type of `experts` decides, when it is compiled, which: for a dense model, which has None, there is no line about
    experts in the machine code.
    """
    raise TypeError("_think: is for compiled code")


@numba.extending.overload(_think, inline="always")
def _thought(experts, weights, sizes, layer, rows, scratch):
    # subtle: no @part is called here, because inside an inlined overload it would stay a call, 2 us each
    def dense(experts, weights, sizes, layer, rows, scratch):
        width, stride, hidden = sizes.width, weights.head.shape[1], sizes.hidden
        long = _up(hidden, LANES)
        for i in range(0, rows, MLP_ROWS):
            some, at = min(MLP_ROWS, rows - i), i * stride
            product(
                weights.up, layer, 0, hidden, some, width, scratch.normed, at, stride, scratch.hidden, 0, long, False,
                scratch
            )  # fmt: skip
            gelu_rows(some * long, scratch.hidden)
            product(
                weights.down, layer, 0, width, some, hidden, scratch.hidden, 0, long, scratch.x, at, stride, True,
                scratch
            )  # fmt: skip

    def routed(experts, weights, sizes, layer, rows, scratch):
        width, stride, hidden, top_k = sizes.width, weights.head.shape[1], sizes.hidden, sizes.top_k
        long = _up(hidden, LANES)
        routers, choices = experts.routers, experts.choices
        first, n = routers.first[layer], routers.first[layer + 1] - routers.first[layer]
        # rows are sorted into `qkv`, which attention needs no more and has room for two of each
        one, x, out, start = n == 1, scratch.qkv, scratch.qkv, 0
        if one:
            x, out = scratch.normed, scratch.x
        else:
            route(
                rows, sizes.width, stride, scratch.normed, routers.weight, first, n, top_k, choices.expert, choices.gate
            )  # fmt: skip
            group(rows * top_k, n, choices.expert, choices.order, choices.ends)
            gather(rows * top_k, top_k, stride, scratch.normed, choices.order, scratch.qkv)
        for e in range(n):
            end = rows if one else choices.ends[e]
            for i in range(start, end, MLP_ROWS):
                some, at = min(MLP_ROWS, end - i), i * stride
                product(
                    weights.up, first + e, 0, hidden, some, width, x, at, stride, scratch.hidden, 0, long, False,
                    scratch
                )  # fmt: skip
                gelu_rows(some * long, scratch.hidden)
                product(
                    weights.down, first + e, 0, width, some, hidden, scratch.hidden, 0, long, out, at, stride, one,
                    scratch
                )  # fmt: skip
            start = end
        if not one:
            add_gated(rows * top_k, top_k, stride, scratch.qkv, choices.gate, choices.order, scratch.x)

    return dense if isinstance(experts, types.NoneType) else routed


@part
def _attend_within(weights, sizes, offsets, lead, end, scratch):
    """Attention of every token of leads lead to end over the earlier ones of its own lead."""
    width, stride, k = sizes.width, weights.head.shape[1], sizes.width // sizes.heads
    start, row = _qkv_columns(width)
    qkv, keys = scratch.qkv, scratch.keys
    for b in range(lead, end):
        r, n = offsets[b] - offsets[lead], offsets[b + 1] - offsets[b]
        long = _up(n, LANES) + LANES
        for h in range(sizes.heads):
            q, y = r * row + h * k, r * stride + h * k
            keys_as_columns(qkv, q + start, row, n, k, keys, 0, long)
            attend(
                n, 0, k, qkv, q, row, keys, 0, long, qkv, q + start + width, row, scratch.logits, scratch.tile,
                scratch.mixed, y, stride
            )  # fmt: skip


@part
def _attend_at_last(weights, sizes, offsets, lead, end, scratch):
    """The last layer's attention for each lead's last token alone; rows are then one a lead."""
    width, stride, k = sizes.width, weights.head.shape[1], sizes.width // sizes.heads
    start, row = _qkv_columns(width)
    qkv, keys = scratch.qkv, scratch.keys
    for b in range(lead, end):  # subtle: lead i's last token is in row i or behind, so nothing is lost
        move_row(scratch.x, stride, offsets[b + 1] - offsets[lead] - 1, b - lead)
        move_row(scratch.normed, stride, offsets[b + 1] - offsets[lead] - 1, b - lead)
    _queries(weights, sizes, end - lead, scratch)
    for b in range(lead, end):
        r, n = offsets[b] - offsets[lead], offsets[b + 1] - offsets[b]
        long = _up(n, LANES)
        for h in range(sizes.heads):
            at, q, y = r * row + start + h * k, (b - lead) * row + h * k, (b - lead) * stride + h * k
            keys_as_columns(qkv, at, row, n, k, keys, 0, long)
            attend_one(n, k, qkv, q, keys, 0, long, qkv, at + width, row, scratch.logits, scratch.mixed, y)


@part
def _embed_leads(weights, ids, values, ages, offsets, lead, end, scratch):
    stride = weights.head.shape[1]
    for b in range(lead, end):
        at = (offsets[b] - offsets[lead]) * stride
        first, last = offsets[b], offsets[b + 1]
        embed(weights.tables, ids, values, ages, first, last, 0, 0, scratch.features, scratch.age, scratch.x, at)


@kernel
def _wide(weights, data, indices, indptr, b):
    """The wide path's logit of a row of CSR features, with the biases of both paths, float64."""
    total = np.float64(weights[len(weights) - 1])
    for i in range(indptr[b], indptr[b + 1]):
        total += np.float64(data[i]) * np.float64(weights[indices[i]])
    return total


@part
def _legible(weights, ids, first, last, at):
    """Whether there are tokens first to last, from position `at` on, that the tables have rows for."""
    if last <= first or at + last - first > weights.tables.position.shape[0]:
        return False
    for i in range(first, last):  # noqa: SIM110  # a generator can't be compiled
        if ids[i] < 0 or ids[i] >= weights.tables.token.shape[0]:
            return False
    return True


@part
def reply(weights, sizes, experts, scratch, ids, values, ages, offsets, data, indices, indptr, first, last, out):
    for b in range(first, last):
        if not _legible(weights, ids, offsets[b], offsets[b + 1], 0):
            return False
    depth, width, stride, head = weights.norms.shape[0], sizes.width, weights.head.shape[1], weights.head
    lead = first
    while lead < last:
        end = lead + 1
        while end < last and offsets[end + 1] - offsets[lead] <= BLOCK:
            end += 1
        rows = offsets[end] - offsets[lead]
        _embed_leads(weights, ids, values, ages, offsets, lead, end, scratch)
        for layer in range(depth):
            at_last = layer == depth - 1
            _norm_and_project(weights, sizes, layer, rows, at_last, scratch)
            if at_last:
                _attend_at_last(weights, sizes, offsets, lead, end, scratch)
                rows = end - lead
            else:
                _attend_within(weights, sizes, offsets, lead, end, scratch)
            _finish_layer(weights, sizes, experts, layer, rows, scratch)
        norm_rows(rows, width, stride, scratch.x, head[0], head[1], scratch.normed)
        for b in range(lead, end):
            deep = dot_row(width, scratch.normed, (b - lead) * stride, head[2])
            out[b] = np.float64(deep) + _wide(weights.wide, data, indices, indptr, b)
        lead = end
    return True


@part
def _remember(sizes, keys, values, layer, at, rows, scratch):
    """Put keys, as columns, and values of new tokens into the cache."""
    width, k = sizes.width, sizes.width // sizes.heads
    start, row = _qkv_columns(width)
    tall, long, stride = keys.shape[2], keys.shape[3], values.shape[2]
    qkv, columns, kept = scratch.qkv, keys[layer].reshape(-1), values[layer].reshape(-1)
    for h in range(sizes.heads):
        if rows == 1:
            for j in range(k):
                columns[(h * tall + j) * long + at] = qkv[start + h * k + j]
        else:
            keys_as_columns(qkv, start + h * k, row, rows, k, columns, h * tall * long + at, long)
    for r in range(rows):
        for j in range(0, width, LANES):
            store(kept, (at + r) * stride + j, load(qkv, r * row + start + width + j))


@part
def extend(weights, sizes, experts, scratch, ids, values, ages, at, keys, kept, out):
    rows = len(values)
    if not _legible(weights, ids, at, at + rows, at):
        return False
    depth, width, stride, head = weights.norms.shape[0], sizes.width, weights.head.shape[1], weights.head
    k, row, tall, long = width // sizes.heads, _qkv_columns(width)[1], keys.shape[2], keys.shape[3]
    embed(weights.tables, ids, values, ages, 0, rows, at, at, scratch.features, scratch.age, scratch.x, 0)
    for layer in range(depth):
        columns, v = keys[layer].reshape(-1), kept[layer].reshape(-1)
        _norm_and_project(weights, sizes, layer, rows, layer == depth - 1, scratch)
        _remember(sizes, keys, kept, layer, at, rows, scratch)
        if layer == depth - 1:  # only the last token's logits are wanted
            move_row(scratch.x, stride, rows - 1, 0)
            move_row(scratch.normed, stride, rows - 1, 0)
            at, rows = at + rows - 1, 1
            _queries(weights, sizes, rows, scratch)
        for h in range(sizes.heads):
            attend(
                rows, at, k, scratch.qkv, h * k, row, columns, h * tall * long, long, v, h * k, stride, scratch.logits,
                scratch.tile, scratch.mixed, h * k, stride
            )  # fmt: skip
        _finish_layer(weights, sizes, experts, layer, rows, scratch)
    norm_rows(1, width, stride, scratch.x, head[0], head[1], scratch.normed)
    product(
        weights.language, 0, 0, len(out), 1, width, scratch.normed, 0, stride, out, 0, len(out), False, scratch
    )  # fmt: skip
    return True


@kernel
def reply_float32(memory, table, room, places, ids, values, ages, offsets, data, indices, indptr, first, last, out):
    """out[first:last] = reply logits of leads first to last; False where one of them can't be read.

    Weights and Scratch in arenas; ragged tokens (ids, values, ages; lead b owns offsets[b] to offsets[b + 1]); CSR
    features (data, indices, indptr).
    """
    weights, sizes = float32_in(memory, table)
    scratch = scratch_in(room, places)
    return reply(weights, sizes, None, scratch, ids, values, ages, offsets, data, indices, indptr, first, last, out)


@kernel
def reply_int8(memory, table, room, places, ids, values, ages, offsets, data, indices, indptr, first, last, out):
    """The same as `reply_float32` for weights in bytes."""
    weights, sizes = int8_in(memory, table)
    scratch = scratch_in(room, places)
    return reply(weights, sizes, None, scratch, ids, values, ages, offsets, data, indices, indptr, first, last, out)


@kernel
def extend_float32(memory, table, room, places, ids, values, ages, at, keys, kept, out):
    """Read tokens that stand at positions at, at + 1, ... of a sequence whose earlier ones are in the cache.

    ids are those of the whole sequence so far; values and ages those of the new tokens.
    keys (L, H, head width up to LANES, long) and kept, the values, (L, T + 1, W) are the cache, which grows by these
    tokens, at most BLOCK at once. out (language ids,) = logits of the token that follows the last of them. False where
    there are none, or one that can't be read.
    """
    weights, sizes = float32_in(memory, table)
    return extend(weights, sizes, None, scratch_in(room, places), ids, values, ages, at, keys, kept, out)


@kernel
def extend_int8(memory, table, room, places, ids, values, ages, at, keys, kept, out):
    """The same as `extend_float32` for weights in bytes."""
    weights, sizes = int8_in(memory, table)
    return extend(weights, sizes, None, scratch_in(room, places), ids, values, ages, at, keys, kept, out)


def _array(kind, axes=1):
    return types.Array(kind, axes, "C")


_ARENAS = (_array(types.uint8), _array(types.int64, 2)) * 2
_TOKENS = _array(types.int32), _array(types.float32), _array(types.float32)
_FEATURES = _array(types.float32), _array(types.int32), _array(types.int32)
REPLY_TYPES = *_ARENAS, *_TOKENS, _array(types.int64), *_FEATURES, types.int64, types.int64, _array(types.float64)
EXTEND_TYPES = (
    *_ARENAS,
    *_TOKENS,
    types.int64,
    _array(types.float32, 4),
    _array(types.float32, 3),
    _array(types.float32),
)

#: As Python calls them, for each dtype of the weights.
REPLY = {"float32": entry(reply_float32, *REPLY_TYPES), "int8": entry(reply_int8, *REPLY_TYPES)}
EXTEND = {"float32": entry(extend_float32, *EXTEND_TYPES), "int8": entry(extend_int8, *EXTEND_TYPES)}
