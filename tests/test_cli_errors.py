"""What users get wrong, at the command line: one clear line and exit code 2, or documented handling, nothing lost."""

import errno
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.cli import main
from tinyscout.leads.world import World, export
from tinyscout.scout import Scout


@pytest.fixture(scope="module")
def frames(small_world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    leads, signals = export(small_world.tables)
    return leads.drop(columns="contact_id"), signals


def write(frames: tuple[pd.DataFrame, pd.DataFrame], folder: Path, n: int = 300) -> tuple[Path, Path]:
    """The first n leads and their signals as CSV files in `folder`."""
    leads, signals = frames
    leads = leads.drop_duplicates("lead_id").head(n)
    signals = signals[signals["lead_id"].isin(leads["lead_id"])]
    leads.to_csv(folder / "leads.csv", index=False)
    signals.to_csv(folder / "signals.csv", index=False)
    return folder / "leads.csv", folder / "signals.csv"


def test_missing_column(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    pd.read_csv(leads).drop(columns="persona").to_csv(leads, index=False)
    run("score", leads, "--signals", signals, "--model", model, "--out", "r.csv").refused("leads.csv", "persona")
    assert not Path("r.csv").exists()


def test_wrong_date(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    table = pd.read_csv(leads, dtype=str)
    table.loc[16, "contacted_at"] = "31/02/2025"
    table.to_csv(leads, index=False)
    words = ("score", leads, "--signals", signals, "--model", model, "--out", "r.csv")
    run(*words).refused("leads.csv", "18", "31/02/2025", "--skip-bad-rows")
    assert not Path("r.csv").exists()
    code, out, _ = run(*words, "--skip-bad-rows", "--rejects", "rejects.csv")
    assert code == 0 and len(pd.read_csv("r.csv")) == 299
    rejects = pd.read_csv("rejects.csv")
    rejects = rejects[rejects["table"] == "leads"]
    assert len(rejects) == 1 and 18 in rejects.iloc[0].tolist()
    assert "300 rows read, 299 kept; 1 dropped" in out


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"lead_id,contacted_at\n", "no"), (bytes(range(256)) * 40, "leads.csv"), (None, "leads.csv")],
    ids=["empty", "header only", "binary", "no such file"],
)
def test_files_that_hold_no_leads(run, model: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "leads.csv").write_bytes(content)
    run("score", "leads.csv", "--model", model).refused("leads.csv", said)
    run("fit", "leads.csv").refused("leads.csv")
    assert not Path("ranked_leads.csv").exists() and not Path("artifacts").exists()


def test_every_lead_three_times(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    table = pd.read_csv(leads, dtype=str)
    pd.concat([table] * 3).to_csv(leads, index=False)
    code, out, _ = run("score", leads, "--signals", signals, "--model", model, "--out", "r.csv")
    assert code == 0 and "900 rows read, 300 kept; 600 dropped" in out
    assert pd.read_csv("r.csv")["lead_id"].is_unique


def test_signals_after_contact_change_nothing(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    words = ("score", leads, "--signals", signals, "--model", model, "--out")
    code, before, _ = run(*words, "before.csv")
    assert code == 0
    table, log = pd.read_csv(leads), pd.read_csv(signals)
    late = table[["lead_id"]].assign(at=table["contacted_at"], kind="demo_request", channel="web", text="yes please")
    pd.concat([log, late]).to_csv(signals, index=False)
    code, out, _ = run(*words, "after.csv")
    dropped = [int(re.search(r"([\d,]+) dropped: at or after contact", text)[1]) for text in (before, out)]
    assert code == 0 and dropped[1] == dropped[0] + 300
    pd.testing.assert_frame_equal(pd.read_csv("before.csv"), pd.read_csv("after.csv"))


def test_unseen_category_long_text_and_numbers_that_are_none(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    table, log = pd.read_csv(leads, dtype=str), pd.read_csv(signals, dtype=str)
    table.loc[0, "persona"] = "astronaut"
    table.loc[1, "employees"], table.loc[2, "employees"], table.loc[3, "employees"] = "NaN", "inf", "-1e400"
    log.loc[0, "text"] = "please call me back " * 500
    table.to_csv(leads, index=False)
    log.to_csv(signals, index=False)
    code, _, err = run("score", leads, "--signals", signals, "--model", model, "--out", "r.csv")
    assert code == 0, err
    ranked = pd.read_csv("r.csv").set_index("lead_id")
    assert np.isfinite(ranked["probability"]).all() and len(ranked) == 300


def test_forgotten_signals_are_noted(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    _, _, err = run("score", leads, "--signals", signals, "--model", model)
    assert "note" not in err
    for command in ("score", "evaluate"):
        code, _, err = run(command, leads, "--model", model)
        assert code == 0 and "note: the model was fitted with signals and no --signals were given" in err


def test_no_signal_is_left_of_a_bad_file(run, frames, model: Path, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    table = pd.read_csv(signals, dtype=str)
    for column, value in (("at", "31/02/2025"), ("lead_id", "")):
        table.assign(**{column: value}).to_csv("bad.csv", index=False)
        words = ("score", leads, "--signals", "bad.csv", "--model", model, "--out", "r.csv")
        run(*words).refused("bad.csv line 2", "--skip-bad-rows")
        code, out, err = run(*words, "--skip-bad-rows")
        assert code == 0, err
        assert f"signals: {len(table):,} rows read, 0 kept; {len(table):,} dropped" in out
        assert len(pd.read_csv("r.csv")) == 300


def test_a_console_that_knows_ascii_only(
    run, frames, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads, signals = write(frames, tmp_path)
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert main(["score", str(leads), "--signals", str(signals), "--model", str(model), "--out", "r\u00e9.csv"]) == 0
    assert console.line_buffering  # who reads a pipe is told at once
    console.seek(0)
    assert "ranked list: r\\xe9.csv" in console.read()


def test_truncated_model(run, frames, small_scout: Scout, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    small_scout.save(tmp_path / "m")
    weights = next((tmp_path / "m").glob("arrays-*"))
    weights.write_bytes(weights.read_bytes()[:-1000])
    run("score", leads, "--signals", signals, "--model", tmp_path / "m").refused("truncated or changed")


def test_full_disk_while_writing_keeps_the_old_list(
    run, frames, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads, signals = write(frames, tmp_path)
    Path("r.csv").write_text("the old list", encoding="utf-8")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run("score", leads, "--signals", signals, "--model", model, "--out", "r.csv").refused(
        "r.csv",
        "No space left on device",
    )
    assert Path("r.csv").read_text(encoding="utf-8") == "the old list"
    assert not list(Path().glob(".r.csv*"))


@pytest.mark.parametrize("option", ["--out", "--rejects", "--json"])
@pytest.mark.parametrize("name", ["leads.csv", "signals.csv", "./leads.csv", "linked.csv"])
def test_an_input_is_never_written_over(run, frames, model: Path, tmp_path: Path, option: str, name: str) -> None:
    leads, signals = write(frames, tmp_path)
    if name == "linked.csv":
        try:
            Path("linked.csv").symlink_to(leads)
        except OSError:
            pytest.skip("symbolic links need a right here that this user has not")
    before = leads.read_bytes(), signals.read_bytes()
    run("score", leads, "--signals", signals, "--model", model, option, name).refused(option, Path(name).name)
    assert (leads.read_bytes(), signals.read_bytes()) == before


def test_where_to_write_is_looked_at_before_the_work(run, frames, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    fit = ("fit", leads, "--signals", signals)
    run(*fit, "--ranked", "r.csv", "--json", "r.csv").refused("--json r.csv", "--ranked")
    run(*fit, "--figure", tmp_path).refused("--figure", "needs the name of a file")
    run(*fit, "--out", signals).refused("--out", "needs the name of a folder")
    run(*fit, "--holdout", "0", "--ranked", "r.csv").refused("--ranked", "--holdout")
    run(*fit, "--seed", "-1").refused("--seed")
    run("demo", "--seed", "-1").refused("--seed")
    run(*fit, "--window-days", "inf").refused("--window-days is inf; needs a number of days")
    assert not Path("artifacts").exists() and not Path("r.csv").exists()


def test_settings_of_a_later_version(run, frames, small_scout: Scout, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    small_scout.save(tmp_path / "m")
    manifest = tmp_path / "m" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["config"]["experts"] = 4
    manifest.write_text(json.dumps(content), encoding="utf-8")
    run("score", leads, "--signals", signals, "--model", tmp_path / "m").refused("experts", "fit it again")


@pytest.mark.parametrize("words", [("--cost", "1"), ("--value", "1"), ("--cost", "-1", "--value", "2")])
def test_prices(run, frames, model: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    leads, signals = write(frames, tmp_path)
    run("score", leads, "--signals", signals, "--model", model, *words).refused("--")


def test_settings_with_an_unknown_key(run, frames, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    Path("s.toml").write_text("[fit]\nepochz = 3\n", encoding="utf-8")
    run("fit", leads, "--signals", signals, "--config", "s.toml").refused("s.toml", "fit.epochz")


def test_no_model_yet(run, frames, tmp_path: Path) -> None:
    leads, signals = write(frames, tmp_path)
    run("score", leads, "--signals", signals).refused(str(Path("artifacts/scout")), "tinyscout fit")


@pytest.mark.parametrize("command", ["score", "write", "evaluate", "export", "stress"])
def test_the_model_of_the_demo_is_named_where_no_other_is(run, frames, model: Path, tmp_path: Path, command) -> None:
    files = write(frames, tmp_path)[:1] if command not in ("export", "stress") else ()
    shutil.copytree(model, tmp_path / "artifacts" / "demo")
    said = f"pass --model {Path('artifacts/demo')} for the one that tinyscout demo left"
    run(command, *files).refused(f"{Path('artifacts/scout')}: there is no such folder; fit a scout", said)
    run(command, *files, "--model", "mine").refused("mine: there is no such folder", said)
    shutil.copytree(model, tmp_path / "artifacts" / "scout")
    if command in ("score", "write"):
        assert run(command, *files).code == 0


def test_debug_shows_the_traceback(run) -> None:
    from tinyscout.errors import InputError

    with pytest.raises(InputError):
        run("score", "none.csv", "--debug")
