import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout import kernels
from tinyscout.kernels.selfattention import attention_branch_backward_twin, attention_branch_twin


def draw(seed, lead, width, dtype=np.float32):
    """x, weights and dy of a branch, of the sizes that training meets."""
    rng = np.random.default_rng(seed)
    shapes = (*lead, width), (width,), (width,), (3 * width, width), (3 * width,), (width, width), (width,)
    x, gain, shift, qkv, qkv_bias, out, out_bias = (rng.standard_normal(s).astype(dtype) for s in shapes)
    scale = dtype(width**-0.5)
    weights = gain, shift, qkv * scale, qkv_bias, out * scale, out_bias
    return x, weights, rng.standard_normal(x.shape).astype(dtype)


def without_biases(weights):
    gain, shift, qkv, _, out, _ = weights
    return gain, shift, qkv, out


@settings(max_examples=60, deadline=None)
@given(
    lead=st.sampled_from([(0, 3), (2, 0), (1, 1), (5, 7), (3, 64), (1, 65), (2, 100), (9, 30)]),
    width=st.sampled_from([6, 16, 32, 48, 64, 128]),
    heads=st.sampled_from([1, 2]),
    causal=st.booleans(),
    padded=st.booleans(),
    dropped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_twin(lead, width, heads, causal, padded, dropped, seed):
    x, weights, dy = draw(seed, lead, width)
    rng = np.random.default_rng(seed)
    kept = (rng.random(x.shape) < 0.8).astype(np.float32) * 1.25 if dropped else None
    lengths = rng.integers(0, lead[1] + 1, lead[0]) if padded else None
    options = {"heads": heads, "lengths": lengths, "causal": causal, "kept": kept}
    y, saved = kernels.attention_branch(x, *weights, **options, eps=1e-3)
    wanted, wanted_saved = attention_branch_twin(x, *weights, **options, eps=1e-3)
    for got, want in zip((y, *saved), (wanted, *wanted_saved), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, strict=True)
    few = without_biases(weights)
    gradients = kernels.attention_branch_backward(dy, x, *few, saved, **options)
    wanted = attention_branch_backward_twin(dy, x, *few, wanted_saved, **options)
    for got, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4 * max(1, np.abs(want).max(initial=0)), strict=True)
    alone = kernels.attention_branch_backward(dy, x, *few, saved, **options, frozen=True)
    np.testing.assert_array_equal(alone[0], gradients[0])
    assert alone[1:] == (None,) * 6


def test_leads_do_not_depend_on_each_other():
    x, weights, dy = draw(1, (7, 20), 32)
    few = without_biases(weights)
    together, saved = kernels.attention_branch(x, *weights, heads=2)
    some, saved_some = kernels.attention_branch(x[:5], *weights, heads=2)
    np.testing.assert_array_equal(some, together[:5])
    back = kernels.attention_branch_backward(dy, x, *few, saved, heads=2)[0]
    back_some = kernels.attention_branch_backward(dy[:5], x[:5], *few, saved_some, heads=2)[0]
    np.testing.assert_array_equal(back_some, back[:5])
    x[3, 11, 2] = np.nan
    spoilt, _ = kernels.attention_branch(x, *weights, heads=2)
    assert np.isnan(spoilt[3, 11:]).all()
    np.testing.assert_array_equal(np.delete(spoilt, 3, axis=0), np.delete(together, 3, axis=0))


def test_the_same_bits_again():
    x, weights, dy = draw(2, (3, 40), 64)
    y, saved = kernels.attention_branch(x, *weights, heads=4)
    gradients = kernels.attention_branch_backward(dy, x, *without_biases(weights), saved, heads=4)
    again, saved = kernels.attention_branch(x, *weights, heads=4)
    np.testing.assert_array_equal(again, y)
    repeated = kernels.attention_branch_backward(dy, x, *without_biases(weights), saved, heads=4)
    for a, b in zip(gradients, repeated, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_shapes_are_named():
    x, weights, _ = draw(3, (2, 4), 16)
    with pytest.raises(ValueError, match=r"attention_branch: qkv has shape \(32, 16\), needs \(48, 16\)"):
        kernels.attention_branch(x, *weights[:2], weights[2][:32], *weights[3:], heads=2)
    with pytest.raises(ValueError, match="D a multiple of 3 heads"):
        kernels.attention_branch(x, *weights, heads=3)
    with pytest.raises(ValueError, match=r"lengths has shape \(3,\), needs \(2,\)"):
        kernels.attention_branch(x, *weights, heads=2, lengths=[1, 2, 3])
