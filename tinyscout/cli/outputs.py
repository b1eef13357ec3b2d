"""Where a command writes is looked at before it works: an export is never overwritten, and no fit is lost."""

from __future__ import annotations

import argparse
import tempfile
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
    for name in files:
        for path in _paths(args, name):
            if path.exists() and not path.is_file():
                raise InputError(f"--{name} {path}: is a folder or a device; needs the name of a file")
            if any(model in path.resolve().parents for model in models):
                raise InputError(f"--{name} {path}: is in the folder of the model; choose another place to write to")
            if _identity(path) in taken:
                raise InputError(f"--{name} {path}: {taken[_identity(path)]}; choose another file to write to")
            _check_place(name, path.parent, path)
            taken[_identity(path)] = f"is what --{name} writes, too"
    for name in folders:
        for path in _paths(args, name):
            if path.exists() and not path.is_dir():
                raise InputError(f"--{name} {path}: is a file; needs the name of a folder")
            _check_place(name, path, path)


def _check_place(name: str, folder: Path, path: Path) -> None:
    """Raise InputError unless `folder` is one to write to, or can be made in one."""
    place = folder
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        tempfile.TemporaryFile(dir=place).close()  # what os.access says of a folder is not true on all systems
    except OSError as error:
        said = error.strerror or error
        raise InputError(f"--{name} {path}: can't be written ({place}: {said}); choose another folder") from error


def _paths(args: argparse.Namespace, name: str) -> list[Path]:
    """The paths an argument names: none, one or several."""
    value = getattr(args, name, None)
    return [Path(path) for path in value] if isinstance(value, list) else [Path(value)] if value else []


def _identity(path: Path) -> object:
    """What two ways to write the same path agree in: the file itself where there is one, links followed."""
    if path.exists():
        found = path.stat()
        return found.st_dev, found.st_ino
    return path.resolve()
