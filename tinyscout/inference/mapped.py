"""An artefact's arrays as views of its file, which the system reads as they are used and shares among processes."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tinyscout import artifact
from tinyscout.errors import InputError

KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "<i1", "U8": "<u1"}


def load_mapped(directory: Path) -> tuple[artifact.Manifest, dict[str, np.ndarray], dict[str, Any]]:
    """Manifest, arrays and state as artifact.load gives them, but the arrays can't be written and take no memory.

    Raises InputError when a file is missing, truncated or changed since it was written.
    """
    manifest, payload, state = artifact.checked(Path(directory), _mapped)
    return manifest, _views(payload), state


def _mapped(path: Path) -> np.ndarray:
    if not path.stat().st_size:
        raise InputError(f"{path}: is missing or empty though the manifest names it; make the artefact again")
    return np.memmap(path, np.uint8, "r")


def _views(payload: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file: 8 bytes of length, a JSON header with types, shapes and offsets, the data."""
    end = 8 + int.from_bytes(bytes(payload[:8]), "little")
    places = json.loads(bytes(payload[8:end]))
    places.pop("__metadata__", None)
    views = {}
    for name, place in places.items():
        first, last = place["data_offsets"]
        views[name] = payload[end + first : end + last].view(KINDS[place["dtype"]]).reshape(place["shape"])
    return views
