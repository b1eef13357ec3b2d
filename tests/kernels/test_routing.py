"""Routing in compiled code against nn/moe.py, which it repeats."""

import numpy as np
import pytest

from tinyscout.autograd import Tensor, ops
from tinyscout.kernels.jit import JIT
from tinyscout.kernels.routing import add_gated, gather, group, route
from tinyscout.kernels.simd import LANES
from tinyscout.nn.moe import best

pytestmark = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")
f32 = np.float32


def rows_and_router(rows: int, width: int, experts: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with scratch behind their width, and a router with zeros there, as in a forward."""
    rng, stride = np.random.default_rng(3), (width + LANES - 1) // LANES * LANES
    x = rng.standard_normal((rows, stride)).astype(f32)
    x[:, width:] = np.nan
    router = np.zeros((2 + experts, stride), f32)
    router[:, :width] = 2 * rng.standard_normal((2 + experts, width))
    return x, router


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize(("width", "experts"), [(LANES, 2), (6, 3), (LANES + 3, 7)])
def test_rows_get_the_experts_and_gates_of_the_twin(width, experts, top_k):
    x, router = rows_and_router(200, width, experts)
    logits = x[:, :width] @ router[2:, :width].T
    chosen, gates = np.zeros(200 * top_k, np.int64), np.zeros(200 * top_k, f32)
    route(200, width, x.shape[1], x.reshape(-1), router, 2, experts, top_k, chosen, gates)
    np.testing.assert_array_equal(chosen.reshape(200, top_k), best(logits, top_k))
    want = ops.gates(Tensor(logits), chosen=best(logits, top_k)).data
    np.testing.assert_allclose(gates.reshape(200, top_k), want, rtol=0, atol=5e-6)


def test_of_equal_logits_the_first_expert_is_taken():
    x, router = np.ones((1, LANES), f32), np.zeros((4, LANES), f32)
    for values, one, two in (([1, 1, 1, 1], [0], [0, 1]), ([0, 2, 2, 2], [1], [1, 2]), ([3, 2, 3, 1], [0], [0, 2])):
        router[:, 0] = values
        for top_k, want in ((1, one), (2, two)):
            chosen, gates = np.zeros(top_k, np.int64), np.zeros(top_k, f32)
            route(1, LANES, LANES, x.reshape(-1), router, 0, 4, top_k, chosen, gates)
            assert chosen.tolist() == want == best(router[None, :, 0], top_k)[0].tolist()


def test_large_logits_do_not_overflow_and_a_nan_comes_out():
    x, router = np.ones((1, LANES), f32), np.zeros((3, LANES), f32)
    chosen, gates = np.zeros(2, np.int64), np.zeros(2, f32)
    router[:, 0] = [-3e3, 3e3, 0]
    for top_k, want in ((1, [1]), (2, [1, 0])):
        route(1, LANES, LANES, x.reshape(-1), router, 0, 3, top_k, chosen, gates)
        np.testing.assert_array_equal(gates[:top_k], want)
    x[0, 1] = np.nan
    for top_k in (1, 2):
        gates[:] = 0
        route(1, LANES, LANES, x.reshape(-1), router, 0, 3, top_k, chosen, gates)
        assert np.isnan(gates[:top_k]).all() and set(chosen[:top_k]) <= {0, 1, 2}


@pytest.mark.parametrize("top_k", [1, 2])
def test_sorted_by_expert_and_back_is_the_sum_by_gates(top_k):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2 * LANES)).astype(f32)
    chosen, gates = rng.integers(0, 5, 50 * top_k), rng.random(50 * top_k).astype(f32)
    chosen[chosen == 3] = 1  # an expert without rows
    order, ends = np.zeros(50 * top_k, np.int64), np.zeros(6, np.int64)
    group(50 * top_k, 5, chosen, order, ends)
    np.testing.assert_array_equal(order, np.argsort(chosen, kind="stable"))
    np.testing.assert_array_equal(ends[:5], np.cumsum(np.bincount(chosen, minlength=5)))
    moved = np.zeros((50 * top_k, 2 * LANES), f32)
    gather(50 * top_k, top_k, 2 * LANES, x.reshape(-1), order, moved.reshape(-1))
    np.testing.assert_array_equal(moved, x[order // top_k])
    out = np.ones_like(x)
    add_gated(50 * top_k, top_k, 2 * LANES, moved.reshape(-1), gates, order, out.reshape(-1))
    np.testing.assert_allclose(out, 1 + x * gates.reshape(50, top_k).sum(axis=1, keepdims=True), atol=1e-5)
