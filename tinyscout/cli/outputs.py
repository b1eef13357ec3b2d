"""Where a command writes is looked at before it works: an export is never overwritten, and no fit is lost."""

from __future__ import annotations

import argparse
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from tinyscout.errors import InputError

_INPUTS = ("leads", "signals", "map", "config", "family")


def check_outputs(args: argparse.Namespace, files: Sequence[str], folders: Sequence[str] = ()) -> None:
    """Look at the arguments that name files and folders to write, those that were given.

    Raises InputError for a file that the command also reads, which is in the folder of its model, or that two arguments
    name, where a folder stands in the place of a file or a file in that of a folder, and where nothing can be written.
    """
    models = [path.resolve() for path in _paths(args, "model")]
    taken = {_identity(path): "is read by this command" for name in _INPUTS for path in _paths(args, name)}
    for name in (*files, *folders):
        for path in _paths(args, name):
            try:
                _check_sort(path, models, is_folder=name in folders)
                if _identity(path) in taken:
                    raise InputError(f"{taken[_identity(path)]}; choose another place to write to")
                _try_to_write(path if name in folders else path.parent)
            except OSError as error:
                said = error.strerror or error
                raise InputError(f"--{name} {path}: can't be written ({said}); choose another folder") from error
            except InputError as error:
                raise InputError(f"--{name} {path}: {error}") from error
            taken[_identity(path)] = f"is what --{name} writes, too"


def _check_sort(path: Path, models: Sequence[Path], *, is_folder: bool) -> None:
    """Raise InputError for a file in a folder's place, or the other way round, and for a file in a model's folder."""
    if is_folder:
        if path.exists() and not path.is_dir():
            raise InputError("is a file; needs the name of a folder")
        return
    if path.exists() and not path.is_file():
        raise InputError("is a folder or a device; needs the name of a file")
    if any(model in path.resolve().parents for model in models):
        raise InputError("is in the folder of the model; choose another place to write to")


def _try_to_write(folder: Path) -> None:
    """Raise OSError unless a file can be made in a folder, or where the folder is yet to be made, in what is above."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    trial = folder / f".{uuid.uuid4().hex}.part"  # what os.access says of a folder is not true on all systems
    trial.open("xb").close()
    trial.unlink()


def _paths(args: argparse.Namespace, name: str) -> list[Path]:
    """The paths an argument names: none, one or several."""
    value = getattr(args, name, None)
    return [Path(path) for path in value] if isinstance(value, list) else [Path(value)] if value else []


def _identity(path: Path) -> object:
    """What two ways to write the same path agree in: the file itself where there is one, links followed."""
    try:
        found = path.stat()
    except OSError:
        return path.resolve()
    return found.st_dev, found.st_ino
