"""What other programs make of an exported model: ONNX Runtime and PyTorch agree with ours on leads of every length."""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyscout.autograd import no_grad
from tinyscout.errors import InputError, MissingExtra
from tinyscout.inference.export import write_onnx, write_safetensors
from tinyscout.leads.world import load_sample
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import SalesTokenizer

Feed = Callable[[Examples], dict[str, np.ndarray]]
LEADS, MAX_TOKENS, TOLERANCE = 1_000, 64, 1e-5
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def sample() -> tuple[LeadScout, Examples]:
    """1,000 leads of the shipped sample, and a model for them whose every weight matters."""
    tables = load_sample().tables.take(np.arange(LEADS))
    tokenizer = SalesTokenizer.fit(tables, merges=100, max_tokens=MAX_TOKENS)
    tokens, vocabulary = tokenizer.encode(tables), tokenizer.vocabulary
    features = BaselineFeatures.fit(tokens, vocabulary)
    wide = features.transform(tokens).astype(np.float32)
    numbers = tuple(field.start for field in vocabulary.fields if field.is_number)
    assert numbers
    config = LeadScoutConfig(len(vocabulary), vocabulary.n_language, numbers, wide.shape[1], 32, 3, 4, MAX_TOKENS)
    rng = np.random.default_rng(0)
    model = LeadScout(config, rng=rng).eval()
    for parameter in model.parameters():
        if parameter.data.std() == 0:  # gains, biases and heads that a fresh model starts from
            parameter.data += rng.normal(0, 0.1, parameter.shape).astype(np.float32)
    examples = Examples(tokens.truncate(MAX_TOKENS, vocabulary), wide)
    assert len(np.unique(examples.tokens.lengths)) > 20
    return model, examples


def reply_logits(model: LeadScout, examples: Examples) -> np.ndarray:
    with no_grad():
        return model.reply_logits(examples.tokens.pad(), examples.features).data


def language_logits(model: LeadScout, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, T, V), and which positions are no padding (N, T)."""
    batch = examples.tokens.pad()
    with no_grad():
        return model.language_logits(batch).data, np.arange(batch.ids.shape[1]) < batch.lengths[:, None]


def session(path: Path) -> Any:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime (extra: dev)")
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_onnx_heads_agree_with_ours_on_1000_leads(
    reply_feed: Feed, sample: tuple[LeadScout, Examples], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="ONNX is written by the package onnx (extra: export)")
    model, examples = sample
    reply, language = write_onnx(model, tmp_path, "m")
    for path in (reply, language):
        opsets = {each.domain: each.version for each in onnx.load(path).opset_import}
        assert opsets == {"": 20}  # standard ops alone
    feed = reply_feed(examples)
    found = session(reply).run(["logit"], feed)[0]
    ours = reply_logits(model, examples)
    assert ours.std() > 0.3
    np.testing.assert_allclose(found, ours, rtol=0, atol=TOLERANCE)
    some = examples.take(np.arange(0, LEADS, 5))  # (200, T, V) floats are enough
    ours, real = language_logits(model, some)
    tokens = {name: array for name, array in reply_feed(some).items() if name in ("ids", "values", "ages")}
    found = session(language).run(["logits"], tokens)[0]
    np.testing.assert_allclose(found[real], ours[real], rtol=0, atol=TOLERANCE)


def test_onnx_reads_one_lead_and_no_padding(
    reply_feed: Feed, sample: tuple[LeadScout, Examples], tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="ONNX is written by the package onnx (extra: export)")
    model, examples = sample
    reply = session(write_onnx(model, tmp_path, "m")[0])
    together = reply.run(None, reply_feed(examples))[0]
    for i in (int(np.argmin(examples.tokens.lengths)), int(np.argmax(examples.tokens.lengths))):
        feed = reply_feed(examples.take(np.array([i])))
        np.testing.assert_allclose(reply.run(None, feed)[0], together[i : i + 1], rtol=0, atol=TOLERANCE)
    feed = reply_feed(examples)
    padding = np.arange(feed["ids"].shape[1]) >= feed["lengths"][:, None]
    assert padding.any()
    feed |= {"ids": np.where(padding, 5, feed["ids"]), "ages": np.where(padding, np.float32(3), feed["ages"])}
    np.testing.assert_array_equal(reply.run(None, feed)[0], together)


@pytest.mark.parametrize("top_k", [1, 2])
def test_experts_as_onnx_and_safetensors(
    reply_feed: Feed, sample: tuple[LeadScout, Examples], tmp_path: Path, top_k: int
) -> None:
    pytest.importorskip("onnx", reason="ONNX is written by the package onnx (extra: export)")
    from safetensors.numpy import load_file

    dense, examples = sample
    rng = np.random.default_rng(5)
    model = LeadScout(replace(dense.config, experts=4, top_k=top_k), rng=rng).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("router.weight"):
            parameter.data *= 3  # decided, so that no rounding moves a token to another expert
        elif parameter.data.std() == 0:
            parameter.data += rng.normal(0, 0.1, parameter.shape).astype(np.float32)
    some = examples.take(np.arange(0, LEADS, 5))
    reply, language = write_onnx(model, tmp_path, "m")
    ours, real = language_logits(model, some)
    feed = reply_feed(some)
    np.testing.assert_allclose(
        session(reply).run(["logit"], feed)[0], reply_logits(model, some), rtol=0, atol=TOLERANCE
    )
    tokens = {name: array for name, array in feed.items() if name in ("ids", "values", "ages")}
    found = session(language).run(["logits"], tokens)[0]
    np.testing.assert_allclose(found[real], ours[real], rtol=0, atol=TOLERANCE)
    (path,) = write_safetensors(model, tmp_path, "m")
    written = load_file(path)
    assert written["blocks.2.mlp.up.weight"].shape == (4, 128, 32) and "blocks.2.mlp.router.weight" in written


def test_pytorch_loads_the_safetensors_into_an_equivalent_module(
    reply_feed: Feed, sample: tuple[LeadScout, Examples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch (extra: oracle)")
    from safetensors import safe_open
    from safetensors.torch import load_file

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    peer = importlib.import_module("torch_lead_scout")
    model, examples = sample
    (path,) = write_safetensors(model, tmp_path, "m")
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    config["numbers"] = tuple(config["numbers"])
    blank = LeadScout(LeadScoutConfig(**config), rng=np.random.default_rng(99))

    class Precise(peer.TorchLeadScout):
        def age_features(self, ages: Any) -> Any:
            """Log time in float64, as ours: float32's rounding would show in the fastest sine."""
            u = torch.log1p(torch.nan_to_num(ages).double() * 60) / np.log1p(60.0 * 24 * 365 * 10)
            u = u.float()[..., None]
            angles = u * (torch.pi * 2.0 ** torch.arange(self.frequencies))
            parts = [torch.ones_like(u), u, torch.sin(angles), torch.cos(angles)]
            return torch.cat(parts, dim=-1) * ~torch.isnan(ages)[..., None]

    module = Precise(blank).eval()
    module.load_state_dict(load_file(path), strict=True)  # every weight, and nothing else
    feed = {name: torch.from_numpy(array) for name, array in reply_feed(examples).items()}
    with torch.no_grad():
        found = module(*feed.values(), last_only=True).numpy()
        np.testing.assert_allclose(found, reply_logits(model, examples), rtol=0, atol=TOLERANCE)
        some = examples.take(np.arange(0, LEADS, 5))
        ours, real = language_logits(model, some)
        feed = {name: torch.from_numpy(array) for name, array in reply_feed(some).items()}
        x = module.token(feed["ids"]) + module.position.weight[: real.shape[1]]
        x = x + module.age["project"](module.age_features(feed["ages"])) + module.amounts(feed["ids"], feed["values"])
        for block in module.blocks:
            x = block(x)
        logits = module.norm(x) @ module.token.weight[: model.config.language].T
    np.testing.assert_allclose(logits.numpy()[real], ours[real], rtol=0, atol=TOLERANCE)


def test_without_onnx_one_line_names_the_extra(
    sample: tuple[LeadScout, Examples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        MissingExtra, match=r"^writing ONNX needs the package onnx; run: pip install 'tinyscout\[export\]'$"
    ):
        write_onnx(sample[0], tmp_path, "m")
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_should_be(sample: tuple[LeadScout, Examples], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="can't be written"):
        write_safetensors(sample[0], tmp_path / "taken", "m")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"
