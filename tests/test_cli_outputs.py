"""Places to write to are looked at before the work: what can't be written is told before anything is read."""

import argparse
from pathlib import Path

import pytest

from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError


@pytest.mark.parametrize("name", ["json", "figure"])
def test_a_file_in_the_place_of_a_folder_is_found_before_the_work(tmp_path, name):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    for below in ("taken/found.json", "taken/deeper/found.json"):
        with pytest.raises(InputError, match=rf"^--{name} .*found.json: can't be written \(.*taken: "):
            check_outputs(argparse.Namespace(**{name: tmp_path / below}), ["json", "figure"])
    with pytest.raises(InputError, match=r"^--out .*taken"):
        check_outputs(argparse.Namespace(out=tmp_path / "taken" / "model"), [], folders=["out"])


def test_a_folder_that_lets_nobody_write_is_found_before_the_work(tmp_path, monkeypatch):
    def refuse(**options):
        raise PermissionError(13, "Permission denied", str(options["dir"]))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"can't be written \(.*: Permission denied\); choose another folder"):
        check_outputs(argparse.Namespace(json=tmp_path / "new" / "found.json"), ["json"])


def test_looking_leaves_nothing_behind_and_makes_no_folder(tmp_path):
    check_outputs(argparse.Namespace(json=tmp_path / "new" / "found.json", out=tmp_path / "model"), ["json"], ["out"])
    check_outputs(argparse.Namespace(json=Path("found.json")), ["json"])
    assert not any(tmp_path.iterdir())
