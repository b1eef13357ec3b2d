"""A model in bytes: what it answers, how far off it is, and what its file holds."""

import numpy as np
import pytest

from tinyscout import artifact
from tinyscout.autograd import Tensor, ops
from tinyscout.errors import InputError
from tinyscout.inference import compile
from tinyscout.inference.quantize import byte_matrix, error_per_layer, load, quantize, save
from tinyscout.kernels.int8 import linear_int8_twin
from tinyscout.kernels.jit import JIT
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig, predict_logits
from tinyscout.nn import Linear

compiled_only = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: activations stay float32 there")


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


@pytest.fixture(scope="module")
def examples(make_examples):
    return make_examples(np.random.default_rng(5).permutation(np.arange(400) % 40 + 1))


def logits_in_bytes(model: LeadScout, examples) -> np.ndarray:
    """The forward by hand, every linear layer of a block in the plain-NumPy int8 of kernels/int8.py."""
    quantized = quantize(model)
    copy = LeadScout(model.config, rng=np.random.default_rng(0)).eval()
    copy.load_state_dict(copy.state_dict() | quantized.float32())

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return linear_int8_twin(x, *quantized.matrices[f"{name}.weight"], quantized.vectors[f"{name}.bias"])

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
            hidden = ops.gelu(Tensor(linear(f"{name}.mlp.up", block.mlp_norm(Tensor(x)).data))).data
            x = x + linear(f"{name}.mlp.down", hidden)
        deep = copy.reply(copy.norm(Tensor(x[:, -1])))
        logits.append(float((deep.reshape(-1) + copy.wide(lead.features)).data[0]))
    return np.array(logits)


@compiled_only
def test_equals_the_forward_by_hand_in_bytes(model, examples):
    off = np.abs(compile(model, "int8").logits(examples) - logits_in_bytes(model, examples))
    assert np.median(off) < 1e-5  # beyond that, a value that lies between two bytes went the other way
    assert off.max() < 0.02


def test_is_close_to_the_model_it_was(model, examples):
    right = predict_logits(model, examples)
    off = compile(model, "int8").logits(examples) - right
    assert 0 < np.sqrt(np.mean(off**2)) < 0.05 * right.std()


@compiled_only
def test_a_lead_gets_the_same_bits_alone_and_a_prompt_in_chunks(model, examples):
    compiled = compile(model, "int8", threads=1)
    together = compiled.logits(examples)
    for i in range(60):
        assert compiled.logits(examples.take(np.array([i])))[0] == together[i]
    np.testing.assert_array_equal(compile(model, "int8", threads=3).logits(examples), together)
    tokens = examples.tokens.take(np.flatnonzero(examples.tokens.lengths == 40)[:1])
    arrays = tokens.ids, tokens.values, tokens.ages
    whole = compiled.prefill(*arrays, compiled.cache())
    for chunk in (1, 7, 64):
        np.testing.assert_array_equal(compiled.prefill(*arrays, compiled.cache(), chunk=chunk), whole)


@pytest.mark.parametrize(("width", "depth", "heads"), [(64, 3, 4), (24, 2, 3), (6, 1, 1)])
def test_any_width_depth_and_number_of_heads(make_model, examples, width, depth, heads):
    model = make_model(width, depth, heads)
    off = compile(model, "int8").logits(examples) - predict_logits(model, examples)
    assert np.abs(off).max() < 0.2


@pytest.mark.parametrize(
    "sizes",
    [(1500, 700, tuple(range(1400, 1424)), 800, 64, 2, 4, 128), (600, 400, (590, 591, 592), 400, 32, 2, 4, 128)],
    ids=["D 64", "D 32"],
)
def test_the_file_is_at_most_28_per_cent(tmp_path, sizes):
    config = LeadScoutConfig(*sizes)
    model = LeadScout(config, rng=np.random.default_rng(0))
    artifact.save(tmp_path / "float32", artifact.Manifest("float32", "reply_scout", "test"), model.state_dict())
    save(tmp_path / "int8", quantize(model))
    sizes = [next((tmp_path / name).glob("*.safetensors")).stat().st_size for name in ("int8", "float32")]
    assert sizes[0] <= 0.28 * sizes[1]


def test_saved_and_mapped_it_is_the_same(tmp_path, model, examples):
    quantized = quantize(model)
    manifest = save(tmp_path / "int8", quantized, parents={"scout": "abc"})
    assert manifest.role == "quantized_scout" and manifest.parents == {"scout": "abc"}
    again = load(tmp_path / "int8")
    assert again.config == model.config
    q = again.matrices["token.weight"].q
    assert isinstance(q.base, np.memmap) and not q.flags.writeable
    for name, array in quantized.float32().items():
        np.testing.assert_array_equal(again.float32()[name], array)
    np.testing.assert_array_equal(compile(again).logits(examples), compile(quantized).logits(examples))


def test_a_damaged_or_other_file_is_one_line(tmp_path, model):
    save(tmp_path / "int8", quantize(model))
    file = next((tmp_path / "int8").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(InputError, match="truncated or changed"):
        load(tmp_path / "int8")
    artifact.save(tmp_path / "other", artifact.Manifest("other", "reply_scout", "test"), {"a": np.zeros(3)})
    with pytest.raises(InputError, match="holds a reply_scout, needs a quantized_scout"):
        load(tmp_path / "other")


def test_error_per_layer_is_that_of_rounding_and_finds_an_outlier(make_model, examples):
    model = make_model()
    few = examples.take(np.arange(50))
    errors = {error.name: error for error in error_per_layer(model, quantize(model), few)}
    assert len(errors) == 3 + 4 * model.config.depth
    assert all(0.002 < error.weight < 0.01 for error in errors.values())
    layers = [error for name, error in errors.items() if name.startswith("blocks")]
    assert all(0.004 < error.output < 0.02 and error.output < error.worst_output < 0.2 for error in layers)
    model.blocks[1].mlp.up.weight.data[:, 5] *= 300  # one input that drowns the others in each row's scale
    after = {error.name: error for error in error_per_layer(model, quantize(model), few)}
    name = "blocks.1.mlp.up.weight"
    others = model.state_dict()[name][:, :5]
    rounded = quantize(model).matrices[name].float32()[:, :5]
    assert np.abs(rounded - others).mean() > 0.2 * np.abs(others).mean()
    assert after["blocks.1.attention.qkv.weight"] == errors["blocks.1.attention.qkv.weight"]


def test_rows_of_zeros_and_large_rows_round_to_bytes():
    weight = np.array([[0, 0, 0], [1, -2, 0.5], [3e4, 1, -3e4], [1e-9, 0, 0]], np.float32)
    matrix = byte_matrix(weight)
    assert matrix.q.dtype == np.int8 and np.abs(matrix.q.astype(int)).max() == 127
    np.testing.assert_allclose(matrix.float32(), weight, atol=0.51 * np.abs(weight).max(axis=1).max() / 127)
    np.testing.assert_allclose(matrix.float32()[1], weight[1], atol=0.51 * 2 / 127)
    assert not matrix.q[0].any()
    for value in (np.nan, np.inf, 1e7):  # of 1e7 the scale would be more than float16 holds
        with pytest.raises(InputError, match="not finite, or beyond"):
            byte_matrix(np.full((1, 2), value, np.float32))


def test_a_vector_that_two_bytes_cannot_hold_is_one_line(make_model):
    for value in (1e5, np.nan):
        model = make_model()
        model.wide.weight.data[3] = value
        with pytest.raises(InputError, match=r"quantize: wide\.weight is not finite, or beyond 65,504"):
            quantize(model)


def test_a_model_without_numbers_is_saved_and_read(tmp_path):
    model = LeadScout(LeadScoutConfig(30, 20, (), 5, 8, 1, 2, 16), rng=np.random.default_rng(0))
    save(tmp_path / "int8", quantize(model))
    for name, array in quantize(model).float32().items():
        np.testing.assert_array_equal(load(tmp_path / "int8").float32()[name], array)


def test_what_only_training_uses_is_left_out(model, make_model, examples):
    other = make_model()
    other.alone = Linear(32, 1, rng=np.random.default_rng(0))
    for name, array in quantize(model).arrays().items():
        np.testing.assert_array_equal(quantize(other).arrays()[name], array)
    for dtype in ("float32", "int8"):
        np.testing.assert_array_equal(compile(other, dtype).logits(examples), compile(model, dtype).logits(examples))


def test_bytes_stay_bytes(model):
    with pytest.raises(InputError, match='dtype is "float32", needs int8'):
        compile(quantize(model), "float32")
