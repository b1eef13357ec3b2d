"""Places to write to are looked at before the work: what can't be written is told before anything is read."""

import argparse
import os
from pathlib import Path

import pytest

from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError


def refused(said: str, *folders: str, **arguments: Path) -> None:
    with pytest.raises(InputError, match=said):
        check_outputs(argparse.Namespace(**arguments), [each for each in arguments if each not in folders], folders)


@pytest.mark.parametrize("name", ["json", "figure"])
def test_a_file_in_the_place_of_a_folder_is_found_before_the_work(tmp_path, name):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    for below in ("taken/found.json", "taken/deeper/found.json"):
        refused(rf"^--{name} .*found.json: can't be written \(.*\); choose another folder", **{name: tmp_path / below})
    refused(r"^--out .*model: can't be written", "out", out=tmp_path / "taken" / "model")
    refused(r"^--out .*taken: is a file; needs the name of a folder", "out", out=tmp_path / "taken")


@pytest.mark.skipif(os.name == "nt", reason="needs links, and the words of a Unix")
def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch):
    refused(r"^--json .*: can't be written \(File name too long\)", json=tmp_path / ("a" * 300))
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    refused(r"^--json .*: can't be written", json=tmp_path / "nowhere" / "found.json")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    refused(
        r"found.json: can't be written \(Permission denied\); choose another folder", json=tmp_path / "x" / "found.json"
    )


def test_a_place_that_two_arguments_name_is_one_too_many(tmp_path):
    found = tmp_path / "found"
    refused(r"^--out .*found: is what --json writes, too; choose another place", json=found, out=found)
    refused(r"^--out .*found: is what --json writes, too; choose another place", "out", json=found, out=found)
    refused(r"^--checkpoint .*: is what --out writes", "out", "checkpoint", out=found, checkpoint=found)


def test_looking_leaves_nothing_behind_and_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_outputs(argparse.Namespace(json=tmp_path / "new" / "found.json", out=tmp_path / "model"), ["json"], ["out"])
    check_outputs(argparse.Namespace(json=Path("found.json")), ["json"])
    assert not any(tmp_path.iterdir())
