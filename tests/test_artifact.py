"""An artefact is whole or absent: whatever fails in between, the old one is still there."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyscout import artifact
from tinyscout.artifact import Manifest
from tinyscout.errors import InputError

MANIFEST = Manifest(name="m", role="test", made_by="tests", seed=3, config={"width": 8}, parents={"p": "abc"})


def test_save_then_load_gives_the_same_bits(tmp_path: Path) -> None:
    arrays = {
        "w": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32),
        "ids": np.arange(5),
        "step": np.array(7),
    }
    saved = artifact.save(tmp_path / "a", MANIFEST, arrays, {"names": ["x", "y"]})
    manifest, loaded, state = artifact.load(tmp_path / "a")
    assert manifest == saved and state == {"names": ["x", "y"]}
    for name, array in arrays.items():
        assert (loaded[name].tobytes(), loaded[name].dtype, loaded[name].shape) == (
            array.tobytes(),
            array.dtype,
            array.shape,
        )
    assert manifest.versions["tinyscout"] and manifest.created_at


def test_a_version_is_no_number_to_a_spreadsheet() -> None:
    manifest = replace(MANIFEST, sha="674014e26045" + "0" * 52)
    with pytest.raises(ValueError, match="674014e26045"):
        float(manifest.version)


def test_saving_again_leaves_one_set_of_files(tmp_path: Path) -> None:
    artifact.save(tmp_path, MANIFEST, {"w": np.zeros(3)})
    artifact.save(tmp_path, MANIFEST, {"w": np.ones(3)})
    assert len(list(tmp_path.iterdir())) == 3
    assert artifact.load(tmp_path)[1]["w"].tolist() == [1, 1, 1]


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("state-of-texas.json", "arrays-mine.safetensors"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    artifact.save(tmp_path, MANIFEST, {"w": np.zeros(3)})
    assert (tmp_path / "state-of-texas.json").exists() and (tmp_path / "arrays-mine.safetensors").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # as /dev/null is, which a run as root would replace for everybody
    with pytest.raises(InputError, match="needs the name of a file"), artifact.replacing(tmp_path / "pipe") as part:
        part.write_bytes(b"x")
    assert (tmp_path / "pipe").is_fifo() and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("failing", ["arrays", "state", "manifest"])
def test_a_full_disk_leaves_the_old_artefact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    artifact.save(tmp_path, MANIFEST, {"w": np.zeros(3)})
    write = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name.startswith(f".{failing}"):
            write(self, content[:5])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device") as caught:
        artifact.save(tmp_path, MANIFEST, {"w": np.ones(3)}, {"new": 1})
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert artifact.load(tmp_path)[1]["w"].tolist() == [0, 0, 0]
    assert not list(tmp_path.glob("*.part"))


def test_a_truncated_file_is_one_clear_line(tmp_path: Path) -> None:
    saved = artifact.save(tmp_path, MANIFEST, {"w": np.zeros(100)})
    path = tmp_path / saved.arrays_file
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="truncated or changed"):
        artifact.load(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', '{"surprise": 1}', "{}"])
def test_a_broken_manifest_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"is no tinyscout manifest") as caught:
        artifact.load(tmp_path)
    assert "\n" not in str(caught.value) and "__init__" not in str(caught.value)


def test_freshness_names_what_changed(tmp_path: Path) -> None:
    def why(**changed: object) -> str:
        wanted = {"config": {"width": 8}, "seed": 3, "parents": {"p": "abc"}, "code_hash": ""} | changed
        return artifact.freshness(tmp_path, **wanted)  # pyright: ignore[reportArgumentType]

    assert why() == "missing"
    artifact.save(tmp_path, MANIFEST, {"w": np.zeros(3)})
    assert why() == ""
    assert "seed" in why(seed=4)
    assert "config" in why(config={"width": 9})
    assert "parents" in why(parents={"p": "def"})
    assert "code_hash" in why(code_hash="1")
    with next(tmp_path.glob("*.safetensors")).open("ab") as file:
        file.write(b"0")
    assert "truncated or changed" in why()


def test_file_hash_ignores_line_ends(tmp_path: Path) -> None:
    (tmp_path / "unix").write_bytes(b"a\nb\n")
    (tmp_path / "windows").write_bytes(b"a\r\nb\r\n")
    assert artifact.file_hash(tmp_path / "unix") == artifact.file_hash(tmp_path / "windows")
