"""The walk backward: gradients add up, broadcasting is undone, nothing leaks, and misuse is named."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinyscout.autograd import OPS, Tensor, detect_anomaly, is_grad_enabled, no_grad, op, ops


def leaf(*values):
    return Tensor(np.array(values, dtype=np.float64), requires_grad=True)


def test_a_tensor_used_twice_gets_both_gradients():
    x = leaf(3.0, -1.0)
    (x * x + x * 2.0).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data + 2)


def test_diamonds_reach_each_node_once_and_only_when_its_gradient_is_complete():
    calls = []

    @op
    def passing(x):
        def backward(dy):
            calls.append(dy.copy())
            return (dy,)

        return x.copy(), backward

    x = leaf(1.0)
    y = passing(x)
    for _ in range(30):  # 2**30 paths
        y = y + y
    y.sum().backward()
    assert len(calls) == 1
    assert x.grad == calls[0] == 2.0**30
    del OPS["passing"]


def test_gradients_of_two_backwards_add_up_and_zeroing_forgets():
    x = leaf(1.0, 2.0)
    (x * 3.0).sum().backward()
    (x * 4.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [7.0, 7.0])
    x.grad = None
    (x * 4.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [4.0, 4.0])


def test_two_leaves_never_share_one_gradient_array():
    x, y = leaf(1.0), leaf(2.0)
    (x + y).sum().backward()
    x.grad *= 10
    assert y.grad == 1.0


def test_summing_gradients_leaves_the_shared_ones_alone():
    x = leaf(1.0, 2.0)
    dy = np.ones(2)
    y, z = x * 1.0, x * 1.0
    ((y + z) + (y + (y + z))).backward(dy)  # add hands one and the same array to both its inputs
    np.testing.assert_array_equal(x.grad, [5.0, 5.0])
    np.testing.assert_array_equal(dy, [1.0, 1.0])


@settings(max_examples=60)
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), st.integers(0, 2**32 - 1))
def test_broadcasting_is_undone_for_any_shapes(shapes, seed):
    rng = np.random.default_rng(seed)
    tensors = [Tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes.input_shapes]
    a, b, c = tensors
    dy = rng.standard_normal(shapes.result_shape)
    (a * b + c).backward(dy)
    for tensor, full in zip(tensors, (dy * b.data, dy * a.data, dy), strict=True):
        expected = np.zeros(tensor.shape)
        wide = np.broadcast_to(np.arange(tensor.size).reshape(tensor.shape), shapes.result_shape)
        np.add.at(expected.reshape(-1), wide.reshape(-1), np.broadcast_to(full, shapes.result_shape).reshape(-1))
        np.testing.assert_allclose(tensor.grad, expected, atol=1e-12)


def test_a_graph_far_deeper_than_the_recursion_limit():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad == 1.0


def test_a_step_leaves_nothing_to_the_garbage_collector():
    w, b = leaf(*np.ones(4)).data.reshape(2, 2), np.zeros(2)
    weight, bias = Tensor(w, requires_grad=True), Tensor(b, requires_grad=True)
    x = np.ones((3, 2))

    def step():
        h = ops.gelu(ops.linear(Tensor(x), weight, bias))
        y = ops.layer_norm(h + h, np.ones(2), bias)
        ops.bce_with_logits(y[:, 0], targets=np.ones(3)).backward()
        ops.attention(*[y.reshape(1, 1, 3, 2)] * 3).sum()  # and a graph that never goes backward

    step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(5):
            step()
        assert len(gc.get_objects()) - before < 5
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_an_activation_nobody_needs_is_freed_during_the_forward_pass():
    x = leaf(1.0, 2.0)
    middle = x + 1.0
    gone = weakref.ref(middle._array)
    y = middle + 1.0  # add's backward needs no activation
    del middle
    assert gone() is None
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_no_grad_builds_no_graph_and_ends_with_its_block():
    x = leaf(1.0)
    with no_grad():
        assert not is_grad_enabled()
        assert not (x * 2.0).requires_grad
    assert is_grad_enabled()
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_constants_get_no_gradient_and_cost_no_product():
    @op
    def costly(x, y):
        def refuse():
            raise AssertionError("nobody wants this gradient")

        return x * y, lambda dy: (lambda: dy * y, refuse)

    x = leaf(2.0)
    costly(x, np.array([3.0])).sum().backward()
    assert x.grad == 3.0
    del OPS["costly"]


def test_retain_grad_keeps_the_gradient_of_a_result():
    x = leaf(2.0)
    y = (x * 3.0).retain_grad()
    (y * y).sum().backward()
    assert y.grad == 12.0
    assert x.grad == 36.0


def test_data_is_kept_and_everything_else_becomes_float32():
    for dtype in (np.float32, np.float64):
        array = np.ones(3, dtype=dtype)
        assert Tensor(array).data is array
    assert Tensor([1, 2]).dtype == Tensor(1.5).dtype == Tensor(np.arange(3)).dtype == np.float32
    assert (2.0 * Tensor([1.0])).dtype == (np.ones(1) * Tensor([1.0])).dtype == np.float32


# -- misuse


def test_assigning_an_element_raises_with_a_remedy():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match=r"build a new tensor with ops\.where or ops\.concat"):
        x[0] = 5.0
    with no_grad():
        x[0] = 5.0
    np.testing.assert_array_equal(x.data, [5.0, 2.0])


def test_the_result_of_an_op_is_read_only():
    y = leaf(1.0, 2.0) * 2.0
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5.0
    with pytest.raises(TypeError, match="the data of mul's output can't be replaced"):
        y.data = np.zeros(2)


@pytest.mark.parametrize("change", ["augmented", "marked", "element"])
def test_a_parameter_changed_between_forward_and_backward_is_noticed(change):
    x = leaf(1.0, 2.0)
    x.name = "block.weight"
    y = (x * x).sum()
    if change == "augmented":
        x.data -= 0.1
    elif change == "marked":
        x.data[...] = 0.0
        x.mark_changed()
    else:
        with no_grad():
            x[0] = 4.0
    with pytest.raises(
        RuntimeError, match=r"mul: block\.weight \(2,\).* changed in place between forward and backward"
    ):
        y.backward()


def test_a_second_backward_through_one_graph_says_to_run_forward_again():
    y = (leaf(1.0) * 2.0).sum()
    y.backward()
    with pytest.raises(
        RuntimeError, match=r"sum: backward\(\) has already used up this graph; run the forward pass again"
    ):
        y.backward()


def test_backward_needs_a_graph_and_a_cotangent_that_fits():
    with pytest.raises(RuntimeError, match="doesn't depend on anything with requires_grad"):
        Tensor([1.0]).backward()
    with pytest.raises(ValueError, match=r"a tensor of shape \(2,\) needs a cotangent"):
        (leaf(1.0, 2.0) * 2.0).backward()
    with pytest.raises(ValueError, match=r"cotangent has shape \(3,\), needs \(2,\)"):
        (leaf(1.0, 2.0) * 2.0).backward(np.ones(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.layer_norm(np.ones((32, 8)), np.ones(4), np.ones(8)),
         "layer_norm: gain has shape (4,), needs (8,) to match the last axis of x (32, 8)"),
        (lambda: Tensor(np.ones((2, 3))) + np.ones(4), "add: operands could not be broadcast"),
        (lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))), "matmul: x (2, 3) and y (2, 3) don't chain"),
        (lambda: ops.linear(np.ones((2, 3)), np.ones((4, 2))), "linear: x (2, 3) has a last axis"),
        (lambda: ops.linear(np.ones((2, 3)), np.ones((4, 3)), np.ones(3)), "linear: bias has shape (3,), needs (4,)"),
        (lambda: ops.embedding(np.ones((5, 2)), ids=[[0, 5]]), "embedding: id 5 at (0, 1) is outside the table of 5"),
        (lambda: ops.embedding(np.ones((5, 2)), ids=[-1]), "embedding: id -1 at (0,) is outside the table of 5"),
        (lambda: ops.cross_entropy(np.ones((2, 3)), targets=[0, 3]), "cross_entropy: target 3 at (1,) is not in 0..2"),
        (lambda: ops.cross_entropy(np.ones((2, 3)), targets=[0]), "cross_entropy: targets has shape (1,), needs (2,)"),
        (lambda: ops.bce_with_logits(np.ones(2), targets=[0, 1], weights=[1, -1]), "the smallest weight is -1.0"),
        (lambda: ops.attention(*[np.ones((2, 3, 4))] * 3), "attention: q (2, 3, 4)"),
        (lambda: ops.attention(*[np.ones((2, 1, 3, 4))] * 3, lengths=[1]), "attention: lengths has shape (1,), needs"),
        (lambda: ops.self_attention(np.ones((2, 3, 8)), heads=2), "self_attention: qkv (2, 3, 8) must be (B, T, 3D)"),
        (lambda: ops.dropout(np.ones(2), p=1.0, rng=None), "dropout: p is 1.0, needs 0 <= p < 1"),
        (lambda: ops.sum(np.ones(2), axis=3), "sum: axis 3 is out of bounds"),
        (lambda: leaf(1.0) + Tensor(np.ones(1, np.float32)), "add: tensors of float64 and float32 can't be mixed"),
        (lambda: np.exp(leaf(1.0)), "'Tensor' does not support ufuncs"),
        (lambda: np.asarray(leaf(1.0)), "use tinyscout.autograd.ops"),
        (lambda: leaf(2.0) ** leaf(2.0), "power: the exponent is a Tensor, needs a number"),
        (lambda: Tensor(leaf(2.0)), "Tensor: data is already a Tensor"),
    ],
)  # fmt: skip
def test_every_error_is_one_line_that_names_the_op(call, message):
    with pytest.raises((ValueError, TypeError, IndexError)) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_op_refuses_positional_options_taken_names_and_wrong_outputs():
    with pytest.raises(TypeError, match="op scaled: factor is an option; make it keyword-only"):

        @op
        def scaled(x, factor=2.0):
            return x * factor, lambda dy: (dy * factor,)

    with pytest.raises(ValueError, match="already defines an op named exp"):

        @op
        def exp(x):
            return np.exp(x), lambda dy: (dy,)

    @op
    def careless(x, *, how):
        if how == "dtype":
            return x.astype(np.float64), lambda dy: (dy,)
        return x * 1, (lambda dy: (dy, dy)) if how == "count" else lambda dy: (dy[:1],)

    x = Tensor(np.ones(2, dtype=np.float32), requires_grad=True)
    with pytest.raises(TypeError, match="careless: inputs are float32 but the output is float64"):
        careless(x, how="dtype")
    with pytest.raises(ValueError, match="careless: backward returned 2 gradients for 1 inputs"):
        careless(x, how="count").sum().backward()
    with pytest.raises(ValueError, match=r"careless: backward returned shape \(1,\) for input 0 of shape \(2,\)"):
        careless(x, how="shape").sum().backward()
    del OPS["careless"]


def test_detect_anomaly_names_the_first_op_that_goes_wrong():
    x = leaf(1.0, -1.0)
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"log: forward has 1 values that are not finite of 2.*\(1,\)"),
    ):
        (x.log() * 2.0).sum()
    zero = leaf(4.0, 0.0)
    with detect_anomaly():
        y = zero.sqrt().sum()
        with pytest.raises(
            FloatingPointError, match=r"sqrt: backward, gradient of input 0, has 1 .* inf at index \(1,\)"
        ):
            y.backward()


def test_no_grad_in_one_thread_leaves_the_others_alone():
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_grad_enabled).result()
        assert pool.submit(lambda: (leaf(1.0) * 2.0).requires_grad).result()
