"""The block against PyTorch's, its three norms, its attention weights, and a whole model's gradient and training."""

from pathlib import Path

import numpy as np
import pytest

from tinyscout.autograd import Tensor, gradcheck_direction, ops
from tinyscout.nn import Block, Embedding, LayerNorm, Linear, Module, MultiHeadAttention
from tinyscout.optim import AdamW, clip_grad_norm

GOLDEN = Path(__file__).parents[1] / "golden"


class Model(Module):
    def __init__(self, norm="pre", dropout=0.0, seed=0, dtype=np.float32):
        rng = np.random.default_rng(seed)
        self.embedding = Embedding(12, 8, std=1.0, rng=rng, dtype=dtype)
        self.blocks = [Block(8, 2, hidden=16, norm=norm, dropout=dropout, rng=rng, dtype=dtype) for _ in range(2)]
        self.norm = LayerNorm(8, dtype=dtype)
        self.head = Linear(8, 1, rng=rng, dtype=dtype)

    def __call__(self, ids, lengths):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, lengths=lengths)
        last = self.norm(x)[np.arange(len(ids)), np.maximum(lengths - 1, 0)]
        return self.head(last).reshape(len(ids))


def batch(n=16, seed=5):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 12, (n, 6))
    return ids, rng.integers(1, 7, n), (ids[:, 0] % 2).astype(float)


def train(model, steps=30, lr=0.02):
    ids, lengths, y = batch()
    optimiser = AdamW(model.named_parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = ops.bce_with_logits(model(ids, lengths), targets=y)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 5e-6)])
def test_pre_norm_block_equals_pytorchs(dtype, tolerance):
    with np.load(GOLDEN / "block.npz") as file:
        golden = dict(file)
    block = Block(8, 2, norm="pre", rng=np.random.default_rng(0), dtype=dtype)
    block.load_state_dict({name[2:]: array for name, array in golden.items() if name.startswith("p.")})
    x = Tensor(golden["x"].astype(dtype), requires_grad=True)
    y = block(x, lengths=golden["lengths"])
    y.backward(golden["dy"].astype(dtype))
    real = np.arange(5) < golden["lengths"][:, None]
    np.testing.assert_allclose(y.data[real], golden["y"][real], rtol=0, atol=tolerance)
    np.testing.assert_allclose(x.grad, golden["dx"], rtol=0, atol=tolerance)
    for name, parameter in block.named_parameters():
        expected = golden[f"g.{name}"]
        np.testing.assert_allclose(
            parameter.grad, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max()), err_msg=name
        )


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_gradient_of_the_whole_model_along_a_random_direction(norm):
    model = Model(norm, dtype=np.float64)
    ids, lengths, y = batch(4)
    lengths[0] = 0
    gradcheck_direction(lambda: ops.bce_with_logits(model(ids, lengths), targets=y), model.parameters())


def test_the_three_norms_are_where_they_should_be():
    x = Tensor(5 * np.random.default_rng(1).standard_normal((2, 3, 8)) + 3)
    blocks = {
        norm: Block(8, 2, norm=norm, rng=np.random.default_rng(0), dtype=np.float64) for norm in ("pre", "post", "none")
    }
    assert not any("norm" in name for name, _ in blocks["none"].named_parameters())
    post = blocks["post"](x).data
    np.testing.assert_allclose(post.mean(axis=-1), 0, atol=1e-12)
    for block in blocks.values():  # with branches that say nothing, what is left is the residual stream
        for parameter in (block.attention.out.weight, block.mlp.down.weight):
            parameter.data[...] = 0
    np.testing.assert_array_equal(blocks["pre"](x).data, x.data)
    np.testing.assert_array_equal(blocks["none"](x).data, x.data)
    once = LayerNorm(8, dtype=np.float64)(x)
    np.testing.assert_allclose(blocks["post"](x).data, once.data, atol=1e-5)


def test_weights_returned_for_figures_are_those_used():
    layer = MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dtype=np.float64)
    x = Tensor(np.random.default_rng(1).standard_normal((3, 4, 8)))
    lengths = np.array([4, 2, 0])
    y, weights = layer(x, lengths=lengths, return_weights=True)
    np.testing.assert_array_equal(y.data, layer(x, lengths=lengths).data)
    assert weights.shape == (3, 2, 4, 4)
    _, _, v = ops.split_heads(layer.qkv(x).data, 2)
    mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(3, 4, 8)
    np.testing.assert_allclose(layer.out(mixed).data, y.data, atol=1e-12)
    np.testing.assert_allclose(
        weights.sum(axis=-1), np.broadcast_to((np.arange(4) < lengths[:, None])[:, None], (3, 2, 4))
    )
    assert not weights[1, :, :, 2:].any()


def test_a_leads_output_does_not_depend_on_the_batch_around_it():
    model = Model().eval()
    ids, lengths, _ = batch()
    together = model(ids, lengths).data
    for row, n in enumerate(lengths):
        alone = model(ids[row : row + 1, :n], lengths[row : row + 1]).data
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)


def test_training_learns_and_repeats_to_the_bit():
    losses = train(Model(dropout=0.1))
    assert losses[-1] < 0.5 * losses[0]
    assert train(Model(dropout=0.1)) == losses
    assert train(Model(dropout=0.1, seed=1)) != losses
    a, b = Model(dropout=0.1), Model(dropout=0.1)
    train(a), train(b)
    assert all(np.array_equal(x.data, y.data) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_float32_training_follows_float64():
    low, high = train(Model(), steps=8), train(Model(dtype=np.float64), steps=8)
    np.testing.assert_allclose(low, high, rtol=2e-4)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_the_last_position_alone_equals_the_whole_block_there(norm):
    rng = np.random.default_rng(4)
    block = Block(8, 2, norm=norm, rng=rng, dtype=np.float64)
    array, lengths, dy = rng.standard_normal((4, 5, 8)), np.array([5, 1, 3, 2]), rng.standard_normal((4, 8))
    found = []
    for alone in (False, True):
        x = Tensor(array, requires_grad=True)
        y = block.at_last(x, lengths=lengths) if alone else block(x, lengths=lengths)[np.arange(4), lengths - 1]
        block.zero_grad()
        y.backward(dy)
        found.append([y.data, x.grad, *(parameter.grad for parameter in block.parameters())])
    for whole, one in zip(*found, strict=True):
        np.testing.assert_allclose(one, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_some_places_alone_equal_the_whole_block_there(norm):
    rng = np.random.default_rng(5)
    block = Block(8, 2, norm=norm, rng=rng, dtype=np.float64)
    array, lengths = rng.standard_normal((4, 5, 8)), np.array([5, 1, 3, 2])
    places, dy = (np.array([0, 0, 2, 3, 1]), np.array([4, 1, 2, 0, 0])), rng.standard_normal((5, 8))
    found = []
    for alone in (False, True):
        x = Tensor(array, requires_grad=True)
        y = block.at(x, places, lengths=lengths) if alone else block(x, lengths=lengths)[places]
        block.zero_grad()
        y.backward(dy)
        found.append([y.data, x.grad, *(parameter.grad for parameter in block.parameters())])
    for whole, one in zip(*found, strict=True):
        np.testing.assert_allclose(one, whole, rtol=1e-12, atol=1e-12)
