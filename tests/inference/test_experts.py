"""Models with experts, compiled: the autograd model's answers, whatever stands beside a lead, in float32 and bytes."""

import numpy as np
import pytest

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.inference import compile
from tinyscout.inference.quantize import error_per_layer, load, quantize, save
from tinyscout.kernels.int8 import linear_int8_twin
from tinyscout.kernels.jit import JIT
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.nn import MoE, Routing

compiled_only = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")
NEAR_TIE = 1e-5
"""Logits as close as this may change places between two ways to round: such a lead has no one right answer."""


@pytest.fixture(scope="module")
def make(make_model):
    """A model with experts whose routers are decided."""

    def make(experts: int = 4, top_k: int = 1, **sizes) -> LeadScout:
        model = make_model(experts=experts, top_k=top_k, **sizes).eval()
        for layer in model.config.routed:
            model.blocks[layer].mlp.router.weight.data *= 5
        return model

    return make


@pytest.fixture(scope="module")
def examples(make_examples):
    return make_examples(np.random.default_rng(5).permutation(np.arange(1200) % 40 + 1))


def clear(model: LeadScout, examples: Examples) -> np.ndarray:
    """Which leads have no token near a tie between an expert it takes and one it does not (N,)."""
    batch, routings = examples.tokens.pad(), list[Routing]()
    with no_grad():
        model.reply_logits(batch, examples.features, routings=routings)
    found = np.ones(len(examples), bool)
    for routing in routings:
        logits = -np.sort(-routing.logits.data, axis=1)
        k = model.config.top_k
        if logits.shape[1] > k:
            close = routing.rows[logits[:, k - 1] - logits[:, k] < NEAR_TIE]
            found[close // (batch.ids.shape[1] if len(routing.rows) > len(found) else 1)] = False
    return found


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"top_k": 2},
        {"experts": 2, "top_k": 2, "depth": 1},
        {"experts": 5, "top_k": 2, "depth": 3, "width": 24, "heads": 3},
        {"experts": 3, "width": 6, "heads": 1, "expert_layers": 1},
        {"top_k": 2, "expand": 2},
    ],
)
def test_equals_the_autograd_model(make, examples, sizes):
    model = make(**sizes)
    sure = clear(model, examples)
    assert sure.mean() > 0.99
    want = predict_logits(model, examples)
    assert want.std() > 0.3
    np.testing.assert_allclose(compile(model).logits(examples)[sure], want[sure], rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_one_expert_is_the_dense_model_to_the_bit(make_model, make, examples, dtype):
    dense, single = make_model(), make(1)
    own = dense.state_dict()
    state = {name: own.get(name, array).reshape(array.shape) for name, array in single.state_dict().items()}
    single.load_state_dict(state)
    np.testing.assert_array_equal(compile(single, dtype).logits(examples), compile(dense, dtype).logits(examples))


@compiled_only
@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_lead_gets_the_same_bits_alone_in_any_order_and_on_any_number_of_threads(make, examples, top_k, dtype):
    compiled = compile(make(4, top_k), dtype, threads=1)
    together = compiled.logits(examples)
    for i in range(120):
        assert compiled.logits(examples.take(np.array([i])))[0] == together[i]
    order = np.random.default_rng(0).permutation(len(examples))
    np.testing.assert_array_equal(compiled.logits(examples.take(order)), together[order])
    np.testing.assert_array_equal(compile(make(4, top_k), dtype, threads=3).logits(examples), together)


@compiled_only
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_lead_that_is_not_a_number_stays_alone(make, make_examples, dtype):
    some, compiled = make_examples([5, 9, 3]), compile(make(4, 2), dtype)
    expected = compiled.logits(some)
    some.tokens.ages[some.tokens.offsets[1] + 2] = np.inf
    logits = compiled.logits(some)
    assert np.isnan(logits[1])
    np.testing.assert_array_equal(logits[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize("top_k", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_prompt_in_chunks_and_a_token_at_a_time_gives_the_next_tokens_logits(make, make_examples, top_k, dtype):
    model, tokens = make(4, top_k), make_examples([40]).tokens
    tokens.values[30:], tokens.ages[30:] = 0, np.nan  # as the tokens that `decode` reads
    with no_grad():
        want = model.language_logits(tokens.pad()).data[0]
    compiled = compile(model, dtype)
    found = []
    for chunk in (1, 7, 64):
        cache = compiled.cache()
        parts = [x[:30] for x in (tokens.ids, tokens.values, tokens.ages)]
        logits = [compiled.prefill(*parts, cache, chunk=chunk)]
        logits += [compiled.decode(int(token), cache) for token in tokens.ids[30:]]
        found.append(np.array(logits))
    if JIT:
        np.testing.assert_array_equal(found[1], found[0])
        np.testing.assert_array_equal(found[2], found[0])
    np.testing.assert_allclose(found[0], want[29:], rtol=0, atol=1e-5 if dtype == "float32" else 0.5)


@compiled_only
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_the_compiled_code_allocates_nothing(make, examples, dtype):
    from numba.core.runtime import _nrt_python, rtsys

    compiled, cache = compile(make(4, 2), dtype, threads=1), None
    cache = compiled.cache()
    few = examples.take(np.arange(5))
    compiled.logits(few), compiled.decode(7, cache)
    _nrt_python.memsys_enable_stats()
    try:
        for call, arguments in ((compiled.logits, (examples,)), (compiled.decode, (7, cache))):
            before = rtsys.get_allocation_stats().alloc
            call(*arguments)
            assert rtsys.get_allocation_stats().alloc - before < 20
    finally:
        _nrt_python.memsys_disable_stats()


def logits_in_bytes(model: LeadScout, examples: Examples) -> np.ndarray:
    """The forward by hand, a token and an expert at a time, every linear layer in the NumPy int8 of kernels/int8.py."""
    quantized = quantize(model)
    copy = LeadScout(model.config, rng=np.random.default_rng(0)).eval()
    copy.load_state_dict(copy.state_dict() | quantized.float32())

    def linear(name: str, x: np.ndarray, *expert: int) -> np.ndarray:
        matrix, bias = quantized.matrices[f"{name}.weight"], quantized.vectors[f"{name}.bias"]
        return linear_int8_twin(x, matrix.q[expert], matrix.scale[expert], bias[expert])

    logits = []
    for i in range(len(examples)):
        lead = examples.take(np.array([i]))
        batch = lead.tokens.pad()
        x = copy.embed(batch).data
        for layer, block in enumerate(copy.blocks):
            name = f"blocks.{layer}"
            qkv = linear(f"{name}.attention.qkv", block.attention_norm(Tensor(x)).data)
            mixed = ops.self_attention(Tensor(qkv), heads=4, lengths=batch.lengths, causal=True).data
            x = x + linear(f"{name}.attention.out", mixed)
            read = block.mlp_norm(Tensor(x)).data[0]  # (T, D)
            assert isinstance(block.mlp, MoE)
            router = block.mlp.router.weight.data @ read.T  # (E, T)
            for t, row in enumerate(read):
                chosen = np.argsort(-router[:, t])[: block.mlp.top_k]
                odds = np.exp(router[:, t] - router[:, t].max())
                share = odds[chosen] / (odds.sum() if len(chosen) == 1 else odds[chosen].sum())
                for e, gate in zip(chosen, share, strict=True):
                    hidden = ops.gelu(Tensor(linear(f"{name}.mlp.up", row[None], e))).data
                    x[0, t] += gate * linear(f"{name}.mlp.down", hidden, e)[0]
        deep = copy.reply(copy.norm(Tensor(x[:, -1])))
        logits.append(float((deep.reshape(-1) + copy.wide(lead.features)).data[0]))
    return np.array(logits)


@compiled_only
@pytest.mark.parametrize("top_k", [1, 2])
def test_bytes_equal_the_forward_by_hand_in_bytes(make, examples, top_k):
    model, some = make(4, top_k), examples.take(np.arange(100))
    off = np.abs(compile(model, "int8").logits(some) - logits_in_bytes(model, some))
    assert np.median(off) < 1e-5  # beyond that, a value that lies between two bytes went the other way
    assert np.quantile(off, 0.95) < 0.02


def test_bytes_are_close_to_the_model_they_were(make, examples):
    model = make(4, 2)
    right = predict_logits(model, examples)
    off = compile(model, "int8").logits(examples) - right
    assert 0 < np.sqrt(np.mean(off**2)) < 0.1 * right.std()  # a token that changes its expert is among them


def test_quantised_saved_and_loaded_it_is_the_same(make, examples, tmp_path):
    quantized = quantize(make(4, 2))
    save(tmp_path / "int8", quantized)
    again = load(tmp_path / "int8")
    for name, matrix in quantized.matrices.items():
        np.testing.assert_array_equal(again.matrices[name].q, matrix.q)
        np.testing.assert_array_equal(again.matrices[name].scale, matrix.scale)
    assert again.matrices["blocks.1.mlp.up.weight"].q.shape == (4, 128, 32)
    np.testing.assert_array_equal(compile(again).logits(examples), compile(quantized).logits(examples))


def test_error_per_layer_is_that_of_rounding(make, examples):
    model = make(4, 2)
    errors = {error.name: error for error in error_per_layer(model, quantize(model), examples.take(np.arange(50)))}
    assert len(errors) == 3 + 4 * model.config.depth
    layers = [error for name, error in errors.items() if name.startswith("blocks")]
    assert all(0.002 < error.weight < 0.01 and 0.004 < error.output < 0.02 for error in layers)
