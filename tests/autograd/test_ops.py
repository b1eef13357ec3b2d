"""Every op in the registry: its gradient, its dtype, its manners. An op without a case here fails the build."""

import numpy as np
import pytest
import scipy.sparse

from tinyscout.autograd import OPS, GradientError, Tensor, gradcheck, op

rng = np.random.default_rng(7)


def normal(*shape):
    return rng.standard_normal(shape)


def positive(*shape):
    return rng.uniform(0.5, 2.0, shape)


def apart(*shape):
    """Values at least 0.1 from each other and from 0, so that no kink lies within the step of a difference."""
    values = 0.1 * np.arange(1, np.prod(shape) + 1) * np.resize([1, -1], np.prod(shape))
    return rng.permutation(values).reshape(shape)


def branch_inputs(width, first, second):
    """x, gain and shift of the norm, and two layers of these shapes with their biases."""
    shapes = first, first[:1], second, second[:1]
    return [normal(2, 3, width), positive(width), normal(width), *(0.25 * normal(*shape) for shape in shapes)]


MATRIX = scipy.sparse.random(5, 4, density=0.6, random_state=3, format="csr")
SCALES = np.array([[0, 0.5, -2], [1, 0, 3]])
IDS = np.array([[0, 2, 2], [4, 0, 2]])
KEPT = 1.5 * (rng.random((2, 3, 16)) < 0.7)
CONDITION = np.array([[True, False, True], [False, False, True]])

# name: list of (call, inputs); call takes the op and a tensor for each input.
CASES = {
    "add": [(lambda f, x, y: f(x, y), [normal(2, 3), normal(3)])],
    "sub": [(lambda f, x, y: f(x, y), [normal(2, 3), normal(2, 1)])],
    "mul": [
        (lambda f, x, y: f(x, y), [normal(2, 3), normal(1, 3)]),
        (lambda f, x, y: f(x, y), [normal(), normal(2, 3)]),
    ],
    "div": [(lambda f, x, y: f(x, y), [normal(2, 3), positive(3)])],
    "neg": [(lambda f, x: f(x), [normal(2, 3)])],
    "power": [
        (lambda f, x: f(x, exponent=2.0), [normal(2, 3)]),
        (lambda f, x: f(x, exponent=-0.5), [positive(2, 3)]),
    ],
    "exp": [(lambda f, x: f(x), [normal(2, 3)])],
    "log": [(lambda f, x: f(x), [positive(2, 3)])],
    "sqrt": [(lambda f, x: f(x), [positive(2, 3)])],
    "tanh": [(lambda f, x: f(x), [normal(2, 3)])],
    "sigmoid": [(lambda f, x: f(x), [3 * normal(2, 3)])],
    "relu": [(lambda f, x: f(x), [apart(2, 3)])],
    "abs": [(lambda f, x: f(x), [apart(2, 3)])],
    "maximum": [(lambda f, x, y: f(x, y), [apart(2, 3), apart(3) + 0.05])],
    "minimum": [(lambda f, x, y: f(x, y), [apart(2, 3), apart(3) + 0.05])],
    "where": [(lambda f, x, y: f(x, y, condition=CONDITION), [normal(2, 3), normal(3)])],
    "clip": [(lambda f, x: f(x, low=-0.25, high=0.25), [apart(2, 3)])],
    "dropout": [(lambda f, x: f(x, p=0.4, rng=np.random.default_rng(0)), [normal(3, 4)])],
    "sum": [
        (lambda f, x: f(x), [normal(2, 3)]),
        (lambda f, x: f(x, axis=(0, -1), keepdims=True), [normal(2, 3, 2)]),
        (lambda f, x: f(x, axis=1), [normal(2, 3, 2)]),
    ],
    "mean": [(lambda f, x: f(x), [normal(2, 3)]), (lambda f, x: f(x, axis=(0, 2)), [normal(2, 3, 2)])],
    "max": [(lambda f, x: f(x), [apart(2, 3)]), (lambda f, x: f(x, axis=-1), [apart(2, 3)])],
    "logsumexp": [(lambda f, x: f(x), [normal(2, 3)]), (lambda f, x: f(x, axis=0, keepdims=True), [normal(2, 3)])],
    "softmax": [(lambda f, x: f(x), [normal(2, 3)]), (lambda f, x: f(x, axis=0), [normal(3, 2)])],
    "log_softmax": [(lambda f, x: f(x), [normal(2, 3)])],
    "reshape": [(lambda f, x: f(x, shape=(3, -1)), [normal(2, 3)])],
    "transpose": [(lambda f, x: f(x), [normal(2, 3)]), (lambda f, x: f(x, axes=(1, 2, 0)), [normal(2, 3, 2)])],
    "concat": [(lambda f, x, y, z: f(x, y, z, axis=1), [normal(2, 3), normal(2, 1), normal(2, 2)])],
    "stack": [(lambda f, x, y: f(x, y, axis=-1), [normal(2, 3), normal(2, 3)])],
    "index": [
        (lambda f, x: f(x, key=(slice(None), 1)), [normal(2, 3)]),
        (lambda f, x: f(x, key=(np.array([0, 1, 1]), np.array([2, 0, 0]))), [normal(2, 3)]),
        (lambda f, x: f(x, key=CONDITION), [normal(2, 3)]),
    ],
    "take_along": [(lambda f, x: f(x, indices=np.array([[0, 2, 0, 0], [1, 1, 2, 0]])), [normal(2, 3)])],
    "pad": [(lambda f, x: f(x, widths=((1, 0), (0, 2)), value=3.0), [normal(2, 3)])],
    "matmul": [
        (lambda f, x, y: f(x, y), [normal(2, 3), normal(3, 4)]),
        (lambda f, x, y: f(x, y), [normal(2, 1, 2, 3), normal(4, 3, 2)]),
        (lambda f, x, y: f(x, y), [normal(2, 2, 3), normal(3)]),
        (lambda f, x, y: f(x, y), [normal(3), normal(2, 3, 2)]),
        (lambda f, x, y: f(x, y), [normal(3), normal(3)]),
    ],
    "linear": [
        (lambda f, x, w, b: f(x, w, b), [normal(2, 2, 3), normal(4, 3), normal(4)]),
        (lambda f, x, w: f(x, w), [normal(3), normal(4, 3)]),
    ],
    "gates": [
        (lambda f, z: f(z, chosen=np.array([[0], [3], [2]])), [2 * normal(3, 4)]),
        (lambda f, z: f(z, chosen=np.array([[0, 1], [3, 2], [2, 0]])), [2 * normal(3, 4)]),
    ],
    "load_balance": [(lambda f, z: f(z, chosen=np.array([[0, 1], [3, 0], [2, 0]])), [2 * normal(3, 4)])],
    "router_z": [(lambda f, z: f(z), [2 * normal(3, 4)])],
    "grouped_linear": [
        (lambda f, x, w, b: f(x, w, b, ends=np.array([2, 2, 5])), [normal(5, 3), normal(3, 4, 3), normal(3, 4)]),
    ],
    "scatter_rows": [
        (lambda f, x, s: f(x, s, ids=np.array([2, 0, 2, 3]), size=4), [normal(4, 3), normal(4)]),
    ],
    "csr_matmul": [
        (lambda f, w: f(w, matrix=MATRIX.astype(w.dtype)), [normal(4)]),
        (lambda f, w: f(w, matrix=MATRIX.astype(w.dtype)), [normal(4, 2)]),
    ],
    "layer_norm": [(lambda f, x, g, b: f(x, g, b), [normal(2, 3, 5), positive(5), normal(5)])],
    "mlp_branch": [
        (lambda f, *inputs: f(*inputs), branch_inputs(3, (4, 3), (3, 4))),
        (lambda f, *inputs: f(*inputs, kept=KEPT), branch_inputs(16, (32, 16), (16, 32))),
    ],
    "attention_branch": [
        (lambda f, *inputs: f(*inputs, heads=2, causal=False), branch_inputs(4, (12, 4), (4, 4))),
        (lambda f, *inputs: f(*inputs, heads=1, kept=KEPT), branch_inputs(16, (48, 16), (16, 16))),
        (lambda f, *inputs: f(*inputs, heads=2, lengths=[2, 0]), branch_inputs(16, (48, 16), (16, 16))),
        (
            lambda f, *inputs: f(*inputs, heads=2, lengths=[2, 0, 3]),
            [normal(5, 4), *branch_inputs(4, (12, 4), (4, 4))[1:]],
        ),
    ],
    "gelu": [(lambda f, x: f(x), [2 * normal(3, 4)])],
    "embedding": [
        (lambda f, t: f(t, ids=IDS), [normal(5, 4)]),
        (lambda f, t, s: f(t, s, ids=IDS), [normal(5, 4), normal(2, 3)]),
    ],
    "add_embeddings": [
        (
            lambda f, x, t, u: f(x, t, u, ids=[IDS, np.arange(3)], scales=[SCALES, None]),
            [normal(2, 3, 4), normal(5, 4), normal(3, 4)],
        ),
        (lambda f, x, t: f(x, t, ids=[IDS], scales=[SCALES]), [normal(2, 3, 4), normal(5, 4)]),
    ],
    "attention": [
        (lambda f, q, k, v: f(q, k, v, causal=False), [normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4)]),
        (lambda f, q, k, v: f(q, k, v, lengths=np.array([0, 2])), [normal(2, 2, 3, 4) for _ in range(3)]),
        (
            lambda f, q, k, v: f(q, k, v, offset=2, scale=0.3),
            [normal(1, 2, 2, 4), normal(1, 2, 4, 4), normal(1, 2, 4, 4)],
        ),
    ],
    "self_attention": [
        (lambda f, x: f(x, heads=2), [normal(2, 3, 12)]),
        (lambda f, x: f(x, heads=1, lengths=np.array([3, 1, 0]), causal=False, scale=0.3), [normal(3, 3, 6)]),
        (lambda f, x: f(x, heads=2, lengths=[3, 0, 1]), [normal(4, 12)]),
    ],
    "last_attention": [
        (lambda f, q, kv: f(q, kv, heads=2), [normal(2, 6), normal(2, 3, 12)]),
        (lambda f, q, kv: f(q, kv, heads=1, lengths=[3, 1, 0], scale=0.3), [normal(3, 4), normal(3, 3, 8)]),
    ],
    "cross_entropy": [
        (lambda f, z: f(z, targets=np.array([0, 3, 2])), [normal(3, 4)]),
        (
            lambda f, z: f(z, targets=np.array([[0, -1], [3, 2]]), weights=np.array([[1, 0], [2, 0.5]])),
            [normal(2, 2, 4)],
        ),
    ],
    "log_likelihood": [
        (lambda f, z: f(z, targets=[0, 3, 2, 3], texts=[2, 0, 0, 2], count=3), [normal(4, 5)]),
    ],
    "bce_with_logits": [
        (lambda f, z: f(z, targets=np.array([0, 1, 0.3])), [3 * normal(3)]),
        (lambda f, z: f(z, targets=np.array([0, 1, np.nan]), weights=np.array([2.0, 1.0, 0])), [3 * normal(3)]),
    ],
    "foretold": [(lambda f, z: f(z, counts=np.array([[2, 0, 0, 1], [0, 0, 3, 0], [1, 0, 0, 0]])), [2 * normal(3, 4)])],
}
EACH = [
    pytest.param(name, call, inputs, id=f"{name}-{i}") for name in CASES for i, (call, inputs) in enumerate(CASES[name])
]
each_case = pytest.mark.parametrize(("name", "call", "inputs"), EACH)


def test_every_op_has_a_case_and_every_case_an_op():
    ours = {name for name, function in OPS.items() if function.__module__.startswith("tinyscout.")}
    assert ours == set(CASES)


@each_case
def test_gradient(name, call, inputs):
    gradcheck(lambda *tensors: call(OPS[name], *tensors), *inputs)


@each_case
def test_gradcheck_sees_a_wrong_sign_in_any_gradient_of_any_op(name, call, inputs):
    right = OPS[name].__wrapped__
    for wrong in range(len(inputs)):

        def planted(*arrays, wrong=wrong, **options):
            out, backward = right(*arrays, **options)

            def flipped(dy):
                grads = [g() if callable(g) else g for g in backward(dy)[: len(inputs)]]
                return [-g if i == wrong else g for i, g in enumerate(grads)]

            return out, flipped

        with pytest.raises(GradientError, match=f"argument {wrong}"):
            gradcheck(lambda *tensors, planted=planted: call(op(planted), *tensors), *inputs)
    del OPS["planted"]


@each_case
def test_float32_stays_float32_and_agrees_with_float64(name, call, inputs):
    results = {}
    for dtype in (np.float32, np.float64):
        tensors = [Tensor(x.astype(dtype), requires_grad=True) for x in inputs]
        y = call(OPS[name], *tensors)
        y.backward(np.random.default_rng(1).standard_normal(y.shape))
        results[dtype] = [y.data, *(t.grad for t in tensors)]
        assert [a.dtype for a in results[dtype]] == [dtype] * (1 + len(inputs))
    for low, high in zip(results[np.float32], results[np.float64], strict=True):
        np.testing.assert_allclose(low, high, rtol=1e-5, atol=1e-5)


@each_case
def test_neither_pass_changes_what_it_was_given(name, call, inputs):
    for dtype in (np.float32, np.float64):
        arrays = [x.astype(dtype) for x in inputs]
        kept = [x.copy() for x in arrays]
        y = call(OPS[name], *[Tensor(x, requires_grad=True) for x in arrays])
        dy = np.random.default_rng(1).standard_normal(y.shape).astype(dtype)
        kept_y, kept_dy = y.numpy(), dy.copy()
        y.backward(dy)
        for now, before in zip([*arrays, y.data, dy], [*kept, kept_y, kept_dy], strict=True):
            np.testing.assert_array_equal(now, before)


@each_case
def test_works_on_arrays_that_are_not_contiguous(name, call, inputs):
    def strided(x):
        wide = np.zeros((*x.shape, 2), dtype=np.float32)
        wide[..., 0] = x
        return wide[..., 0]

    straight = [Tensor(x.astype(np.float32), requires_grad=True) for x in inputs]
    spread = [Tensor(strided(x), requires_grad=True) for x in inputs]
    y, z = call(OPS[name], *straight), call(OPS[name], *spread)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(dy)
    z.backward(strided(dy))
    np.testing.assert_allclose(z.data, y.data, rtol=1e-5, atol=1e-6)
    for a, b in zip(straight, spread, strict=True):
        np.testing.assert_allclose(b.grad, a.grad, rtol=1e-5, atol=1e-6)
