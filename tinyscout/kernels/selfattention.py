"""The attention branch of a pre-norm layer, x + out(attention(qkv(layer_norm(x)))), a lead or a few at a time."""

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
from tinyscout.kernels.jit import compiled_for, kernel, plain
from tinyscout.kernels.layernorm import layer_norm, layer_norm_backward
from tinyscout.kernels.multihead import NO_LENGTHS, attention, attention_backward

f32 = np.float32


def attention_branch_twin(
    x, gain, shift, qkv, qkv_bias, out, out_bias, *, heads, lengths=None, causal=True, kept=None, eps=1e-5
):
    """The same as `attention_branch`, one step at a time."""
    normed, mean, rstd = layer_norm(x, gain, shift, eps=eps)
    packed = linear(normed, qkv, qkv_bias)  # (B, T, 3D)
    y, lse = attention(*_heads_apart(packed, heads), lengths=lengths, causal=causal)
    mixed = y.transpose(0, 2, 1, 3).reshape(x.shape)
    branch = linear(mixed, out, out_bias)
    return x + (branch if kept is None else branch * kept), (mean, rstd, packed, mixed, lse)


def attention_branch_backward_twin(
    dy, x, gain, shift, qkv, out, saved, *, heads, lengths=None, causal=True, kept=None, frozen=False
):
    """The same as `attention_branch_backward`, one step at a time."""
    mean, rstd, packed, mixed, lse = saved
    dbranch = dy if kept is None else dy * kept
    apart = (*x.shape[:2], heads, x.shape[2] // heads)
    dmixed = linear_backward_input(dbranch, out).reshape(apart).transpose(0, 2, 1, 3)
    y = mixed.reshape(apart).transpose(0, 2, 1, 3)
    dpacked = np.empty_like(packed)
    attention_backward(dmixed, *_heads_apart(packed, heads), y, lse, lengths=lengths, causal=causal,
                       out=_heads_apart(dpacked, heads))  # fmt: skip
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
def _leads_together(leads, time):
    return min(leads, max(1, ROWS // time))


@kernel
def _rows_of_scratch(n):
    return (n + PAD - 1) // PAD * PAD


@kernel
def _view(x, x0, leads, heads, time, width, row):
    """Rows of one head beside the next, `row` floats apart, as (B, H, T, K)."""
    return np.lib.stride_tricks.as_strided(x[x0:], (leads, heads, time, width), (4 * time * row, 4 * width, 4 * row, 4))


@kernel
def _forward(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, lengths, causal, kept, eps, y, mean, rstd, packed,
             mixed, lse):  # fmt: skip
    leads, time, width = x.shape
    wide, head, some = 3 * width, width // heads, _leads_together(leads, time)
    x, y, packed, mixed, kept = x.reshape(-1), y.reshape(-1), packed.reshape(-1), mixed.reshape(-1), kept.reshape(-1)
    qkv_packed, out_packed = scratch(packed_size(width, wide)), scratch(packed_size(width, width))
    pack(qkv.reshape(-1), 1, width, width, wide, qkv_packed)
    pack(out.reshape(-1), 1, width, width, width, out_packed)
    rows = _rows_of_scratch(some * time)
    narrow, mix, w = scratch(rows * stride_of(width)), scratch(rows * stride_of(width)), scratch(rows * stride_of(wide))
    for b in range(0, leads, some):
        up_to = min(b + some, leads)
        r, n = b * time, (up_to - b) * time
        measure(n, width, x, r * width, eps, mean[r:], rstd[r:])
        normalise(n, width, x, r * width, gain, shift, mean[r:], rstd[r:], narrow)
        product(n, width, wide, narrow, qkv_packed, qkv_bias, w)
        q = _view(w, 0, up_to - b, heads, time, head, stride_of(wide))
        k = _view(w, width, up_to - b, heads, time, head, stride_of(wide))
        v = _view(w, 2 * width, up_to - b, heads, time, head, stride_of(wide))
        m = _view(mix, 0, up_to - b, heads, time, head, stride_of(width))
        flash.forward(q, k, v, m, lse[b:up_to], lengths[b:up_to], causal, f32(1 / math.sqrt(head)), 0)
        unpack(n, wide, w, packed, r * wide)
        unpack(n, width, mix, mixed, r * width)
        product(n, width, width, mix, out_packed, out_bias, narrow)
        add_branch(n, width, x, r * width, narrow, kept, y)


@kernel
def _backward(dy, x, gain, shift, qkv, out, heads, lengths, causal, kept, mean, rstd, packed, mixed, lse, frozen, dx,
              dgain, dshift, dqkv, dqkv_bias, dout, dout_bias):  # fmt: skip
    leads, time, width = x.shape
    wide, head, some = 3 * width, width // heads, _leads_together(leads, time)
    dy, x, packed, mixed, kept, dx = (
        dy.reshape(-1), x.reshape(-1), packed.reshape(-1), mixed.reshape(-1), kept.reshape(-1), dx.reshape(-1)
    )  # fmt: skip
    qkv_packed, out_packed = scratch(packed_size(wide, width)), scratch(packed_size(width, width))
    pack(qkv.reshape(-1), width, 1, wide, width, qkv_packed)
    pack(out.reshape(-1), width, 1, width, width, out_packed)
    rows, no_bias, nothing_kept = _rows_of_scratch(some * time), np.empty(0, np.float32), np.empty(0, np.float32)
    dbranch, dmix, mix = (
        scratch(rows * stride_of(width)), scratch(rows * stride_of(width)), scratch(rows * stride_of(width))
    )  # fmt: skip
    dw = scratch(rows * stride_of(wide))
    for b in range(0, leads, some):
        up_to = min(b + some, leads)
        r, n = b * time, (up_to - b) * time
        take_cotangent(n, width, dy, r * width, kept, dbranch)
        take_cotangent(n, width, mixed, r * width, nothing_kept, mix)
        product(n, width, width, dbranch, out_packed, no_bias, dmix)
        q = _view(packed, r * wide, up_to - b, heads, time, head, wide)
        k = _view(packed, r * wide + width, up_to - b, heads, time, head, wide)
        v = _view(packed, r * wide + 2 * width, up_to - b, heads, time, head, wide)
        dq = _view(dw, 0, up_to - b, heads, time, head, stride_of(wide))
        dk = _view(dw, width, up_to - b, heads, time, head, stride_of(wide))
        dv = _view(dw, 2 * width, up_to - b, heads, time, head, stride_of(wide))
        m = _view(mix, 0, up_to - b, heads, time, head, stride_of(width))
        dm = _view(dmix, 0, up_to - b, heads, time, head, stride_of(width))
        scale = f32(1 / math.sqrt(head))
        flash.backward(dm, q, k, v, m, lse[b:up_to], dq, dk, dv, lengths[b:up_to], causal, scale, 0)
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
    backward needs. Raises ValueError for shapes that do not fit.
    """
    _check(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, lengths, kept)
    arrays = [a for a in (x, gain, shift, qkv, qkv_bias, out, out_bias, kept) if a is not None]
    if not (compiled_for(*arrays) and x.size and fits_cache(qkv, out)):
        return attention_branch_twin(x, gain, shift, qkv, qkv_bias, out, out_bias, heads=heads, lengths=lengths,
                                     causal=causal, kept=kept, eps=eps)  # fmt: skip
    batch, time, width = x.shape
    x = plain(x)
    y, mixed, packed = np.empty_like(x), np.empty_like(x), np.empty((batch, time, 3 * width), f32)
    mean, rstd, lse = np.empty((batch, time), f32), np.empty((batch, time), f32), np.empty((batch, heads, time), f32)
    weights = [plain(w) for w in (gain, shift, qkv, qkv_bias, out, out_bias)]
    _forward(x, *weights, heads, _real(lengths), bool(causal), rows_kept(kept, width), f32(eps), y, mean.reshape(-1),
             rstd.reshape(-1), packed, mixed, lse)  # fmt: skip
    return y, (mean, rstd, packed, mixed, lse)


def attention_branch_backward(
    dy, x, gain, shift, qkv, out, saved, *, heads, lengths=None, causal=True, kept=None, frozen=False
):
    """Gradients of `attention_branch`, given what it returned beside y.

    dy (B, T, D)  ->  dx (B, T, D), dgain, dshift, dqkv, dqkv_bias, dout, dout_bias; with frozen, None for all but dx.
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
    _backward(plain(dy), x, *weights, heads, _real(lengths), bool(causal), rows_kept(kept, x.shape[-1]),
              mean.reshape(-1), rstd.reshape(-1), packed, mixed, lse, frozen, dx, *gradients)  # fmt: skip
    return dx, *([None] * len(gradients) if frozen else gradients)


def _real(lengths):
    return NO_LENGTHS if lengths is None else np.ascontiguousarray(lengths, np.int64)


def _check(x, gain, shift, qkv, qkv_bias, out, out_bias, heads, lengths, kept):
    if x.ndim != 3 or x.shape[-1] % heads:
        raise ValueError(f"attention_branch: x {x.shape} must be (B, T, D) with D a multiple of {heads} heads")
    width = x.shape[-1]
    wanted = {
        "gain": (gain, (width,)),
        "shift": (shift, (width,)),
        "qkv": (qkv, (3 * width, width)),
        "qkv_bias": (qkv_bias, (3 * width,)),
        "out": (out, (width, width)),
        "out_bias": (out_bias, (width,)),
        "lengths": (lengths, x.shape[:1]),
        "kept": (kept, x.shape),
    }
    for what, (array, shape) in wanted.items():
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"attention_branch: {what} has shape {np.shape(array)}, needs {shape} for x {x.shape}")
