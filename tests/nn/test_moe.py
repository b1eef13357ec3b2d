"""Mixture of experts: one expert is the MLP, each token gets its experts and nothing else, and the router learns."""

import numpy as np
import pytest

from tinyscout.autograd import Tensor, gradcheck, gradcheck_direction, ops
from tinyscout.nn import MLP, Block, MoE, Routing
from tinyscout.nn.moe import best, by_expert


def make(experts: int = 4, top_k: int = 1, *, dtype: type = np.float64, spread: float = 3.0, **options) -> MoE:
    """Experts of width 6 with biases, and a router whose logits are far from ties."""
    rng = np.random.default_rng(1)
    moe = MoE(6, 8, experts, top_k, rng=rng, dtype=dtype, **options)
    moe.router.weight.data *= spread
    for part in (moe.up, moe.down):
        part.bias.data += rng.standard_normal(part.bias.shape).astype(dtype)
    return moe


def tokens(*shape: int, dtype: type = np.float64, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def by_hand(moe: MoE, row: np.ndarray) -> np.ndarray:
    """One token (D,) -> (D,), an expert at a time."""
    logits = moe.router.weight.data @ row
    odds = np.exp(logits)
    chosen = np.argsort(-logits)[: moe.top_k]
    total = odds.sum() if moe.top_k == 1 else odds[chosen].sum()
    y = np.zeros_like(row)
    for e in chosen:
        hidden = ops.gelu(Tensor(moe.up.weight.data[e] @ row + moe.up.bias.data[e])).data
        y += odds[e] / total * (moe.down.weight.data[e] @ hidden + moe.down.bias.data[e])
    return y


@pytest.mark.parametrize(("experts", "top_k"), [(1, 1), (4, 1), (2, 2), (5, 2)])
def test_each_token_gets_its_experts_by_their_gates(experts, top_k):
    moe, x = make(experts, top_k), tokens(3, 7, 6)
    expected = np.apply_along_axis(lambda row: by_hand(moe, row), -1, x)
    np.testing.assert_allclose(moe(Tensor(x)).data, expected, atol=1e-12)
    low = make(experts, top_k, dtype=np.float32)
    np.testing.assert_allclose(low(Tensor(x.astype(np.float32))).data, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_expert_is_the_mlp_to_the_bit(dtype):
    mlp = MLP(16, 64, dropout=0.2, rng=np.random.default_rng(3), dtype=dtype)
    moe = MoE(16, 64, 1, dropout=0.2, rng=np.random.default_rng(3), dtype=dtype)
    found = []
    for layer in (mlp, moe):
        x = Tensor(tokens(5, 40, 16, dtype=dtype), requires_grad=True)
        y = layer(x)
        y.backward(tokens(5, 40, 16, dtype=dtype, seed=4))
        weights = [layer.up.weight, layer.up.bias, layer.down.weight, layer.down.bias]
        found.append([y.data, x.grad, *(w.data for w in weights), *(w.grad for w in weights)])
    for dense, sparse in zip(*found, strict=True):
        np.testing.assert_array_equal(sparse.reshape(dense.shape), dense)
    assert not moe.router.weight.grad.any()


@pytest.mark.parametrize("top_k", [1, 2])
def test_gradients_through_the_router_and_all_losses(top_k):
    moe, lengths = make(4, top_k), np.array([5, 0, 3])
    x = tokens(3, 5, 6)
    logits = np.sort(x[np.arange(5) < lengths[:, None]] @ moe.router.weight.data.T, axis=1)
    assert np.diff(logits, axis=1).min() > 1e-3  # a difference of 1e-5 moves no token to another expert

    def loss(inputs: Tensor) -> Tensor:
        routings: list[Routing] = []
        y = moe(inputs, lengths=lengths, routings=routings)
        return (y * y).sum() + 0.7 * routings[0].load_balance() + 0.3 * routings[0].router_z()

    gradcheck(loss, x)
    gradcheck_direction(lambda: loss(Tensor(x)), moe.parameters())
    for name, parameter in moe.named_parameters():  # one after the other, so that none hides behind another
        gradcheck_direction(lambda: loss(Tensor(x)), [parameter], seed=len(name))


@pytest.mark.parametrize("top_k", [1, 2])
def test_padding_is_neither_routed_nor_counted(top_k):
    moe, lengths = make(4, top_k), np.array([7, 1, 4, 0])
    x = tokens(4, 7, 6)
    real = np.arange(7) < lengths[:, None]
    found = []
    for beyond in (0.0, 1e3):
        inputs = Tensor(np.where(real[..., None], x, beyond), requires_grad=True)
        routings: list[Routing] = []
        y = moe(inputs, lengths=lengths, routings=routings)
        assert not y.data[~real].any()
        (routing,) = routings
        (y.sum() + routing.load_balance() + routing.router_z()).backward()
        assert inputs.grad is not None and not inputs.grad[~real].any()
        found.append([y.data, inputs.grad, routing.served, routing.chosen, routing.load_balance().data])
        assert routing.served.sum() == 12 * top_k and routing.dropped == 0
        np.testing.assert_array_equal(routing.rows, np.flatnonzero(real))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
    alone: list[Routing] = []
    y = moe(Tensor(x[real]), routings=alone)
    np.testing.assert_allclose(found[0][0][real], y.data, atol=1e-12)
    np.testing.assert_array_equal(alone[0].served, found[0][2])


def test_a_full_expert_leaves_its_later_tokens_to_the_residual_stream():
    moe = make(4, 1, capacity_factor=0.5)
    x = tokens(1, 16, 6)
    routings: list[Routing] = []
    y = moe(Tensor(x), routings=routings).data[0]
    (routing,) = routings
    wanted = np.bincount(routing.chosen[:, 0], minlength=4)
    assert wanted.max() > 2  # ceil(0.5 * 16 / 4)
    np.testing.assert_array_equal(routing.served, np.minimum(wanted, 2))
    assert routing.dropped == 16 - routing.served.sum() > 0
    whole = make(4, 1)(Tensor(x)).data[0]
    for e in range(4):
        mine = np.flatnonzero(routing.chosen[:, 0] == e)
        np.testing.assert_allclose(y[mine[:2]], whole[mine[:2]], atol=1e-12)
        assert not y[mine[2:]].any()
    np.testing.assert_array_equal(moe.eval()(Tensor(x)).data[0], whole)  # predicting drops none


def test_first_choices_come_before_second_ones():
    chosen = np.array([[0, 1], [1, 0], [0, 1]])
    choices, ends = by_expert(chosen, 3)
    assert choices.tolist() == [0, 2, 4, 1, 3, 5] and ends.tolist() == [3, 6, 6]
    choices, ends = by_expert(chosen, 3, capacity=2)
    assert choices.tolist() == [0, 2, 1, 3] and ends.tolist() == [2, 4, 4]


def test_gradients_with_dropped_tokens():
    moe, x = make(3, 2, capacity_factor=0.6), tokens(2, 6, 6)
    routings: list[Routing] = []
    moe(Tensor(x), routings=routings)
    assert routings[0].dropped > 2
    gradcheck(lambda inputs: moe(inputs), x)
    gradcheck_direction(lambda: (moe(Tensor(x)) ** 2).sum(), moe.parameters())


def test_of_equal_logits_the_first_expert_is_taken():
    logits = np.array([[1.0, 1, 1], [0, 2, 2], [3, 2, 3]])
    assert best(logits, 1).tolist() == [[0], [1], [0]]
    assert best(logits, 2).tolist() == [[0, 1], [1, 2], [0, 2]]


def test_the_balance_loss_is_1_when_even_and_e_when_one_expert_has_all():
    even = np.repeat(np.eye(4), 3, axis=0) * 60
    assert ops.load_balance(Tensor(even), chosen=best(even, 1)).item() == pytest.approx(1)
    skewed = np.tile([60.0, 0, 0, 0], (12, 1))
    assert ops.load_balance(Tensor(skewed), chosen=best(skewed, 1)).item() == pytest.approx(4)
    assert ops.router_z(Tensor(skewed)).item() == pytest.approx(3600)
    none = Tensor(np.zeros((0, 4)))
    assert ops.load_balance(none, chosen=np.zeros((0, 1), int)).item() == 0 == ops.router_z(none).item()


@pytest.mark.parametrize("top_k", [1, 2])
def test_descending_the_balance_loss_feeds_a_starving_expert(top_k):
    moe, x = make(4, top_k, spread=1.0), Tensor(tokens(200, 6) + 1)
    moe.router.weight.data[:2] += 0.5  # the inputs' mean is 1: nearly all tokens go here

    def used() -> tuple[Routing, np.ndarray]:
        routings: list[Routing] = []
        moe(x, routings=routings)
        return routings[0], routings[0].served / routings[0].served.sum()

    assert used()[1].min() < 0.05
    for _ in range(300):
        moe.zero_grad()
        used()[0].load_balance().backward()
        moe.router.weight.data -= 0.3 * moe.router.weight.grad
    assert used()[1].min() > 0.15


def test_no_tokens_at_all():
    moe = make(3, 2)
    x = Tensor(tokens(2, 4, 6), requires_grad=True)
    y = moe(x, lengths=np.array([0, 0]))
    y.sum().backward()
    assert not y.data.any() and x.grad is not None and not x.grad.any()


def test_what_cannot_be_built_is_refused():
    for wrong, message in (
        ({"top_k": 3}, "top_k is 3 of 4 experts"),
        ({"experts": 1, "top_k": 2}, "top_k is 2 of 1"),
        ({"capacity_factor": 0.0}, "capacity_factor is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            make(**wrong)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_a_block_with_experts_gives_the_same_at_the_last_position_alone(norm):
    rng = np.random.default_rng(4)
    block = Block(6, 2, norm=norm, mlp=make(4, 2), rng=rng, dtype=np.float64)
    array, lengths, dy = rng.standard_normal((4, 5, 6)), np.array([5, 1, 3, 2]), rng.standard_normal((4, 6))
    found = []
    for alone in (False, True):
        routings: list[Routing] = []
        x = Tensor(array, requires_grad=True)
        if alone:
            y = block.at_last(x, lengths=lengths, routings=routings)
        else:
            y = block(x, lengths=lengths, routings=routings)[np.arange(4), lengths - 1]
        block.zero_grad()
        y.backward(dy)
        assert [len(routing.rows) for routing in routings] == [4 if alone else 11]
        found.append([y.data, x.grad, *(p.grad for p in block.parameters())])
    for whole, one in zip(*found, strict=True):
        np.testing.assert_allclose(one, whole, rtol=1e-11, atol=1e-11)


def test_a_block_with_one_expert_is_the_dense_block():
    dense = Block(16, 2, rng=np.random.default_rng(0))
    sparse = Block(16, 2, mlp=MoE(16, 64, 1, rng=np.random.default_rng(1)), rng=np.random.default_rng(2))
    own = sparse.state_dict()
    sparse.load_state_dict(
        {name: dense.state_dict().get(name, array).reshape(array.shape) for name, array in own.items()}
    )
    x = Tensor(tokens(6, 20, 16, dtype=np.float32))
    lengths = np.array([20, 1, 7, 12, 20, 3])
    real = np.arange(20) < lengths[:, None]
    for some in (None, lengths):  # a dense block runs as one op, which rounds on its own
        y, expected = sparse(x, lengths=some).data, dense(x, lengths=some).data
        np.testing.assert_allclose(y[real], expected[real], rtol=0, atol=2e-6)
