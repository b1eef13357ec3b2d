import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout import kernels
from tinyscout.kernels.multihead import attention_backward_twin, attention_twin


def draw(seed, *shapes, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def packed(seed, batch, heads, time, width):
    """q, k, v as views of one projection (B, T, 3D), as the model has them."""
    (qkv,) = draw(seed, (batch, time, 3, heads, width))
    return tuple(qkv.transpose(2, 0, 3, 1, 4))


@st.composite
def cases(draw_from):
    batch, heads = draw_from(st.integers(0, 3)), draw_from(st.integers(1, 3))
    queries, width = draw_from(st.integers(1, 140)), draw_from(st.integers(1, 40))
    offset = draw_from(st.sampled_from([0, 0, 1, 17]))
    keys = queries + offset + draw_from(st.integers(-min(3, queries - 1), 3))
    lengths = draw_from(st.none() | st.lists(st.integers(0, keys + 2), min_size=batch, max_size=batch))
    options = {
        "lengths": None if lengths is None else np.array(lengths, np.int32),
        "causal": draw_from(st.booleans()),
        "scale": draw_from(st.sampled_from([None, 0.7])),
        "offset": offset,
    }
    return (batch, heads, queries, width), (batch, heads, keys, width), options, draw_from(st.integers(0, 2**32 - 1))


@settings(max_examples=120)
@given(cases())
def test_equals_twin(case):
    q_shape, k_shape, options, seed = case
    q, k, v, dy = draw(seed, q_shape, k_shape, k_shape, q_shape)
    y, lse = kernels.attention(q, k, v, **options)
    expected = attention_twin(q, k, v, **options)
    np.testing.assert_allclose(y, expected[0], rtol=2e-5, atol=2e-5, strict=True)
    np.testing.assert_allclose(lse, expected[1], rtol=2e-5, atol=2e-5, strict=True)
    gradients = kernels.attention_backward(dy, q, k, v, y, lse, **options)
    for got, want in zip(gradients, attention_backward_twin(dy, q, k, v, y, lse, **options), strict=True):
        tolerance = 2e-5 * max(1, np.abs(want).max(initial=0))
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=tolerance, strict=True)


@pytest.mark.parametrize("causal", [True, False])
def test_twin_gradient_is_that_of_its_value(causal):
    q, k, v, dy = draw(0, *[(2, 2, 4, 3)] * 4, dtype=np.float64)
    options = {"lengths": np.array([4, 2]), "causal": causal}
    analytic = attention_backward_twin(dy, q, k, v, *attention_twin(q, k, v, **options), **options)
    for array, gradient in zip((q, k, v), analytic, strict=True):
        for i in np.ndindex(array.shape):
            before = array[i]
            array[i] = before + 1e-6
            up = (attention_twin(q, k, v, **options)[0] * dy).sum()
            array[i] = before - 1e-6
            down = (attention_twin(q, k, v, **options)[0] * dy).sum()
            array[i] = before
            assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-8)


def test_twin_by_hand_one_query_at_a_time():
    q, k, v = draw(1, *[(1, 1, 5, 3)] * 3, dtype=np.float64)
    y, lse = attention_twin(q, k, v)
    for i in range(5):
        e = np.exp(k[0, 0, : i + 1] @ q[0, 0, i] / np.sqrt(3))
        np.testing.assert_allclose(y[0, 0, i], (e[:, None] * v[0, 0, : i + 1]).sum(axis=0) / e.sum())
        assert lse[0, 0, i] == pytest.approx(np.log(e.sum()))


def test_padding_is_neither_read_nor_written():
    q, k, v = packed(2, 3, 2, 20, 16)
    lengths = np.array([20, 7, 0])
    y, lse = kernels.attention(q, k, v, lengths=lengths)
    (dy,) = draw(3, q.shape)
    gradients = kernels.attention_backward(dy, q, k, v, y, lse, lengths=lengths)
    spoilt = [a.copy() for a in (q, k, v, dy)]
    for array in spoilt:
        array[1, :, 7:] = np.nan
        array[2] = np.nan
    y2, lse2 = kernels.attention(*spoilt[:3], lengths=lengths)
    np.testing.assert_array_equal(y2, y)
    assert (y[1, :, 7:] == 0).all() and (y[2] == 0).all() and (lse[2] == 0).all()
    for got, want in zip(
        kernels.attention_backward(spoilt[3], *spoilt[:3], y2, lse2, lengths=lengths), gradients, strict=True
    ):
        np.testing.assert_array_equal(got, want)
        assert (want[1, :, 7:] == 0).all() and (want[2] == 0).all()


def test_no_lead_depends_on_the_others():
    q, k, v = packed(4, 4, 2, 33, 16)
    lengths = np.array([33, 12, 1, 25])
    y, lse = kernels.attention(q, k, v, lengths=lengths)
    for b in range(4):
        one = slice(b, b + 1)
        alone, alone_lse = kernels.attention(q[one], k[one], v[one], lengths=lengths[one])
        np.testing.assert_array_equal(alone, y[one])
        np.testing.assert_array_equal(alone_lse, lse[one])


def test_queries_in_chunks_are_as_all_at_once():
    q, k, v = packed(5, 2, 2, 40, 16)
    whole, _ = kernels.attention(q, k, v)
    for size in (1, 7, 16):
        for start in range(0, 40, size):
            stop = min(start + size, 40)
            part, _ = kernels.attention(q[:, :, start:stop], k[:, :, :stop], v[:, :, :stop], offset=start)
            np.testing.assert_allclose(part, whole[:, :, start:stop], rtol=1e-6, atol=1e-6)


def test_gradients_into_views_of_one_array():
    q, k, v = packed(6, 3, 2, 19, 20)
    (dy,) = draw(7, q.shape)
    y, lse = kernels.attention(q, k, v)
    together = np.full((3, 19, 3, 2, 20), np.nan, np.float32)
    out = tuple(together.transpose(2, 0, 3, 1, 4))
    given = kernels.attention_backward(dy, q, k, v, y, lse, out=out)
    assert all(a is b for a, b in zip(given, out, strict=True))
    for got, want in zip(out, kernels.attention_backward(dy, q, k, v, y, lse), strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(ValueError, match="out must be three arrays of the shapes"):
        kernels.attention_backward(dy, q, k, v, y, lse, out=(out[0], out[1], out[2][:1]))


def test_any_strides_give_the_same():
    q, k, v = packed(8, 2, 3, 21, 16)
    plain = tuple(np.ascontiguousarray(a) for a in (q, k, v))
    backwards = tuple(np.ascontiguousarray(a[:, :, :, ::-1])[:, :, :, ::-1] for a in (q, k, v))
    repeated = tuple(np.broadcast_to(a[:1], a.shape) for a in plain)
    reference = kernels.attention(*plain)[0]
    np.testing.assert_array_equal(kernels.attention(q, k, v)[0], reference)
    np.testing.assert_array_equal(kernels.attention(*backwards)[0], reference)
    np.testing.assert_array_equal(kernels.attention(*repeated)[0][1], reference[0])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_nan_reaches_who_reads_it(which):
    arrays = [np.ascontiguousarray(a) for a in packed(9, 2, 1, 24, 16)]
    arrays[which][0, 0, 17, 3] = np.nan
    y, lse = kernels.attention(*arrays)
    dq, dk, dv = kernels.attention_backward(np.ones_like(y), *arrays, y, lse)
    reached = [17] if which == 0 else range(17, 24)
    assert np.isnan(y[0, 0, reached]).any(axis=-1).all() and np.isfinite(y[1]).all()
    assert np.isnan(dq[0, 0, reached]).any(axis=-1).all()
    assert np.isnan(dk[0]).any() and np.isfinite(dv[1]).all()


def test_shapes_that_do_not_fit_are_named():
    q, k, v = packed(10, 2, 1, 8, 4)
    with pytest.raises(ValueError, match=r"attention: q \(2, 1, 8, 4\), k \(2, 1, 7, 4\)"):
        kernels.attention(q, k[:, :, :7], v)
    with pytest.raises(ValueError, match=r"lengths has shape \(3,\), needs \(2,\)"):
        kernels.attention(q, k, v, lengths=np.array([1, 2, 3]))
    y, lse = kernels.attention(q, k, v)
    with pytest.raises(ValueError, match="do not belong to q"):
        kernels.attention_backward(y[:1], q, k, v, y, lse)
