"""The commands one after another, as a user runs them: world, quality, fit, score, evaluate, and the small ones."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tinyscout.cli import COMMANDS, main

SETTINGS = """
minimum_repliers = 20
members = 1
[model]
width = 16
depth = 1
heads = 2
[fit]
epochs = 1
threads = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small world, settings, and a scout fitted on the world by the command line."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "small.toml").write_text(SETTINGS, encoding="utf-8")
    assert main(["world", "--leads", "3000", "--seed", "5", "--out", str(folder / "world")]) == 0
    assert main(fit_words(folder)) == 0
    return folder


def fit_words(folder: Path) -> list[str]:
    world = folder / "world"
    return [
        *("fit", str(world / "leads.parquet"), "--signals", str(world / "signals.parquet")),
        *("--config", str(folder / "small.toml"), "--out", str(folder / "model"), "--no-trees"),
        *("--ranked", str(folder / "held_out.csv"), "--figure", str(folder / "gains.png")),
        *("--json", str(folder / "fit.json")),
    ]


def test_fit_judges_on_later_leads_and_leaves_its_files(folder: Path) -> None:
    figures = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    assert set(figures["models"]) == {"baseline", "blend", "scout"}
    assert 0 < figures["models"]["scout"]["log_loss"] < 1
    held_out = pd.read_csv(folder / "held_out.csv")
    assert len(held_out) == figures["models"]["scout"]["n"]
    assert set(held_out["model_version"]) == {figures["model_version"]}
    assert (folder / "gains.png").read_bytes().startswith(b"\x89PNG")


def test_score_then_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = folder / "world"
    words = [
        str(world / "leads.parquet"),
        "--signals",
        str(world / "signals.parquet"),
        "--model",
        str(folder / "model"),
    ]
    out = folder / "ranked.csv"
    assert main(["score", *words, "--out", str(out), "--cost", "2", "--value", "40"]) == 0
    ranked = pd.read_csv(out)
    assert len(ranked) == 3000 and (ranked["rank"].diff().dropna() == 1).all()
    columns = ["lead_id", "probability", "rank", "decile", "tier", "do_not_contact", "unexplained", "model_version"]
    assert set(columns) <= set(ranked) and ranked["reason_1"].notna().mean() > 0.9
    assert ((ranked["probability"] < 0.05) == (ranked["do_not_contact"] == 1)).all()
    small = folder / "ranked_int8.csv"
    assert main(["score", *words, "--out", str(small), "--dtype", "int8", "--no-reasons"]) == 0
    in_bytes = pd.read_csv(small)
    assert in_bytes["model_version"].str.endswith("-int8").all()
    of_lead = [table.groupby("lead_id")["probability"].mean() for table in (ranked, in_bytes)]
    assert (of_lead[1] - of_lead[0]).abs().max() < 0.05
    assert main(["evaluate", *words, "--json", str(folder / "evaluation.json")]) == 0
    assert "log loss" in capsys.readouterr().out
    figures = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["models"]["scout"]["n"] < 3000  # contacts whose window isn't over are not judged


def test_a_world_too_small_for_a_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "--leads", "1", "--out", str(tmp_path / "w")]) == 0
    assert "no window is over yet" in capsys.readouterr().out


def test_the_same_fit_gives_the_same_model(folder: Path, tmp_path: Path) -> None:
    words = fit_words(folder)
    words[words.index("--out") + 1] = str(tmp_path / "again")
    assert main(words) == 0
    first, second = (
        json.loads((each / "manifest.json").read_text()) for each in (folder / "model", tmp_path / "again")
    )
    assert first["sha"] == second["sha"] and first["config"] == second["config"]


def test_quality_reports_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = folder / "world"
    words = [str(world / "leads.parquet"), "--signals", str(world / "signals.parquet")]
    assert main(["quality", *words, "--json", str(folder / "quality.json")]) == 0
    assert capsys.readouterr().out.isascii()
    assert json.loads((folder / "quality.json").read_text(encoding="utf-8"))["leaking"] == []


def test_doctor_finds_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.isascii() and f"tinyscout {command}" in text


def test_python_m_tinyscout_and_a_light_import() -> None:
    code = (
        "import sys, tinyscout; heavy = {'numpy', 'pandas', 'numba', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tinyscout", "--version"], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stdout.startswith("tinyscout ")


def test_an_unknown_command_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["foretell"])
    assert ended.value.code == 2 and "foretell" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["write", "a.csv", "--top", "many"], 'tinyscout write: --top is "many"; needs a whole number (see '),
        (["write", "a.csv", "--temperature", "hot"], 'tinyscout write: --temperature is "hot"; needs a number (see '),
        (["write", "a.csv", "--top", "two\nlines"], 'tinyscout write: --top is "two\\nlines"; needs a whole number'),
        (["write", "a.csv", "--top", "it's"], 'tinyscout write: --top is "it\'s"; needs a whole number (see '),
        (["write"], "tinyscout write: the following arguments are required: leads (see tinyscout write --help)"),
        (["score", "a.csv", "--same-day", "never"], "tinyscout score: argument --same-day: invalid choice"),
        (["write", "a.csv", "--tpo", "3"], "tinyscout: unrecognized arguments: --tpo 3 (see tinyscout --help)"),
        (["foretell"], "tinyscout: argument COMMAND: invalid choice: 'foretell'"),
        ([], "tinyscout: the following arguments are required: COMMAND"),
    ],
)
def test_a_wrong_option_is_one_line_without_usage(words, said, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and not out and err.startswith(said) and len(err.splitlines()) == 1, err
