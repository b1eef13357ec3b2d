"""Attention over keys that lie as columns, against the plain attention of multihead.py."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.kernels.attend import attend, attend_one, keys_as_columns
from tinyscout.kernels.jit import JIT
from tinyscout.kernels.multihead import attention_twin
from tinyscout.kernels.simd import LANES, TILE_ROWS

pytestmark = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")
f32 = np.float32


def attended(q, k, v, at):
    """attend() for queries q (n, K) at positions at, at + 1, ... over keys and values (at + n, K)."""
    (rows, width), seen = q.shape, len(k)
    long = (seen + LANES - 1) // LANES * LANES + LANES
    room = np.zeros((TILE_ROWS + 2) * (width + LANES), f32)  # a tile reads beyond the rows there are
    flat_q = np.append((q * f32(math.log2(math.e) / math.sqrt(width))).ravel(), room)
    keys = np.full((width + LANES) * long, 7, f32)
    keys_as_columns(np.append(k.ravel(), room), 0, width, seen, width, keys, 0, long)
    y = np.full(rows * width, 9, f32)
    weights, tile = np.empty(TILE_ROWS * long, f32), np.empty(TILE_ROWS * (width + LANES), f32)
    attend(rows, at, width, flat_q, 0, width, keys, 0, long, np.append(v.ravel(), room), 0, width, weights, tile, y, 0,
           width)  # fmt: skip
    return y.reshape(rows, width)


@settings(max_examples=100)
@given(rows=st.integers(1, 40), at=st.integers(0, 40), width=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_equals_the_twin_at_every_shape_and_position(rows, at, width, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((n, width)).astype(f32) for n in (rows, at + rows, at + rows))
    want, _ = attention_twin(*(x[None, None].astype(float) for x in (q, k, v)), causal=True, offset=at)
    np.testing.assert_allclose(attended(q, k, v, at), want[0, 0], rtol=0, atol=1e-5)


def test_a_query_gets_the_same_bits_alone_or_in_a_tile():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((37, 16)).astype(f32) for _ in range(3))
    together = attended(q, k, v, 0)
    for i in range(37):
        np.testing.assert_array_equal(attended(q[i : i + 1], k[: i + 1], v[: i + 1], i)[0], together[i])
    np.testing.assert_array_equal(attended(q[20:], k, v, 20), together[20:])


def test_large_logits_stay_finite():
    q, k = np.full((3, 8), 300, f32), np.full((3, 8), 300, f32)
    k[1] *= -1
    v = np.arange(24, dtype=f32).reshape(3, 8)
    np.testing.assert_allclose(attended(q, k, v, 0), [v[0], v[0], (v[0] + v[2]) / 2], atol=1e-6)


def test_one_query_writes_its_own_columns_alone():
    keys, y = np.zeros(16 * 2 * LANES, f32), np.full(3 * LANES, 9, f32)
    v = np.ones(4 * LANES, f32)
    attend_one(2, 5, np.zeros(8, f32), 0, keys, 0, LANES, v, 0, 5, np.empty(2 * LANES, f32), y, 3)
    np.testing.assert_array_equal(y[3:8], np.ones(5))
    assert (y[:3] == 9).all() and (y[8:] == 9).all()
