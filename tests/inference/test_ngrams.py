"""Vectors that tell of the tokens right before, too: the same in training, compiled, in bytes, cached, as ONNX."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from tinyscout.autograd import no_grad
from tinyscout.inference import compile
from tinyscout.inference.quantize import quantize
from tinyscout.models.lead_scout import LeadScout, earlier_ids, predict_logits
from tinyscout.tokenizer.vocabulary import PAD

NGRAM = 4
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def model(make_model) -> LeadScout:
    return make_model(ngram=NGRAM).eval()


def test_earlier_ids_stay_in_their_lead(make_examples):
    tokens = make_examples([3, 1, 2]).tokens
    ids = tokens.ids
    assert earlier_ids(tokens, 1).tolist() == [PAD, ids[0], ids[1], PAD, PAD, ids[4]]
    assert earlier_ids(tokens, 2).tolist() == [PAD, PAD, ids[0], PAD, PAD, PAD]
    padded = earlier_ids(tokens.pad(), 2)
    assert padded.tolist() == [[PAD, PAD, each] for each in ids[[0, 3, 4]]]  # past a lead's end nobody reads them
    assert earlier_ids(tokens.pad(), 7).tolist() == [[PAD] * 3] * 3


def test_a_vector_is_the_sum_that_is_written_down(model, make_examples):
    tokens = make_examples([9]).tokens
    plain = LeadScout.from_state(
        model.to_state() | {"ngram": 1}, {n: w for n, w in model.state_dict().items() if not n.startswith("before.")}
    )
    with no_grad():
        found, alone = model.embed(tokens).data, plain.embed(tokens).data
    for n in range(9):
        earlier = sum(
            table.weight.data[tokens.ids[n - j] if n >= j else PAD] for j, table in enumerate(model.before, 1)
        )
        np.testing.assert_allclose(found[n], alone[n] + earlier, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_compiled_equals_the_autograd_model(model, make_examples, dtype):
    examples = make_examples(np.arange(400) % 40 + 1)
    logits = compile(model, dtype).logits(examples)
    if dtype == "float32":
        np.testing.assert_allclose(logits, predict_logits(model, examples), rtol=0, atol=1e-5)
    else:
        rounded = quantize(model)
        assert {f"before.{j}.weight" for j in range(NGRAM - 1)} <= set(rounded.matrices)
        assert np.corrcoef(logits, predict_logits(model, examples))[0, 1] > 0.999


def test_reading_in_pieces_equals_reading_at_once(model, make_examples):
    tokens = make_examples([30]).tokens
    compiled = compile(model)
    with no_grad():
        expected = model.language_logits(tokens.pad()).data[0]
    for chunk in (1, 2, 5, 30):
        cache = compiled.cache()
        logits = compiled.prefill(tokens.ids, tokens.values, tokens.ages, cache, chunk=chunk)
        np.testing.assert_allclose(logits, expected[-1], atol=1e-4)
    cache = compiled.cache()
    compiled.prefill(tokens.ids[:20], tokens.values[:20], tokens.ages[:20], cache)
    bare = tokens.take(np.array([0]))
    bare.ages[20:], bare.values[20:] = np.nan, 0  # as decoded tokens are
    with no_grad():
        expected = model.language_logits(bare.pad()).data[0]
    for n in range(20, 30):
        np.testing.assert_allclose(compiled.decode(int(bare.ids[n]), cache), expected[n], atol=1e-4)
    cache.truncate(22)  # and once more from an earlier token
    np.testing.assert_allclose(compiled.decode(int(bare.ids[22]), cache), expected[22], atol=1e-4)


def test_pytorch_gives_the_same(model, make_examples, reply_feed, monkeypatch):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch (extra: oracle)")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    peer = importlib.import_module("torch_lead_scout")
    examples = make_examples(np.arange(60) % 40 + 1)
    inputs = [torch.from_numpy(array) for array in reply_feed(examples).values()]
    with torch.no_grad():
        found = peer.TorchLeadScout(model).eval()(*inputs, last_only=True).numpy()
    np.testing.assert_allclose(found, predict_logits(model, examples), atol=1e-3)  # log time in float32 there


def test_onnx_gives_the_same(model, make_examples, reply_feed):
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra dev")
    from tinyscout.inference.onnx_graph import reply_graph

    examples = make_examples(np.arange(60) % 40 + 1)
    session = runtime.InferenceSession(reply_graph(model).SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, reply_feed(examples))[0], predict_logits(model, examples), atol=1e-4)
