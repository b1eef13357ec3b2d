"""The attention branch of a pre-norm layer, x + out(attention(qkv(layer_norm(x)))), a lead or a few at a time.

Leads are rows (N, D) with offsets: those of (B, T, D) have T rows each, ragged ones as many as they have tokens.
"""

import math

import numpy as np

from tinyscout.kernels import flash
from tinyscout.kernels.affine import linear, linear_backward_input, linear_backward_weight
from tinyscout.kernels.arena import scratch
from tinyscout.kernels.branch import (
    PAD,
    ROWS,
    add_branch,
    add_rows,
    add_weight_gradient,
    fits_cache,
    measure,
    norm_backward,
    normalise,
    product,
    rows_kept,
    stride_of,
    take_cotangent,
    unpack,
)
from tinyscout.kernels.gemm import pack, packed_size
from tinyscout.kernels.jit import as_rows, compiled_for, kernel, plain
from tinyscout.kernels.layernorm import layer_norm, layer_norm_backward
from tinyscout.kernels.multihead import NO_LENGTHS, attention, attention_backward, rooms

f32 = np.float32


def attention_branch_twin(
    x, gain, shift, qkv, qkv_bias, out, out_bias, *, heads, lengths=None, causal=True, kept=None, eps=1e-5
):
    """The same as `attention_branch`, one step at a time."""
    normed, mean, rstd = layer_norm(x, gain, shift, eps=eps)
    packed = linear(normed, qkv, qkv_bias)  # (..., 3D)
    mixed, lse = np.empty_like(x), []
    for room, some in rooms(x, lengths):
        y, part = attention(*_heads_apart(packed[room], heads), lengths=some, causal=causal)
        mixed[room] = y.transpose(0, 2, 1, 3).reshape(mixed[room].shape)
        lse.append(part.reshape(-1))
    lse = np.concatenate(lse) if lse else np.empty(0, x.dtype)  # (N * H,), the heads of a lead behind one another
    branch = linear(mixed, out, out_bias)
    return x + (branch if kept is None else branch * kept), (mean, rstd, packed, mixed, lse)


def attention_branch_backward_twin(
    dy, x, gain, shift, qkv, out, saved, *, heads, lengths=None, causal=True, kept=None, frozen=False
):
    """The same as `attention_branch_backward`, one step at a time."""
    mean, rstd, packed, mixed, lse = saved
    dbranch = dy if kept is None else dy * kept
    dmixed, dpacked, start = linear_backward_input(dbranch, out), np.empty_like(packed), 0
    for room, some in rooms(x, lengths):
        q, k, v = _heads_apart(packed[room], heads)
        dy_room, y_room = (
            a[room].reshape(len(q), q.shape[2], heads, q.shape[3]).transpose(0, 2, 1, 3) for a in (dmixed, mixed)
        )
        end = start + q[..., 0].size
        attention_backward(dy_room, q, k, v, y_room, lse[start:end].reshape(q.shape[:3]), lengths=some, causal=causal,
                           out=_heads_apart(dpacked[room], heads))  # fmt: skip
        start = end
    dx, dgain, dshift = layer_norm_backward(linear_backward_input(dpacked, qkv), x, gain, mean, rstd)
    dx += dy
    if frozen:
        return dx, None, None, None, None, None, None
    normed = (x - mean[..., None]) * rstd[..., None] * gain + shift
    return dx, dgain, dshift, *linear_backward_weight(dpacked, normed), *linear_backward_weight(dbranch, mixed)


def _heads_apart(packed, heads):
    """Views of packed (B, T, 3D) as q, k, v, each (B, H, T, K)."""
    batch, time, width = packed.shape
    q, k, v = packed.reshape(batch, time, 3, heads, width // 3 // heads).transpose(2, 0, 3, 1, 4)
    return q, k, v


@kernel
def _end_of_block(b, offsets):
    """The leads from b on up to the one returned have ROWS rows at most; it is one lead at least."""
    end = b + 1
    while end + 1 < len(offsets) and offsets[end + 1] - offsets[b] <= ROWS:
        end += 1
    return end


@kernel
def _rows_of_scratch(offsets):
    """As many as the largest block has, in whole registers and tiles."""
    most, b = 0, 0
    while b + 1 < len(offsets):
        end = _end_of_block(b, offsets)
        most = max(most, offsets[end] - offsets[b])
        b = end
    return (most + PAD - 1) // PAD * PAD


@kernel
def _end_of_alike(b, up_to, offsets):
    """The leads from b on up to the one returned have as many rows as b."""
    end = b + 1
    while end < up_to and offsets[end + 1] - offsets[end] == offsets[b + 1] - offsets[b]:
        end += 1
    return end


@kernel
def _view(x, x0, leads, heads, time, width, row):
    """Rows of one head beside the next, `row` floats apart, as (B, H, T, K)."""
    return np.lib.stride_tricks.as_strided(x[x0:], (leads, heads, time, width), (4 * time * row, 4 * width, 4 * row, 4))


@kernel
def _forward(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, offsets, lengths, causal, kept, eps, y, mean, rstd,
             packed, mixed, lse):  # fmt: skip
    width, leads, rows = x.shape[1], len(offsets) - 1, _rows_of_scratch(offsets)
    wide, head, far, near = 3 * width, width // heads, stride_of(3 * width), stride_of(width)
    x, y, packed, mixed, kept = x.reshape(-1), y.reshape(-1), packed.reshape(-1), mixed.reshape(-1), kept.reshape(-1)
    qkv_packed, out_packed = scratch(packed_size(width, wide)), scratch(packed_size(width, width))
    pack(qkv.reshape(-1), 1, width, width, wide, qkv_packed)
    pack(out.reshape(-1), 1, width, width, width, out_packed)
    narrow, mix, w = scratch(rows * near), scratch(rows * near), scratch(rows * far)
    b = 0
    while b < leads:
        up_to = _end_of_block(b, offsets)
        r, n = offsets[b], offsets[up_to] - offsets[b]
        measure(n, width, x, r * width, eps, mean[r:], rstd[r:])
        normalise(n, width, x, r * width, gain, shift, mean[r:], rstd[r:], narrow)
        product(n, width, wide, narrow, qkv_packed, qkv_bias, w)
        while b < up_to:
            end = _end_of_alike(b, up_to, offsets)
            at, time, some = offsets[b] - r, offsets[b + 1] - offsets[b], end - b
            q = _view(w, at * far, some, heads, time, head, far)
            k = _view(w, at * far + width, some, heads, time, head, far)
            v = _view(w, at * far + 2 * width, some, heads, time, head, far)
            m = _view(mix, at * near, some, heads, time, head, near)
            part = lse[offsets[b] * heads : offsets[end] * heads].reshape(some, heads, time)
            flash.forward(q, k, v, m, part, lengths[b:end], causal, f32(1 / math.sqrt(head)), 0)
            b = end
        unpack(n, wide, w, packed, r * wide)
        unpack(n, width, mix, mixed, r * width)
        product(n, width, width, mix, out_packed, out_bias, narrow)
        add_branch(n, width, x, r * width, narrow, kept, y)


@kernel
def _backward(dy, x, gain, shift, qkv, out, heads, offsets, lengths, causal, kept, mean, rstd, packed, mixed, lse,
              frozen, dx, dgain, dshift, dqkv, dqkv_bias, dout, dout_bias):  # fmt: skip
    width, leads, rows = x.shape[1], len(offsets) - 1, _rows_of_scratch(offsets)
    wide, head, far, near = 3 * width, width // heads, stride_of(3 * width), stride_of(width)
    dy, x, packed, mixed, kept, dx = (
        dy.reshape(-1), x.reshape(-1), packed.reshape(-1), mixed.reshape(-1), kept.reshape(-1), dx.reshape(-1)
    )  # fmt: skip
    qkv_packed, out_packed = scratch(packed_size(wide, width)), scratch(packed_size(width, width))
    pack(qkv.reshape(-1), width, 1, wide, width, qkv_packed)
    pack(out.reshape(-1), width, 1, width, width, out_packed)
    no_bias, nothing_kept, scale = np.empty(0, np.float32), np.empty(0, np.float32), f32(1 / math.sqrt(head))
    dbranch, dmix, mix, dw = scratch(rows * near), scratch(rows * near), scratch(rows * near), scratch(rows * far)
    b = 0
    while b < leads:
        up_to = _end_of_block(b, offsets)
        r, n = offsets[b], offsets[up_to] - offsets[b]
        take_cotangent(n, width, dy, r * width, kept, dbranch)
        take_cotangent(n, width, mixed, r * width, nothing_kept, mix)
        product(n, width, width, dbranch, out_packed, no_bias, dmix)
        while b < up_to:
            end = _end_of_alike(b, up_to, offsets)
            at, time, some = offsets[b] - r, offsets[b + 1] - offsets[b], end - b
            q = _view(packed, (r + at) * wide, some, heads, time, head, wide)
            k = _view(packed, (r + at) * wide + width, some, heads, time, head, wide)
            v = _view(packed, (r + at) * wide + 2 * width, some, heads, time, head, wide)
            dq = _view(dw, at * far, some, heads, time, head, far)
            dk = _view(dw, at * far + width, some, heads, time, head, far)
            dv = _view(dw, at * far + 2 * width, some, heads, time, head, far)
            m = _view(mix, at * near, some, heads, time, head, near)
            dm = _view(dmix, at * near, some, heads, time, head, near)
            part = lse[offsets[b] * heads : offsets[end] * heads].reshape(some, heads, time)
            flash.backward(dm, q, k, v, m, part, dq, dk, dv, lengths[b:end], causal, scale, 0)
            b = end
        if not frozen:
            add_rows(n, width, dbranch, dout_bias)
            add_weight_gradient(n, width, width, dbranch, mix, dout.reshape(-1))
            normalise(n, width, x, r * width, gain, shift, mean[r:], rstd[r:], mix)
            add_rows(n, wide, dw, dqkv_bias)
            add_weight_gradient(n, wide, width, dw, mix, dqkv.reshape(-1))
        product(n, wide, width, dw, qkv_packed, no_bias, dbranch)
        norm_backward(n, width, dbranch, dy, x, r * width, gain, mean[r:], rstd[r:], dx, dgain, dshift)


def attention_branch(
    x, gain, shift, qkv, qkv_bias, out, out_bias, *, heads, lengths=None, causal=True, kept=None, eps=1e-5
):
    """x + kept * (attention(layer_norm(x, gain, shift) @ qkv.T + qkv_bias) @ out.T + out_bias), as in `attention`.

    x (B, T, D), gain and shift (D,), qkv (3D, D): queries, keys, values, qkv_bias (3D,), out (D, D), out_bias (D,),
    lengths (B,) or None; kept: what dropout multiplies the branch by, as x, or None  ->  y (B, T, D), and what the
    backward needs. x (N, D) is ragged: lengths[0] rows of the first lead, then those of the next, none of them padding.
    Raises ValueError for shapes that do not fit.
    """
    _check(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, lengths, kept)
    arrays = [a for a in (x, gain, shift, qkv, qkv_bias, out, out_bias, kept) if a is not None]
    if not (compiled_for(*arrays) and x.size and fits_cache(qkv, out)):
        return attention_branch_twin(x, gain, shift, qkv, qkv_bias, out, out_bias, heads=heads, lengths=lengths,
                                     causal=causal, kept=kept, eps=eps)  # fmt: skip
    x = plain(x)
    y, mixed, packed = np.empty_like(x), np.empty_like(x), np.empty((*x.shape[:-1], 3 * x.shape[-1]), f32)
    mean, rstd = np.empty(x.shape[:-1], f32), np.empty(x.shape[:-1], f32)
    lse = np.empty(mean.size * heads, f32)
    weights = [plain(w) for w in (gain, shift, qkv, qkv_bias, out, out_bias)]
    _forward(as_rows(x), *weights, heads, *_places(x, lengths), bool(causal), rows_kept(kept, x.shape[-1]), f32(eps), y,
             mean.reshape(-1), rstd.reshape(-1), packed, mixed, lse)  # fmt: skip
    return y, (mean, rstd, packed, mixed, lse)


def attention_branch_backward(
    dy, x, gain, shift, qkv, out, saved, *, heads, lengths=None, causal=True, kept=None, frozen=False
):
    """Gradients of `attention_branch`, given what it returned beside y.

    dy as x  ->  dx as x, dgain, dshift, dqkv, dqkv_bias, dout, dout_bias; with frozen, None for all but dx.
    """
    if dy.shape != x.shape:
        raise ValueError(f"attention_branch_backward: dy has shape {dy.shape}, needs that of x {x.shape}")
    arrays = [a for a in (dy, x, gain, shift, qkv, out, kept) if a is not None]
    if not (compiled_for(*arrays) and x.size and fits_cache(qkv, out)):
        return attention_branch_backward_twin(dy, x, gain, shift, qkv, out, saved, heads=heads, lengths=lengths,
                                              causal=causal, kept=kept, frozen=frozen)  # fmt: skip
    x, (mean, rstd, packed, mixed, lse) = plain(x), saved
    dx, weights = np.empty_like(x), [plain(w) for w in (gain, shift, qkv, out)]
    shapes = gain.shape, gain.shape, qkv.shape, qkv.shape[:1], out.shape, out.shape[:1]
    gradients = [np.zeros(shape, f32) for shape in shapes]
    _backward(plain(dy), as_rows(x), *weights, heads, *_places(x, lengths), bool(causal), rows_kept(kept, x.shape[-1]),
              mean.reshape(-1), rstd.reshape(-1), packed, mixed, lse, frozen, dx, *gradients)  # fmt: skip
    return dx, *([None] * len(gradients) if frozen else gradients)


def _places(x, lengths):
    """Where each lead's rows start (B + 1,), and how many of them are no padding (B,), or none for all."""
    if x.ndim == 2:
        return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), NO_LENGTHS
    offsets = np.arange(len(x) + 1) * x.shape[1]
    return offsets, NO_LENGTHS if lengths is None else np.ascontiguousarray(lengths, np.int64)


def _check(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, lengths, kept):
    if x.ndim not in (2, 3) or x.shape[-1] % heads:
        raise ValueError(
            f"attention_branch: x {x.shape} must be (B, T, D) or (N, D) with D a multiple of {heads} heads"
        )
    rooms(x, lengths)
    width = x.shape[-1]
    wanted = {
        "gain": (gain, (width,)),
        "shift": (shift, (width,)),
        "qkv": (qkv, (3 * width, width)),
        "qkv_bias": (qkv_bias, (3 * width,)),
        "out": (out, (width, width)),
        "out_bias": (out_bias, (width,)),
        "lengths": (lengths if x.ndim == 3 else None, x.shape[:1]),
        "kept": (kept, x.shape),
    }
    for what, (array, shape) in wanted.items():
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"attention_branch: {what} has shape {np.shape(array)}, needs {shape} for x {x.shape}")
