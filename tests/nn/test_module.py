"""Modules: names in order, saving and loading to the bit, and refusing what doesn't fit."""

import json

import numpy as np
import pytest

from tinyscout.autograd import Tensor
from tinyscout.nn import MLP, Block, Dropout, Embedding, LayerNorm, Linear, Module


class Small(Module):
    def __init__(self, rng, dropout=0.0):
        self.embedding = Embedding(10, 4, rng=rng)
        self.blocks = [Block(4, 2, dropout=dropout, rng=rng) for _ in range(2)]
        self.head = Linear(4, 1, bias=False, rng=rng)
        self.tied = self.embedding


def make(seed=0, **settings):
    return Small(np.random.default_rng(seed), **settings)


def test_parameters_come_by_name_in_order_and_once():
    names = [name for name, _ in make().named_parameters()]
    assert names[:3] == ["embedding.weight", "blocks.0.attention.qkv.weight", "blocks.0.attention.qkv.bias"]
    assert names[-1] == "head.weight"
    assert len(names) == len(set(names)) == 2 + 2 * 12
    assert "head.bias" not in names and not any(name.startswith("tied") for name in names)


def test_one_seed_gives_one_model_in_either_dtype():
    a, b = make(3).state_dict(), make(3).state_dict()
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not np.array_equal(a["head.weight"], make(4).state_dict()["head.weight"])
    low, high = (MLP(4, 8, rng=np.random.default_rng(0), dtype=dtype) for dtype in (np.float32, np.float64))
    for (name, x), (_, y) in zip(low.named_parameters(), high.named_parameters(), strict=True):
        assert (x.dtype, y.dtype) == (np.float32, np.float64), name
        np.testing.assert_array_equal(x.data, y.data.astype(np.float32))


def test_state_dict_is_a_copy_and_loading_gives_the_same_bits():
    model, other = make(0), make(1)
    state = model.state_dict()
    other.load_state_dict(state)
    assert all(np.array_equal(state[name], array) for name, array in other.state_dict().items())
    state["head.weight"][...] = 9
    assert not (model.head.weight.data == 9).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("head.weight"), "missing head.weight, unexpected nothing"),
        (lambda s: s.update(extra=np.ones(1)), "missing nothing, unexpected extra"),
        (lambda s: s.update({"head.weight": np.ones((2, 4))}), "head.weight has shape (2, 4), needs (1, 4)"),
        (lambda s: s.clear(), "and 21 more"),
    ],
)
def test_loading_is_strict_and_changes_nothing_when_it_fails(change, message):
    model = make(0)
    before, state = model.state_dict(), make(1).state_dict()
    change(state)
    with pytest.raises(ValueError) as caught:
        model.load_state_dict(state)
    assert message in str(caught.value)
    assert str(caught.value).startswith("Small.load_state_dict: ")
    assert "\n" not in str(caught.value)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


def test_train_and_eval_reach_every_module_and_zero_grad_every_parameter():
    model = make()
    assert model.eval() is model
    assert not any(module.training for _, module in model.named_modules())
    model.train()
    assert all(module.training for _, module in model.named_modules())
    for parameter in model.parameters():
        parameter.grad = np.ones_like(parameter.data)
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_state_goes_through_json_and_resumes_to_the_bit():
    model, other = make(0, dropout=0.5), make(0, dropout=0.5)
    x = np.ones((2, 3, 4), dtype=np.float32)
    model.blocks[0](x)  # advance its generators
    saved = json.loads(json.dumps(model.rng_state()))
    assert sorted(saved) == [f"blocks.{i}.{name}.rng" for i in range(2) for name in ("dropout", "mlp.dropout")]
    other.load_rng_state(saved)
    for block, twin in zip(model.blocks, other.blocks, strict=True):
        np.testing.assert_array_equal(block(x).data, twin(x).data)
    with pytest.raises(ValueError, match="needs rng"):
        Dropout(0.5, rng=np.random.default_rng(0)).load_rng_state({})


def test_layer_norm_and_embedding_do_what_they_say():
    rng = np.random.default_rng(0)
    y = LayerNorm(6, rng=rng)(Tensor(rng.standard_normal((3, 6)).astype(np.float32))).data
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-4)
    table = Embedding(5, 3, rng=rng)
    ids = np.array([[4, 0], [2, 2]])
    np.testing.assert_array_equal(table(ids).data, table.weight.data[ids])
    scale = np.array([[0.5, 0.0], [1.0, -2.0]])
    np.testing.assert_allclose(table(ids, scale).data, table.weight.data[ids] * scale[..., None], rtol=1e-6)


def test_linear_keeps_the_variance_and_dropout_the_mean():
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((400, 200)).astype(np.float32))
    assert Linear(200, 300, rng=rng)(x).data.std() == pytest.approx(1.0, abs=0.03)
    layer = Dropout(0.25, rng=rng)
    ones = Tensor(np.ones((200, 200), dtype=np.float32))
    y = layer(ones).data
    assert y.mean() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-6)
    assert layer.eval()(ones) is ones
    assert Dropout(0.0, rng=rng)(ones) is ones


@pytest.mark.parametrize(
    ("make_layer", "message"),
    [
        (lambda rng: Block(6, 4, rng=rng), "width 6 doesn't divide into 4 heads"),
        (lambda rng: Block(4, 2, norm="both", rng=rng), 'norm is "both", needs "pre", "post" or "none"'),
        (lambda rng: Dropout(1.0, rng=rng), "p is 1.0, needs 0 <= p < 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(make_layer, message):
    with pytest.raises(ValueError) as caught:
        make_layer(np.random.default_rng(0))
    assert message in str(caught.value)
