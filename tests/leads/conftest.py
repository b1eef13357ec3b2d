"""Fixtures of the tests of reading."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write() -> Callable[[Path, str], Path]:
    """Write a text to a file and return its path."""

    def written(path: Path, text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return written
