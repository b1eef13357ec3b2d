"""Attention: who may see whom, rows that see nobody, and the two forms of it against each other."""

import numpy as np
import pytest

from tinyscout.autograd import Tensor, ops

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def make(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@DTYPES
def test_a_row_that_may_see_nothing_gives_zeros_and_no_gradient(dtype):
    q, k, v = (Tensor(make(3, 2, 4, 8, dtype=dtype, seed=i), requires_grad=True) for i in range(3))
    y = ops.attention(q, k, v, lengths=np.array([4, 0, 2]))
    y.backward(make(*y.shape, dtype=dtype))
    assert not y.data[1].any()
    for tensor in (q, k, v):
        assert np.isfinite(tensor.grad).all()
        assert not tensor.grad[1].any()
        assert tensor.grad[0].any() and tensor.grad[2].any()
    packed = Tensor(make(3, 4, 24, dtype=dtype), requires_grad=True)
    y = ops.self_attention(packed, heads=2, lengths=np.array([0, 0, 2]))
    y.backward(make(*y.shape, dtype=dtype))
    assert not y.data[:2].any() and not packed.grad[:2].any() and packed.grad[2].any()


@DTYPES
@pytest.mark.parametrize("causal", [True, False])
def test_padding_is_never_seen(dtype, causal):
    lengths = np.array([5, 3, 1])
    q, k, v = (make(3, 2, 5, 8, dtype=dtype, seed=i) for i in range(3))
    dirty_k, dirty_v = k.copy(), v.copy()
    for row, length in enumerate(lengths):
        dirty_k[row, :, length:] = 1e4
        dirty_v[row, :, length:] = -1e4
    clean = ops.attention(q, k, v, lengths=lengths, causal=causal)
    dirty = ops.attention(q, dirty_k, dirty_v, lengths=lengths, causal=causal)
    np.testing.assert_array_equal(clean.data, dirty.data)


@DTYPES
@pytest.mark.parametrize("causal", [True, False])
def test_one_by_one_equals_padded_batch(dtype, causal):
    lengths = np.array([5, 3, 1])
    q, k, v, dy = (make(3, 2, 5, 8, dtype=dtype, seed=i) for i in range(4))
    for row, n in enumerate(lengths):
        dy[row, :, n:] = 0
    batch = [Tensor(x, requires_grad=True) for x in (q, k, v)]
    y = ops.attention(*batch, lengths=lengths, causal=causal)
    y.backward(dy)
    for row, n in enumerate(lengths):
        alone = [Tensor(x[row : row + 1, :, :n], requires_grad=True) for x in (q, k, v)]
        z = ops.attention(*alone, causal=causal)
        z.backward(dy[row : row + 1, :, :n])
        np.testing.assert_allclose(y.data[row, :, :n], z.data[0], atol=1e-6)
        for together, single in zip(batch, alone, strict=True):
            np.testing.assert_allclose(together.grad[row, :, :n], single.grad[0], atol=1e-5)
            assert not together.grad[row, :, n:].any()


@DTYPES
def test_the_future_changes_nothing(dtype):
    q, k, v = (make(2, 2, 6, 4, dtype=dtype, seed=i) for i in range(3))
    later_k, later_v = k.copy(), v.copy()
    later_k[:, :, 4:] += 3
    later_v[:, :, 4:] -= 3
    before, after = ops.attention(q, k, v).data, ops.attention(q, later_k, later_v).data
    np.testing.assert_array_equal(before[:, :, :4], after[:, :, :4])
    assert (before[:, :, 4:] != after[:, :, 4:]).all()


@DTYPES
def test_offset_gives_the_last_rows_of_the_whole(dtype):
    q, k, v = (make(2, 2, 6, 4, dtype=dtype, seed=i) for i in range(3))
    whole = ops.attention(q, k, v).data
    for start in range(6):
        part = ops.attention(q[:, :, start:], k, v, offset=start).data
        np.testing.assert_allclose(part, whole[:, :, start:], atol=1e-6)


@DTYPES
def test_self_attention_equals_attention_on_its_heads(dtype):
    lengths = np.array([5, 0, 2])
    packed = Tensor(make(3, 5, 24, dtype=dtype), requires_grad=True)
    dy = make(3, 5, 8, dtype=dtype, seed=1)
    y = ops.self_attention(packed, heads=2, lengths=lengths)
    y.backward(dy)
    q, k, v = (Tensor(x.copy(), requires_grad=True) for x in ops.split_heads(packed.data, 2))
    z = ops.attention(q, k, v, lengths=lengths)
    z.backward(dy.reshape(3, 5, 2, 4).transpose(0, 2, 1, 3))
    np.testing.assert_allclose(y.data, z.data.transpose(0, 2, 1, 3).reshape(3, 5, 8), atol=1e-6)
    parts = [t.grad.transpose(0, 2, 1, 3).reshape(3, 5, 8) for t in (q, k, v)]
    np.testing.assert_allclose(packed.grad, np.concatenate(parts, axis=-1), atol=1e-5)


@DTYPES
def test_ragged_self_attention_equals_padded(dtype):
    lengths = np.array([5, 0, 2])
    real = np.arange(5) < lengths[:, None]
    packed = Tensor(make(3, 5, 24, dtype=dtype), requires_grad=True)
    ragged = Tensor(packed.data[real], requires_grad=True)  # (7, 24)
    dy = make(3, 5, 8, dtype=dtype, seed=1)
    y, z = (ops.self_attention(x, heads=2, lengths=lengths) for x in (packed, ragged))
    y.backward(dy)
    z.backward(dy[real])
    np.testing.assert_allclose(z.data, y.data[real], atol=1e-6)
    np.testing.assert_allclose(ragged.grad, packed.grad[real], atol=1e-6)


def test_weights_are_those_of_the_formula():
    q, k = make(1, 1, 3, 4, seed=0), make(1, 1, 3, 4, seed=1)
    weights = ops.attention_weights(q, k, causal=False)[0, 0]
    odds = np.exp(q[0, 0] @ k[0, 0].T / 2)  # 2 = sqrt(4)
    np.testing.assert_allclose(weights, odds / odds.sum(axis=1, keepdims=True), rtol=1e-12)
    causal = ops.attention_weights(q, k)[0, 0]
    assert not causal[np.triu_indices(3, 1)].any()
    np.testing.assert_allclose(causal.sum(axis=1), 1)
    np.testing.assert_array_equal(ops.attention_weights(q, k, lengths=np.array([0])), 0)
