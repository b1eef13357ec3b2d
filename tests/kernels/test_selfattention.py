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


@settings(max_examples=60)
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


@settings(max_examples=40)
@given(
    lengths=st.sampled_from([[3], [1, 1, 1], [5, 0, 7, 64, 2], [65, 1, 100], [30] * 9, [0, 40, 0]]),
    width=st.sampled_from([6, 16, 64]),
    causal=st.booleans(),
    dropped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_ragged_equals_its_twin_and_padded(lengths, width, causal, dropped, seed):
    batch = len(lengths), max(lengths)
    x, weights, dy = draw(seed, batch, width)
    real = np.arange(batch[1]) < np.array(lengths)[:, None]  # (B, T)
    dy = dy * real[..., None]
    kept = (np.random.default_rng(seed).random(x.shape) < 0.8).astype(np.float32) * 1.25
    few = without_biases(weights)
    padded = {"heads": 2, "causal": causal, "lengths": lengths, "kept": kept if dropped else None}
    ragged = padded | {"kept": kept[real] if dropped else None}
    y, saved = kernels.attention_branch(x[real], *weights, **ragged)
    gradients = kernels.attention_branch_backward(dy[real], x[real], *few, saved, **ragged)
    twin, twin_saved = attention_branch_twin(x[real], *weights, **ragged)
    twin_gradients = attention_branch_backward_twin(dy[real], x[real], *few, twin_saved, **ragged)
    for got, want in zip((y, *saved), (twin, *twin_saved), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, strict=True)
    wanted, wanted_saved = kernels.attention_branch(x, *weights, **padded)
    dx, *others = kernels.attention_branch_backward(dy, x, *few, wanted_saved, **padded)
    np.testing.assert_allclose(y, wanted[real], rtol=1e-5, atol=1e-5)
    for want in (twin_gradients, (dx[real], *others)):
        for got, expected in zip(gradients, want, strict=True):
            atol = 1e-4 * max(1, np.abs(expected).max(initial=0))
            np.testing.assert_allclose(got, expected, rtol=1e-3, atol=atol, strict=True)


def test_ragged_leads_do_not_see_each_other():
    x, weights, dy = draw(1, (60,), 32)
    few, lengths = without_biases(weights), [20, 0, 9, 31]
    together, saved = kernels.attention_branch(x, *weights, heads=2, lengths=lengths, causal=False)
    back = kernels.attention_branch_backward(dy, x, *few, saved, heads=2, lengths=lengths, causal=False)[0]
    x[24], dy[24] = np.nan, np.nan
    spoilt, saved = kernels.attention_branch(x, *weights, heads=2, lengths=lengths, causal=False)
    back_spoilt = kernels.attention_branch_backward(dy, x, *few, saved, heads=2, lengths=lengths, causal=False)[0]
    others = np.r_[0:20, 29:60]
    assert np.isnan(spoilt[20:29]).all() and np.isnan(back_spoilt[20:29]).all()
    np.testing.assert_array_equal(spoilt[others], together[others])
    np.testing.assert_array_equal(back_spoilt[others], back[others])


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
    for lengths in (None, [1, 2, 4], [9, -1]):
        with pytest.raises(ValueError, match=r"must add up to the rows of \(8, 16\)"):
            kernels.attention_branch(x.reshape(8, 16), *weights, heads=2, lengths=lengths)
