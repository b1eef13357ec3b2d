"""`tinyscout export`: from its files alone another program makes the scout's probabilities; and what it refuses."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyscout.cli import main
from tinyscout.leads import LeadTables
from tinyscout.scout import Scout


@pytest.fixture(scope="module")
def model(small_scout: Scout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    small_scout.save(folder)
    return folder


def refused(capsys: pytest.CaptureFixture[str], words: list[object], *said: str) -> None:
    """Exit code 2 and one line on standard error that says what it should."""
    assert main(["export", *map(str, words)]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1 and err.startswith("tinyscout export: ") and err.isascii(), err
    for each in said:
        assert each in err, err


def test_the_files_alone_give_the_probabilities_that_ship(
    small_scout: Scout, small_tables: LeadTables, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="ONNX is written by the package onnx (extra: export)")
    onnxruntime = pytest.importorskip("onnxruntime", reason="the oracle is ONNX Runtime (extra: dev)")
    monkeypatch.setattr(small_scout, "ships", "blend")
    small_scout.save(tmp_path / "blend")
    assert main(["export", "--model", str(tmp_path / "blend"), "--out", str(tmp_path / "out")]) == 0
    recipe = json.loads((tmp_path / "out" / "scout.json").read_text(encoding="utf-8"))
    assert recipe["ships"] == "blend" and recipe["share"] == 0.5 and recipe["model_version"] == small_scout.version
    tables = small_tables.take(np.arange(300))
    examples = small_scout.examples(tables)
    batch, features = examples.tokens.pad(), examples.features.toarray()
    feed = {"ids": batch.ids.astype(np.int64), "values": batch.values, "ages": batch.ages}
    feed |= {"lengths": batch.lengths.astype(np.int64), "features": features}
    members = []
    for i in range(len(recipe["members"])):
        assert (tmp_path / "out" / f"member-{i}.language.onnx").is_file()
        path = tmp_path / "out" / f"member-{i}.reply.onnx"
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        members.append(session.run(["logit"], feed)[0])
    assert len(recipe["features"]) == features.shape[1]
    baseline = features @ np.array(recipe["baseline"]["weight"]) + recipe["baseline"]["bias"]
    names = {"slope": recipe["slope"], "shift": recipe["shift"], "share": recipe["share"], "baseline": baseline}
    names |= {"members": members, "mean": lambda each: np.mean(each, axis=0), "exp": np.exp}
    found = eval(recipe["probability"], {"__builtins__": {}}, names)  # the formula as it stands in the file
    np.testing.assert_allclose(found, small_scout.predict(tables), rtol=0, atol=1e-5)


def test_safetensors_need_no_extra(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    words = ["export", "--model", str(model), "--out", str(tmp_path / "out"), "--format", "safetensors"]
    assert main(words) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"member-0.safetensors", "scout.json"}


def test_onnx_without_its_extra(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused(capsys, ["--model", model, "--out", tmp_path / "out"], "package onnx", "pip install 'tinyscout[export]'")
    assert not (tmp_path / "out").exists()


def test_a_scout_without_a_transformer(
    small_scout: Scout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(small_scout, "ships", "baseline")
    monkeypatch.setattr(small_scout.stack, "members", [])
    small_scout.save(tmp_path / "baseline")
    words = ["--model", tmp_path / "baseline", "--out", tmp_path / "out"]
    refused(capsys, words, "ships the baseline and has no transformer", "minimum_repliers")
    assert not (tmp_path / "out").exists()


def test_wrong_folders(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    refused(capsys, ["--model", tmp_path / "none", "--out", tmp_path / "out"], "none", "tinyscout fit")
    refused(capsys, ["--model", model, "--out", tmp_path / "file"], "--out", "is a file; needs the name of a folder")
    below = ["--model", model, "--out", tmp_path / "file" / "below", "--format", "safetensors"]
    refused(capsys, below, "can't be written")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere; needs a user")
def test_a_folder_that_may_not_be_written(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    words = ["--model", model, "--out", tmp_path / "locked", "--format", "safetensors"]
    refused(capsys, words, "locked", "can't be written")
