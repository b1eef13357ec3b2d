"""Artefacts: what a phase, a fit or a quantisation leaves behind, arrays beside a JSON manifest.

An artefact is a directory. The arrays and the state are written first under names that carry their hash; the
manifest that names them is renamed into place last. A reader therefore sees the old artefact or the new one, never
half of either, and a process killed at any moment loses nothing that was there. Nothing is unpickled.
"""

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tinyscout.errors import InputError

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
Content = TypeVar("Content", bytes, np.ndarray)
_OURS = re.compile(r"arrays-[0-9a-f]{12}\.safetensors|state-[0-9a-f]{12}\.json")
_PACKAGES = ("tinyscout", "numpy", "numba", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Manifest:
    """What made an artefact, from what, and how well it did.

    `role` is what the artefact can stand in for (`reply_scout`, `baseline`, `predictions`); `parents` maps the names
    of the artefacts it was made from to their `sha`; `code_hash` is that of the file that made it; `seconds` is the
    time it took; `created_at` is UTC, ISO 8601. `sha`, `arrays_file` and `state_file` are filled in by `save`.
    """

    name: str
    role: str
    made_by: str
    seed: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    data_hash: str = ""
    parents: dict[str, str] = field(default_factory=dict)
    code_hash: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    created_at: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION
    sha: str = ""
    arrays_file: str = ""
    state_file: str = ""

    @property
    def version(self) -> str:
        """A short name: m and 12 digits of `sha`; without the m a spreadsheet reads 674014e26045 as a number."""
        return f"m{self.sha[:12]}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place on success, delete it on failure.

    Raises InputError where the system can't write (no space, no permission, no such folder) or where `path` is a folder
    or a device, which a file must not take the place of; `path` is then untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is a folder or a device; needs the name of a file")
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror or error}); free space or choose another folder; "
            "what was there before is unchanged"
        ) from error
    finally:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)


def save(
    directory: Path,
    manifest: Manifest,
    arrays: Mapping[str, np.ndarray] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write an artefact to `directory` and return its manifest with hashes, versions and time filled in.

    arrays: name -> ndarray, written as safetensors. state: what JSON can hold. Raises InputError if it can't write.
    """
    directory = Path(directory)
    payload = _encode_arrays(arrays or {})
    text = json.dumps(state or {}, sort_keys=True, allow_nan=False).encode()
    arrays_file = f"arrays-{_sha(payload)[:12]}.safetensors"
    state_file = f"state-{_sha(text)[:12]}.json"
    manifest = replace(
        manifest,
        sha=_sha(payload + text),
        arrays_file=arrays_file,
        state_file=state_file,
        versions=package_versions(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for name, content in (
        (arrays_file, payload),
        (state_file, text),
        (MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()),
    ):
        with replacing(directory / name) as temporary:
            temporary.write_bytes(content)
    for stale in directory.iterdir():
        if _OURS.fullmatch(stale.name) and stale.name not in (arrays_file, state_file):
            stale.unlink(missing_ok=True)
    return manifest


def lacking(directory: Path) -> str:
    """What `directory` lacks to be an artefact's; "" for nothing."""
    if (Path(directory) / MANIFEST).is_file():
        return ""
    return f"holds no {MANIFEST}" if Path(directory).is_dir() else "there is no such folder"


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the artefact in `directory`. Raises InputError when there is none, or none this version reads."""
    path = Path(directory) / MANIFEST
    if lack := lacking(directory):
        raise InputError(f"{directory}: {lack}; needs a folder written by tinyscout, for example by tinyscout fit")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**content)
    except (ValueError, TypeError) as error:  # no JSON, or another's
        said = _one_line(error) if isinstance(error, ValueError) else "its entries are not those of one"
        raise InputError(f"{path}: is no tinyscout manifest ({said}); make the artefact again") from error
    if manifest.format_version != FORMAT_VERSION:
        raise InputError(
            f"{path}: has format version {manifest.format_version}, this tinyscout reads {FORMAT_VERSION}; "
            "make the artefact again with this version"
        )
    return manifest


def load(directory: Path) -> tuple[Manifest, dict[str, np.ndarray], dict[str, Any]]:
    """Manifest, arrays and state of the artefact in `directory`.

    Raises InputError when a file is missing, truncated or changed since it was written.
    """
    from safetensors.numpy import load as decode

    manifest, payload, state = checked(directory, Path.read_bytes)
    return manifest, decode(payload), state


def checked(directory: Path, read: Callable[[Path], Content]) -> tuple[Manifest, Content, dict[str, Any]]:
    """Manifest, content of the arrays' file as `read` gives it, and state, held against the manifest's hash.

    Raises InputError as `load` does.
    """
    manifest = read_manifest(directory)
    arrays, state = Path(directory) / manifest.arrays_file, Path(directory) / manifest.state_file
    for path in (arrays, state):
        if not path.is_file():
            raise InputError(f"{path}: is missing though the manifest names it; make the artefact again")
    payload, text = read(arrays), state.read_bytes()
    buffer: Any = payload  # an array is a buffer too, which its type says from Python 3.12 on
    digest = hashlib.sha256(buffer)
    digest.update(text)
    if digest.hexdigest() != manifest.sha:
        raise InputError(
            f"{directory}: the files do not match the manifest's hash (truncated or changed, "
            f"{len(payload) + len(text)} bytes found); make the artefact again"
        )
    return manifest, payload, json.loads(text)


def freshness(
    directory: Path, *, config: Mapping[str, Any], seed: int, parents: Mapping[str, str], code_hash: str
) -> str:
    """Why the artefact in `directory` can't be used for these inputs; an empty string when it is fresh and whole."""
    try:
        manifest, _, _ = checked(directory, Path.read_bytes)
    except InputError as error:
        return "missing" if not (Path(directory) / MANIFEST).is_file() else str(error)
    wanted = {"config": _canonical(config), "seed": seed, "parents": dict(parents), "code_hash": code_hash}
    found = {
        "config": _canonical(manifest.config),
        "seed": manifest.seed,
        "parents": manifest.parents,
        "code_hash": manifest.code_hash,
    }
    changed = [key for key in wanted if wanted[key] != found[key]]
    return f"{' and '.join(changed)} changed since it was made" if changed else ""


def package_versions() -> dict[str, str]:
    """Versions of the packages whose numbers may depend on them, and of tinyscout."""
    import platform

    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; line ends are normalised, so that a checkout on Windows hashes alike."""
    return _sha(Path(path).read_bytes().replace(b"\r\n", b"\n"))


def content_hash(arrays: Mapping[str, np.ndarray] | None = None, **values: Any) -> str:
    """SHA-256 over named arrays and JSON-able values, hexadecimal."""
    digest = hashlib.sha256(_canonical(values).encode())
    for name in sorted(arrays or {}):
        array = np.ascontiguousarray((arrays or {})[name])
        digest.update(f"{name}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _encode_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save as encode

    return encode({name: np.asarray(array, order="C") for name, array in arrays.items()})


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
