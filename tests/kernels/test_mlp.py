import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout import kernels
from tinyscout.kernels.mlp import mlp_branch_backward_twin, mlp_branch_twin


def draw(seed, lead, width, hidden, dtype=np.float32):
    """x, weights and dy of a branch, of the sizes that training meets."""
    rng = np.random.default_rng(seed)
    shapes = (*lead, width), (width,), (width,), (hidden, width), (hidden,), (width, hidden), (width,), (*lead, width)
    x, gain, shift, up, up_bias, down, down_bias, dy = (rng.standard_normal(s).astype(dtype) for s in shapes)
    return x, (gain, shift, up * dtype(width**-0.5), up_bias, down * dtype(hidden**-0.5), down_bias), dy


def without_biases(weights):
    gain, shift, up, _, down, _ = weights
    return gain, shift, up, down


@settings(max_examples=80)
@given(
    lead=st.sampled_from([(), (0,), (1,), (7,), (63,), (64,), (65,), (3, 50), (200,)]),
    width=st.sampled_from([1, 16, 24, 32, 48, 64, 80, 128]),
    hidden=st.sampled_from([5, 16, 48, 64, 256, 272, 512]),
    dropped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_twin(lead, width, hidden, dropped, seed):
    x, weights, dy = draw(seed, lead, width, hidden)
    kept = (np.random.default_rng(seed).random(x.shape) < 0.8).astype(np.float32) * 1.25 if dropped else None
    y, saved = kernels.mlp_branch(x, *weights, kept=kept, eps=1e-3)
    wanted, wanted_saved = mlp_branch_twin(x, *weights, kept=kept, eps=1e-3)
    for got, want in zip((y, *saved), (wanted, *wanted_saved), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, strict=True)
    few = without_biases(weights)
    gradients = kernels.mlp_branch_backward(dy, x, *few, saved, kept=kept)
    wanted = mlp_branch_backward_twin(dy, x, *few, wanted_saved, kept=kept)
    for got, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4 * max(1, np.abs(want).max(initial=0)), strict=True)
    alone = kernels.mlp_branch_backward(dy, x, *few, saved, kept=kept, frozen=True)
    np.testing.assert_array_equal(alone[0], gradients[0])
    assert alone[1:] == (None,) * 6


def test_rows_do_not_depend_on_each_other():
    x, weights, dy = draw(1, (150,), 32, 128)
    few = without_biases(weights)
    together, saved = kernels.mlp_branch(x, *weights)
    some, saved_some = kernels.mlp_branch(x[:91], *weights)
    np.testing.assert_array_equal(some, together[:91])
    back = kernels.mlp_branch_backward(dy, x, *few, saved)[0]
    np.testing.assert_array_equal(kernels.mlp_branch_backward(dy[:91], x[:91], *few, saved_some)[0], back[:91])
    x[70, 3] = np.nan
    spoilt, saved = kernels.mlp_branch(x, *weights)
    assert np.isnan(spoilt[70]).all()
    np.testing.assert_array_equal(np.delete(spoilt, 70, axis=0), np.delete(together, 70, axis=0))
    gradients = kernels.mlp_branch_backward(dy, x, *few, saved)
    np.testing.assert_array_equal(np.delete(gradients[0], 70, axis=0), np.delete(back, 70, axis=0))
    assert np.isnan(gradients[0][70]).all() and np.isnan(gradients[3]).any()


def test_the_same_bits_again():
    x, weights, dy = draw(2, (3, 40), 64, 256)
    y, saved = kernels.mlp_branch(x, *weights)
    gradients = kernels.mlp_branch_backward(dy, x, *without_biases(weights), saved)
    again, saved = kernels.mlp_branch(x, *weights)
    np.testing.assert_array_equal(again, y)
    for a, b in zip(gradients, kernels.mlp_branch_backward(dy, x, *without_biases(weights), saved), strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_shapes_are_named():
    x, weights, _ = draw(3, (4,), 16, 32)
    with pytest.raises(ValueError, match=r"mlp_branch: down has shape \(32, 16\), needs \(16, 32\)"):
        kernels.mlp_branch(x, *weights[:4], weights[2], weights[5])
