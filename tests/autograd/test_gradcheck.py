"""gradcheck must see errors, say where they are, and leave what it was given as it was."""

import numpy as np
import pytest

from tinyscout.autograd import OPS, GradientError, Tensor, gradcheck, gradcheck_direction, op, ops


@pytest.fixture
def planted():
    """softmax whose backward forgets to take away the common part."""

    @op
    def forgetful_softmax(x):
        odds = np.exp(x - x.max(axis=-1, keepdims=True))
        out = odds / odds.sum(axis=-1, keepdims=True)
        return out, lambda dy: (out * dy,)

    yield forgetful_softmax
    del OPS["forgetful_softmax"]


def test_the_message_names_op_argument_index_and_both_values(planted):
    with pytest.raises(GradientError) as caught:
        gradcheck(planted, np.array([[0.0, 1.0, 3.0]]))
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "forgetful_softmax: argument 0, index (0, 0)",
        "backward gives",
        "differences give",
        "inputs (1, 3) [[",
    ):
        assert part in message


def test_through_a_sum_the_true_gradient_of_softmax_is_zero():
    """Why the cotangent is random: a check through .sum() compares with zero whatever softmax does."""
    x = Tensor(np.array([[0.0, 1.0, 3.0]]), requires_grad=True)
    ops.softmax(x).sum().backward()
    np.testing.assert_allclose(x.grad, 0, atol=1e-15)


def test_a_gradient_of_nan_is_an_error():
    @op
    def lost(x):
        return x * 2, lambda dy: (dy * np.nan,)

    with pytest.raises(GradientError, match="backward gives nan"):
        gradcheck(lost, np.ones(2))
    del OPS["lost"]


def test_a_forgotten_gradient_is_an_error():
    @op
    def silent(x):
        return x * 2, lambda dy: (None,)

    with pytest.raises(GradientError, match=r"silent: argument 0.*backward gives 0"):
        gradcheck(silent, np.ones(2))
    del OPS["silent"]


def test_inputs_stay_as_they_were():
    x = np.array([0.1, 0.7, 1.3])
    kept = x.copy()
    gradcheck(ops.tanh, x)
    np.testing.assert_array_equal(x, kept)


def test_direction_checks_a_model_and_puts_its_parameters_back():
    rng = np.random.default_rng(0)
    w, b = (Tensor(rng.standard_normal(s), requires_grad=True) for s in ((3, 4), (3,)))
    x = rng.standard_normal((5, 4))
    before = w.numpy()
    gradcheck_direction(lambda: (ops.tanh(ops.linear(x, w, b)) ** 2).mean(), [w, b])
    np.testing.assert_array_equal(w.data, before)


def test_direction_sees_an_error_and_refuses_float32(planted):
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3)), requires_grad=True)
    with pytest.raises(GradientError, match="along one direction through 1 parameters"):
        gradcheck_direction(lambda: (planted(x) ** 2).sum(), [x])
    low = Tensor(np.ones(3, dtype=np.float32), requires_grad=True)
    with pytest.raises(TypeError, match=r"parameter 0 of shape \(3,\) is float32, needs float64"):
        gradcheck_direction(lambda: low.sum(), [low])
