"""One input file as a stream of batches, whatever its format: told apart by its first bytes, not by its name.

A batch is an Arrow table with the place of each row in the file, so that a row can be named in a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tinyscout.errors import InputError

_NOT_TABLES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"%PDF": "a PDF; export the table as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"BZh": "compressed with bzip2; unpack it first, or use gzip",
    b"\xfd7zXZ": "compressed with xz; unpack it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it first, or use gzip",
    b"\x89PNG": "a picture; give a CSV or Parquet file",
    b"ARROW1": "an Arrow (Feather) file; write it as Parquet",
}


@dataclass(frozen=True)
class BadRow:
    """A row that can't be read: its place in the file, why, and what a message should say about it."""

    line: int
    reason: str
    detail: str
    lead_id: str = ""


@dataclass
class Batch:
    """Some rows of one file. table: the rows read; lines (N,) int64: their places; bad, empty: rows left out of it."""

    table: pa.Table
    lines: np.ndarray
    bad: list[BadRow] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    done: float = 0.0  # share of the file read so far


class Source(Protocol):
    """A file that can be read in batches."""

    path: Path
    columns: list[str]
    unit: str  # what `lines` counts: "line" of a text file or "row" of a Parquet file

    def batches(self, columns: Sequence[str] | None = None, rows: int | None = None) -> Iterator[Batch]: ...

    def describe(self) -> dict[str, Any]: ...


def open_source(path: str | Path) -> Source:
    """The source for a CSV (also gzipped) or Parquet file.

    Raises InputError when the file is missing, empty, a folder, or neither CSV nor Parquet.
    """
    from tinyscout.leads.csv_source import CsvSource
    from tinyscout.leads.parquet_source import ParquetSource

    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a CSV or Parquet file, or several")
    try:
        with path.open("rb") as file:
            seekable, head = file.seekable(), file.read(16)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give an existing CSV or Parquet file") from error
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check the file's permissions") from error
    if not seekable:
        raise InputError(f"{path}: is a pipe, which can't be read twice; save it to a file first")
    if not head:
        raise InputError(f"{path}: is empty; needs a header line and at least one row")
    for magic, what in _NOT_TABLES.items():
        if head.startswith(magic):
            raise InputError(f"{path}: is {what}")
    if head.startswith(b"PAR1"):
        return ParquetSource(path)
    return CsvSource(path)
