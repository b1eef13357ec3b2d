"""A LeadScout with experts: where they sit, what they add to the loss, and that all else is as in a dense one."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tinyscout.autograd import Tensor, gradcheck_direction
from tinyscout.metrics import chance_information, normalised_mutual_information
from tinyscout.models.expert_use import expert_use, lead_use, told_of
from tinyscout.models.lead_kinds import kind_losses
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.nn import MLP, MoE, Routing
from tinyscout.tokenizer import Tokens

DENSE = LeadScoutConfig(30, 12, tuple(range(12, 30)), 5, width=16, depth=3, heads=4, max_tokens=24, dropout=0.0)
CONFIG = replace(DENSE, experts=4, top_k=2)


def make_examples(lengths: list[int], seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    ages = rng.exponential(200, n).astype(np.float32)
    tokens = Tokens(
        rng.integers(12, 30, n).astype(np.int32),
        rng.uniform(-1, 1, n).astype(np.float32),
        ages,
        np.concatenate([[0], np.cumsum(lengths)]),
        np.zeros(len(lengths), np.int32),
    )
    return Examples(tokens, sparse.csr_matrix(rng.normal(size=(len(lengths), 5)).astype(np.float32)))


def make_model(config: LeadScoutConfig, dtype: type = np.float32) -> LeadScout:
    model = LeadScout(config, rng=np.random.default_rng(1), dtype=dtype)
    model.reply.weight.data[:] = 0.2 * np.random.default_rng(2).normal(size=model.reply.weight.shape)
    return model


def as_experts(model: LeadScout, config: LeadScoutConfig) -> LeadScout:
    """The dense model's weights in a model of one expert."""
    own = model.state_dict()
    other = make_model(config, model.token.weight.data.dtype.type)
    state = {name: own.get(name, array).reshape(array.shape) for name, array in other.state_dict().items()}
    other.load_state_dict(state)
    return other


def test_the_last_layers_have_experts() -> None:
    assert [type(block.mlp) for block in make_model(CONFIG).blocks] == [MLP, MoE, MoE]
    assert [type(b.mlp) for b in make_model(replace(CONFIG, expert_layers=5)).blocks] == [MoE, MoE, MoE]
    assert list(replace(CONFIG, expert_layers=1).routed) == [2] and not DENSE.routed
    capped = make_model(replace(CONFIG, capacity=1.25)).blocks[2].mlp
    assert isinstance(capped, MoE) and capped.capacity_factor == 1.25
    plain = make_model(CONFIG).blocks[2].mlp
    assert isinstance(plain, MoE) and plain.capacity_factor is None and plain.top_k == 2


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-12)])
def test_one_expert_is_the_dense_model(dtype: type, tolerance: float) -> None:
    """But for rounding: a dense layer runs as one op (kernels/mlp.py). nn/test_moe.py has the layers alone, exactly."""
    dense = make_model(DENSE, dtype)
    single = as_experts(dense, replace(DENSE, experts=1))
    examples = make_examples([3, 24, 9, 1, 17, 24] * 8)
    batch, labels, features = examples.tokens.pad(), np.arange(48) % 2.0, examples.features.astype(dtype)
    found = []
    for model in (dense, single):
        reply, root = model.training_loss(batch, features, labels, deep_weight=0.3, balance_weight=1, z_weight=0)
        root.backward()
        found.append((reply.item(), {name: p.grad for name, p in model.named_parameters() if "router" not in name}))
    assert found[0][0] == pytest.approx(found[1][0], abs=tolerance)
    for name, grad in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name].reshape(grad.shape), grad, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("top_k", [1, 2])
def test_gradients_of_the_whole_training_loss(top_k: int) -> None:
    examples, model = make_examples([4, 7, 1]), make_model(replace(CONFIG, top_k=top_k), np.float64)
    batch, labels = examples.tokens.pad(), np.array([1.0, 0.0, 1.0])
    features = examples.features.astype(np.float64)

    def loss():
        return model.training_loss(batch, features, labels, deep_weight=0.3, balance_weight=0.5, z_weight=0.2)[1]

    gradcheck_direction(loss, list(model.parameters()))


def test_the_routers_losses_have_their_weights() -> None:
    examples, model = make_examples([4, 7, 1, 20]), make_model(CONFIG)
    batch, labels = examples.tokens.pad(), np.array([1.0, 0.0, 1.0, 0.0])
    routings: list[Routing] = []
    model.reply_logits(batch, examples.features, routings=routings)
    assert [len(routing.rows) for routing in routings] == [32, 4]  # all tokens, then <score> alone

    def root(balance_weight: float, z_weight: float) -> float:
        return model.training_loss(
            batch, examples.features, labels, deep_weight=0.3, balance_weight=balance_weight, z_weight=z_weight
        )[1].item()

    plain = root(0, 0)
    balance = sum(routing.load_balance().item() for routing in routings)
    z = sum(routing.router_z().item() for routing in routings)
    assert root(0.5, 0) - plain == pytest.approx(0.5 * balance, rel=1e-4)
    assert root(0, 0.5) - plain == pytest.approx(0.5 * z, rel=1e-4)


@pytest.mark.parametrize("top_k", [1, 2])
def test_with_losses_for_kinds_every_layer_routes_all_tokens_and_each_has_its_weight(top_k: int) -> None:
    examples, model = make_examples([4, 7, 1, 20]), make_model(replace(CONFIG, top_k=top_k), np.float64)
    examples.tokens.ages[[0, 1, 5, 11, 12, 13, 31]] = np.nan  # profiles, and some <score>
    batch, labels = examples.tokens.pad(), np.array([1.0, 0.0, 1.0, 0.0])
    features = examples.features.astype(np.float64)

    def root(**weights) -> Tensor:
        return model.training_loss(batch, features, labels, deep_weight=0.3, **weights)[1]

    routings: list[Routing] = []
    model.hidden(model.embed(batch), batch.lengths, routings)
    found = [kind_losses(routing, batch, CONFIG.language) for routing in routings]
    foretold, strays = (sum(each.item() for each in losses) for losses in zip(*found, strict=True))
    plain = root().item()
    assert root(foretell_weight=0.5).item() == pytest.approx(plain - 0.5 * foretold, rel=1e-9) != plain
    assert root(follow_weight=0.5).item() == pytest.approx(plain + 0.5 * strays, rel=1e-9) != plain
    gradcheck_direction(lambda: root(foretell_weight=3.0, follow_weight=2.0), list(model.parameters()))
    dense = make_model(replace(CONFIG, experts=0))
    losses = [
        dense.training_loss(batch, examples.features, labels, deep_weight=0.3, follow_weight=weight)[1].item()
        for weight in (0.0, 1.0)
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("capacity", [0.0, 0.3])
def test_a_lead_alone_gets_what_it_gets_in_a_batch(capacity: float) -> None:
    model, examples = make_model(replace(CONFIG, capacity=capacity)), make_examples([3, 24, 9, 1, 17, 20] * 5)
    together = predict_logits(model, examples, batch_tokens=10_000)
    alone = np.concatenate([predict_logits(model, examples.take(np.array([i]))) for i in range(30)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.std(together) > 0.1


def test_expert_use_counts_what_scoring_routes() -> None:
    model, examples = make_model(CONFIG).train(), make_examples([3, 24, 9, 1, 17])
    used = expert_use(model, examples)
    assert list(used) == [1, 2] and model.training
    assert used[1].sum() == 2 * 54 and used[2].sum() == 2 * 5  # top_k times the tokens, then the leads
    assert [counts.sum() for counts in expert_use(model, examples, every_token=True).values()] == [108, 108]
    assert expert_use(make_model(DENSE), examples) == {}


def test_lead_use_counts_first_choices_of_what_is_asked_for() -> None:
    model, examples = make_model(CONFIG), make_examples([3, 24, 9, 1, 17])
    counted = np.arange(30) % 3 == 0
    use, whole = lead_use(model, examples, counted), lead_use(model, examples, np.ones(30, bool))
    assert list(use) == [1, 2]
    own = np.array([counted[examples.take(np.array([i])).tokens.ids].sum() for i in range(5)])
    for layer in (1, 2):
        np.testing.assert_array_equal(use[layer].sum(axis=1), own)
        np.testing.assert_array_equal(whole[layer].sum(axis=1), [3, 24, 9, 1, 17])
        alone = lead_use(model, examples.take(np.array([1])), np.ones(30, bool))[layer]
        np.testing.assert_array_equal(whole[layer][1], alone[0])
    once = make_model(replace(CONFIG, top_k=1))
    for layer, served in expert_use(once, examples, every_token=True).items():
        np.testing.assert_array_equal(lead_use(once, examples, np.ones(30, bool))[layer].sum(axis=0), served)


def test_a_state_without_experts_loads_as_a_dense_model() -> None:
    examples, model = make_examples([4, 7, 1]), make_model(DENSE)
    old = {k: v for k, v in model.to_state().items() if k not in ("experts", "top_k", "expert_layers", "capacity")}
    np.testing.assert_array_equal(
        predict_logits(LeadScout.from_state(old, model.state_dict()), examples), predict_logits(model, examples)
    )
    sparse_model = make_model(CONFIG)
    again = LeadScout.from_state(sparse_model.to_state(), sparse_model.state_dict())
    assert again.config == CONFIG
    np.testing.assert_array_equal(predict_logits(again, examples), predict_logits(sparse_model, examples))


def test_what_experts_tell_of_a_category_by_hand() -> None:
    persona, region = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    use = np.array([[3, 0], [2, 1], [0, 4], [0, 0]])  # tokens of four leads by expert; the last has none that count
    told = told_of("persona", {"persona": persona, "region": region}, use, draws=50)
    np.testing.assert_array_equal(told.tokens, [[5, 1], [0, 4]])
    np.testing.assert_array_equal(told.first, [[1, 0], [0, 1]])
    assert told.information["persona"] == normalised_mutual_information(told.tokens) > told.information["region"]
    assert told.by_chance == np.quantile(chance_information(persona, use, draws=50), 0.975)
    assert told.one_expert(0, 1) == 0 and told.one_expert(1, 1) == 1
    by_region = told_of("region", {"region": region}, use, draws=50)
    np.testing.assert_array_equal(by_region.first, [[0.5, 0.5], [1, 0]])
    assert by_region.one_expert(0, 1) == by_region.one_expert(0, 0) == 0.5
