"""Optimisers against PyTorch's steps, the schedule's corners, and clipping."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tinyscout.autograd import Tensor
from tinyscout.optim import SGD, AdamW, clip_grad_norm, warmup_cosine

GOLDEN = Path(__file__).parent / "golden"
MAKE = {
    "adamw": lambda params: AdamW(params, lr=0.05, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1),
    "sgd": lambda params: SGD(params, lr=0.05, momentum=0.9),
}
KINDS = pytest.mark.parametrize("kind", MAKE)
DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-6)])


def golden(dtype):
    with np.load(GOLDEN / "optimisers.npz") as file:
        return {name: array.astype(dtype) for name, array in file.items()}


def start(arrays):
    return {name: Tensor(arrays[f"start.{name}"].copy(), requires_grad=True) for name in ("weight", "bias")}


def run(optimiser, params, arrays, steps):
    for step in steps:
        for name, parameter in params.items():
            parameter.grad = arrays[f"grad{step}.{name}"].copy()
        if step == 4:
            optimiser.lr = 0.01
        optimiser.step()


@KINDS
@DTYPES
def test_six_steps_equal_pytorchs(kind, dtype, tolerance):
    arrays = golden(dtype)
    params = start(arrays)
    run(MAKE[kind](params.items()), params, arrays, range(6))
    for name, parameter in params.items():
        assert parameter.dtype == dtype
        np.testing.assert_allclose(parameter.data, arrays[f"{kind}.{name}"], rtol=0, atol=tolerance)


@KINDS
@DTYPES
def test_stopping_and_resuming_gives_the_same_bits(kind, dtype, tolerance):
    arrays = golden(dtype)
    whole, part = start(arrays), start(arrays)
    run(MAKE[kind](whole.items()), whole, arrays, range(6))
    first = MAKE[kind](part.items())
    run(first, part, arrays, range(3))
    state = first.state_dict()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    resumed = {name: Tensor(parameter.numpy(), requires_grad=True) for name, parameter in part.items()}
    second = MAKE[kind](resumed.items())
    second.load_state_dict(state)
    run(second, resumed, arrays, range(3, 6))
    for name in whole:
        np.testing.assert_array_equal(resumed[name].data, whole[name].data)


def test_a_state_of_another_model_is_refused():
    optimiser = MAKE["adamw"](start(golden(np.float32)).items())
    state = optimiser.state_dict()
    for wrong in (
        state | {"mean/extra": np.ones(1)},
        {name: array for name, array in state.items() if name != "square/bias"},
        state | {"mean/bias": np.ones(7)},
    ):
        with pytest.raises(
            ValueError, match=r"AdamW.load_state_dict: (mean|square)/(extra|bias) and 0 others don't match"
        ):
            optimiser.load_state_dict(wrong)


def test_steps_write_in_place_leave_gradients_alone_and_skip_what_has_none():
    params = start(golden(np.float64))
    weight, bias = params["weight"], params["bias"]
    array, before = weight.data, bias.numpy()
    weight.grad = np.ones((3, 4))
    optimiser = MAKE["adamw"](params.items())
    optimiser.step()
    assert weight.data is array
    np.testing.assert_array_equal(weight.grad, np.ones((3, 4)))
    np.testing.assert_array_equal(bias.data, before)
    optimiser.zero_grad()
    assert weight.grad is None


def test_biases_and_gains_are_not_decayed_by_default():
    names = ["a.weight", "a.bias", "norm.gain", "embedding.weight"]
    params = {name: Tensor(np.ones(2), requires_grad=True) for name in names}
    optimiser = AdamW(params.items(), lr=0.1, weight_decay=0.5)
    for parameter in params.values():
        parameter.grad = np.zeros(2)
    optimiser.step()
    assert [float(p.data[0]) for p in params.values()] == pytest.approx([0.95, 1.0, 1.0, 0.95])


def test_an_optimiser_without_parameters_says_so():
    with pytest.raises(ValueError, match="SGD: no parameters"):
        SGD([], lr=0.1)


def test_schedule_rises_in_a_line_and_falls_along_a_cosine():
    rates = [warmup_cosine(step, warmup=4, total=12, peak=2.0) for step in range(15)]
    np.testing.assert_allclose(rates[:4], [0.5, 1.0, 1.5, 2.0])
    assert rates[4] == 2.0
    assert rates[8] == pytest.approx(2.0 * (0.1 + 0.9 / 2))
    np.testing.assert_allclose(rates[12:], 0.2)
    assert all(a > b for a, b in pairwise(rates[4:13]))
    assert warmup_cosine(0, warmup=0, total=1, peak=1.0) == 1.0


def test_clipping_scales_all_gradients_together_and_returns_the_length_before():
    params = [Tensor(np.zeros(2, dtype=np.float32), requires_grad=True) for _ in range(3)]
    params[0].grad, params[1].grad = np.array([3, 0], np.float32), np.array([0, 4], np.float32)
    assert clip_grad_norm(params, 10.0) == 5.0
    np.testing.assert_array_equal(params[0].grad, [3, 0])
    assert clip_grad_norm(params, 1.0) == 5.0
    np.testing.assert_allclose(params[0].grad, [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(params[1].grad, [0, 0.8], rtol=1e-6)
    params[0].grad = np.array([np.nan, 1], np.float32)
    assert math.isnan(clip_grad_norm(params, 1.0))
    np.testing.assert_allclose(params[1].grad, [0, 0.8], rtol=1e-6)
