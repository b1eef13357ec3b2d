"""`tinyscout learn` and `tinyscout status` on a course of three tiny phases."""

import json
from pathlib import Path

import pytest

from tinyscout import artifact
from tinyscout.cli import main
from tinyscout.course import Course

PHASE = '''"""Is {name} any good?"""
from dataclasses import dataclass

from tinyscout import artifact
from tinyscout.course import open_phase

NEEDS = {needs!r}
SECONDS = 2


@dataclass(frozen=True)
class Settings:
    width: int


run = open_phase(__file__, Settings)
course, phase = run.course, run.phase
manifest = artifact.Manifest(
    name=phase.name,
    role="test",
    made_by="test",
    seed=run.seed,
    config=course.settings(phase),
    parents=course.parents(phase),
    code_hash=artifact.file_hash(phase.path),
    metrics={{"log_loss": 0.25, "measured": "nothing"}},
    seconds=1.5,
)
artifact.save(run.directory, manifest, None, {{"width": run.settings.width, "seed": run.seed}})
'''
NAMES = ("00_first", "01_second", "02_third")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    phases = tmp_path / "phases"
    phases.mkdir()
    for i, name in enumerate(NAMES):
        source = PHASE.format(name=name, needs=NAMES[max(0, i - 1) : i])
        (phases / f"{name}.py").write_text(source, encoding="utf-8")
    config = "\n".join(f"[phase{i:02}]\nwidth = 8\n[phase{i:02}.quick]\nwidth = 2\n" for i in range(3))
    (tmp_path / "settings.toml").write_text(config, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for module in ("learn", "status"):
        monkeypatch.setattr(f"tinyscout.cli.{module}.Course", lambda **options: Course(phases, **options))
    return tmp_path


def learn(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["learn", *words, "--config", "settings.toml"])
    return code, *capfd.readouterr()


def happened(printed: str) -> dict[str, str]:
    """What the closing table says of each phase."""
    rows = printed[printed.rindex("phase  ") :].splitlines()[2:]
    return {row.split("  ")[0]: row.split("  ", 1)[1].strip().rsplit("  ", 1)[0].strip() for row in rows}


def test_runs_in_order_then_skips_what_is_fresh(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = learn(capfd)
    assert code == 0 and happened(out) == dict.fromkeys(NAMES, "made")
    places = [out.index(f"of 3: {name} (missing;") for name in NAMES]
    assert places == sorted(places) and out.isascii()

    code, out, _ = learn(capfd)
    assert code == 0 and happened(out) == dict.fromkeys(NAMES, "fresh, skipped")
    assert "Is 00_first any good?" not in out

    code, out, _ = learn(capfd, "--force", "--to", "01")
    assert code == 0 and happened(out) == dict.fromkeys(NAMES[:2], "made")
    assert "--force was given" in out


def test_a_deleted_artefact_is_named_with_its_remedy(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    learn(capfd)
    (folder / "artifacts" / "01_second" / artifact.MANIFEST).unlink()
    code, out, err = learn(capfd, "02")
    assert code == 2 and out == ""
    assert err == (
        "tinyscout learn: phase 02 needs 01_second; run: tinyscout learn 01 --config settings.toml (about 2 s)\n"
    )
    code, out, _ = learn(capfd)
    assert code == 0
    # remade to the same bits, 01 leaves 02 as fresh as it was
    assert happened(out) == {"00_first": "fresh, skipped", "01_second": "made", "02_third": "fresh, skipped"}


def test_says_why_a_stale_phase_runs_again(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    learn(capfd)
    path = folder / "phases" / "01_second.py"
    path.write_text(path.read_text(encoding="utf-8").replace('"width":', '"height":'), encoding="utf-8")
    _, out, _ = learn(capfd)
    assert "01_second (phase file changed since it was made;" in out
    assert "02_third (inputs changed since it was made;" in out


def test_quick_and_seed_reach_the_phases(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, _ = learn(capfd, "--quick", "--seed", "3", "--to", "00")
    assert code == 0
    _, _, state = artifact.load(folder / "artifacts" / "quick" / "00_first")
    assert state == {"width": 2, "seed": 3}
    assert not (folder / "artifacts" / "00_first").exists()


def test_a_phase_that_fails_stops_the_rest(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = folder / "phases" / "01_second.py"
    path.write_text(path.read_text(encoding="utf-8") + "raise SystemExit(7)\n", encoding="utf-8")
    code, out, _ = learn(capfd)
    assert code == 7
    assert happened(out) == {"00_first": "made", "01_second": "failed with exit code 7", "02_third": "not run"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["07"], 'there is no phase "07"; needs one of 00, 01, 02'),
        (["01", "--to", "02"], "give phases or --to NN, not both"),
    ],
)
def test_a_wrong_choice_is_one_line(
    folder: Path, capfd: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    code, out, err = learn(capfd, *words)
    assert code == 2 and out == "" and line in err and err.count("\n") == 1


def test_status_reads_manifests(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    learn(capfd, "--to", "01")
    model = artifact.Manifest(name="scout", role="reply_scout", made_by="test", seconds=3.0)
    saved = artifact.save(folder / "artifacts" / "scout", model)
    assert main(["status", "--config", "settings.toml", "--json", "status.json"]) == 0
    out, _ = capfd.readouterr()
    content = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    assert [row["state"] for row in content["phases"]] == ["fresh", "fresh", "missing"]
    assert [row["log_loss"] for row in content["phases"]] == [0.25, 0.25, None]
    assert [(row["name"], row["version"]) for row in content["models"]] == [("artifacts/scout", saved.version)]
    assert out.isascii() and "missing" in out and "tinyscout learn --config settings.toml" in out


def test_status_of_an_empty_folder(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", "settings.toml"]) == 0
    assert capfd.readouterr().out.count("missing") == 3
