import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout import kernels
from tinyscout.kernels.affine import linear_backward_input_twin, linear_backward_weight_twin, linear_twin

sizes = st.sampled_from([1, 7, 16, 18, 32, 48, 64, 80, 96, 128])


def draw(seed, *shapes, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@settings(max_examples=150)
@given(
    lead=st.sampled_from([(), (0,), (1,), (31,), (32,), (33,), (40,), (63,), (64,), (129,), (3, 50)]),
    n_in=sizes,
    n_out=sizes,
    biased=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_twin(lead, n_in, n_out, biased, seed):
    x, dy, weight, bias = draw(seed, (*lead, n_in), (*lead, n_out), (n_out, n_in), n_out)
    bias = bias if biased else None
    close = {"rtol": 1e-4, "atol": 2e-5 * max(n_in, n_out) ** 0.5, "strict": True}
    np.testing.assert_allclose(kernels.linear(x, weight, bias), linear_twin(x, weight, bias), **close)
    np.testing.assert_allclose(
        kernels.linear_backward_input(dy, weight), linear_backward_input_twin(dy, weight), **close
    )
    for got, want in zip(kernels.linear_backward_weight(dy, x), linear_backward_weight_twin(dy, x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, strict=True)


def test_whole_numbers_come_out_exactly():
    rng = np.random.default_rng(0)
    x, weight, bias, dy = (rng.integers(-9, 10, s).astype(np.float32) for s in ((70, 32), (64, 32), 64, (70, 64)))
    np.testing.assert_array_equal(kernels.linear(x, weight, bias), np.einsum("ni,oi->no", x, weight) + bias)
    np.testing.assert_array_equal(kernels.linear_backward_input(dy, weight), np.einsum("no,oi->ni", dy, weight))
    dweight, dbias = kernels.linear_backward_weight(dy, x)
    np.testing.assert_array_equal(dweight, np.einsum("no,ni->oi", dy, x))
    np.testing.assert_array_equal(dbias, dy.sum(axis=0))


def test_rows_do_not_depend_on_each_other():
    x, weight, bias = draw(1, (100, 48), (32, 48), 32)
    together = kernels.linear(x, weight, bias)
    np.testing.assert_array_equal(kernels.linear(x[:57], weight, bias), together[:57])
    x[3] = np.nan
    spoilt = kernels.linear(x, weight, bias)
    assert np.isnan(spoilt[3]).all()
    np.testing.assert_array_equal(np.delete(spoilt, 3, axis=0), np.delete(together, 3, axis=0))


def test_views_that_are_not_contiguous_give_the_same():
    x, weight, dy = draw(2, (64, 40), (32, 48), (32, 64))
    x = np.broadcast_to(x[:, None, :1], (64, 2, 48))
    weight = np.asfortranarray(weight)
    dy = np.stack([dy.T, dy.T], axis=1)
    np.testing.assert_array_equal(kernels.linear(x, weight), kernels.linear(x.copy(), weight.copy(order="C")))
    for got, want in zip(
        kernels.linear_backward_weight(dy.swapaxes(0, 1), x.swapaxes(0, 1)),
        kernels.linear_backward_weight(np.ascontiguousarray(dy.swapaxes(0, 1)), np.ascontiguousarray(x.swapaxes(0, 1))),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_float64_and_wrong_shapes():
    x, weight, bias = draw(3, (40, 16), (32, 16), 32, dtype=np.float64)
    assert kernels.linear(x, weight, bias).dtype == np.float64
    with pytest.raises(ValueError, match=r"linear: x \(40, 16\), weight \(32, 15\)"):
        kernels.linear(x, weight[:, :15], bias)
    with pytest.raises(ValueError, match="doesn't give"):
        kernels.linear_backward_input(x, weight)
    with pytest.raises(ValueError, match="must agree but for the last axis"):
        kernels.linear_backward_weight(x[:3], x)
