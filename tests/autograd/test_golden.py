"""Values and gradients against PyTorch's, made once by tests/golden/make_golden.py."""

from pathlib import Path

import numpy as np
import pytest

from tinyscout.autograd import Tensor, ops

GOLDEN = Path(__file__).parents[1] / "golden"
DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])


def load(name, dtype):
    with np.load(GOLDEN / f"{name}.npz") as file:
        return {k: a.astype(dtype) if a.dtype == np.float64 else a for k, a in file.items()}


def leaves(golden, *names):
    return [Tensor(golden[name], requires_grad=True) for name in names]


def close(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max()))


@DTYPES
def test_attention(dtype, tolerance):
    golden = load("attention", dtype)
    q, k, v = leaves(golden, "q", "k", "v")
    y = ops.attention(q, k, v, lengths=golden["lengths"])
    y.backward(golden["dy"])
    real = np.arange(5) < golden["lengths"][:, None]
    close(y.data.swapaxes(1, 2)[real], golden["y"].swapaxes(1, 2)[real], tolerance)
    assert not y.data.swapaxes(1, 2)[~real].any()
    for got, name in ((q.grad, "dq"), (k.grad, "dk"), (v.grad, "dv")):
        close(got, golden[name], tolerance)


@DTYPES
@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits"])
@pytest.mark.parametrize("form", ["plain", "weighted"])
def test_losses(dtype, tolerance, loss, form):
    golden = load(loss, dtype)
    (logits,) = leaves(golden, "logits")
    weights = golden["weights"] if form == "weighted" else None
    value = getattr(ops, loss)(logits, targets=golden["targets"], weights=weights)
    value.backward()
    close(value.data, golden[form], tolerance)
    close(logits.grad, golden[f"d_{form}"], tolerance)


@DTYPES
def test_layer_norm(dtype, tolerance):
    golden = load("layer_norm", dtype)
    x, gain, bias = leaves(golden, "x", "gain", "bias")
    y = ops.layer_norm(x, gain, bias)
    y.backward(golden["dy"])
    for got, name in ((y.data, "y"), (x.grad, "dx"), (gain.grad, "dgain"), (bias.grad, "dbias")):
        close(got, golden[name], tolerance)


@DTYPES
def test_gelu(dtype, tolerance):
    golden = load("gelu", dtype)
    (x,) = leaves(golden, "x")
    y = ops.gelu(x)
    y.backward(golden["dy"])
    close(y.data, golden["y"], tolerance)
    close(x.grad, golden["dx"], tolerance)
