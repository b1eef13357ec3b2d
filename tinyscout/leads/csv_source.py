"""CSV of any of the usual kinds: delimiter , ; tab or |, quoted newlines, gzip, any encoding text_encoding finds.

Every cell is read as text; what it means is decided later. Lines are counted as an editor shows them, so a row is
named by the line it starts on even after cells that span lines.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tinyscout.errors import InputError
from tinyscout.leads.sources import BadRow, Batch
from tinyscout.leads.text_encoding import detect, open_text

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 200
_CELLS = 1_500_000  # cells held as Python strings at one time
_LONGEST_CELL = 1 << 24
_END = "\x1eend of file\x1e"  # comes back as a row of its own unless a quote is still open


class CsvSource:
    """A delimited text file; `columns` are its header's names, made unique."""

    unit = "line"

    def __init__(self, path: Path):
        self.path = path
        self.encoding = detect(path)
        with open_text(path, self.encoding) as (text, _):
            sample = list(itertools.islice(text, _SAMPLE_LINES))
        self._skip = 0
        self.delimiter = ""
        if sample and sample[0].strip().lower().startswith("sep=") and len(sample[0].strip()) == 5:
            self.delimiter, self._skip = sample[0].strip()[4], 1  # Excel's own mark
        sample = sample[self._skip :]
        if not any(line.strip() for line in sample):
            raise InputError(f"{path}: is empty; needs a header line and at least one row")
        self.delimiter = self.delimiter or _sniff(sample)
        header = next(row for row in csv.reader(sample, delimiter=self.delimiter) if any(row))
        self.columns = _unique([name.strip() for name in header])
        self.rows = 0

    def describe(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "format": "csv",
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "rows": self.rows,
        }

    def batches(self, columns: Sequence[str] | None = None, rows: int | None = None) -> Iterator[Batch]:
        """Batches of at most `rows` rows with the columns asked for, all as strings.

        Raises InputError when a quote is never closed, or the file has a header and no rows.
        """
        columns = self.columns if columns is None else columns
        places = [self.columns.index(name) for name in columns]
        limit = max(1, min(rows or _CELLS, _CELLS // max(1, len(self.columns))))
        size = max(1, self.path.stat().st_size)
        before = csv.field_size_limit(_LONGEST_CELL)
        self.rows = 0
        try:
            with open_text(self.path, self.encoding) as (text, raw):
                reader = csv.reader(itertools.chain(text, ["\n", _END]), delimiter=self.delimiter)
                records = self._records(reader)
                while True:
                    batch, ended = self._batch(records, places, columns, limit)
                    self.rows += len(batch.lines) + len(batch.bad) + len(batch.empty)
                    batch.done = 1.0 if ended else min(1.0, raw.tell() / size)
                    if self.rows or not ended:
                        yield batch
                    if ended:
                        break
        finally:
            csv.field_size_limit(before)
        if not self.rows:
            raise InputError(f"{self.path}: has a header and no rows; needs at least one row below it")

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """(line the record starts on, cells) of each record below the header, blank lines skipped."""
        start = 1
        try:
            header_seen = False
            for number, cells in enumerate(reader):
                line, start = start, reader.line_num + 1
                if cells and cells[-1] == _END and len(cells) == 1:
                    return
                if number < self._skip or not cells:
                    continue
                if not header_seen:
                    header_seen = any(cells)
                    continue
                yield line, cells
        except csv.Error as error:
            raise InputError(
                f"{self.path} line {start}: can't be read as CSV ({error}); most often a quote that is never closed: "
                "close it, or save the file again"
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeError) as error:
            raise InputError(f"{self.path}: changed while it was read; read it again") from error
        raise InputError(
            f"{self.path} line {line}: a quote is opened here and never closed; close it, or save the file again"
        )

    def _batch(
        self, records: Iterator[tuple[int, list[str]]], places: list[int], columns: Sequence[str], limit: int
    ) -> tuple[Batch, bool]:
        width = len(self.columns)
        kept: list[list[str]] = []
        lines: list[int] = []
        bad: list[BadRow] = []
        empty: list[int] = []
        ended = True
        for line, cells in records:
            if len(cells) != width:
                if len(cells) > width and not any(cells[width:]):
                    cells = cells[:width]  # trailing delimiters
                elif not any(cells):
                    empty.append(line)
                    continue
                else:
                    bad.append(BadRow(line, "ragged row", _ragged(cells, width)))
                    continue
            if not cells[0] and not any(cells):
                empty.append(line)
                continue
            kept.append(cells)
            lines.append(line)
            if len(kept) >= limit:
                ended = False
                break
        arrays = [pa.array([cells[place] for cells in kept], pa.large_string()) for place in places]
        table = pa.Table.from_arrays(arrays, names=list(columns))
        return Batch(table, np.array(lines, np.int64), bad, empty), ended


def _ragged(cells: list[str], width: int) -> str:
    """What is wrong with a record of another width; one with line ends in it may have swallowed the rows below."""
    said = f"has {len(cells)} cells, the header has {width}"
    ends = max(cell.count("\n") for cell in cells)
    return f"{said}; a cell of it goes over {ends + 1} lines: is a quote left open there?" if ends else said


def _sniff(sample: list[str]) -> str:
    """The delimiter whose records agree best in width with the header; a comma where nothing splits."""
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        body = widths[1:-1] or widths[1:] or widths  # the sample may end within a record
        score = (round(sum(width == widths[0] for width in body) / len(body), 1), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _unique(names: list[str]) -> list[str]:
    """Header names with nameless columns numbered and repeated ones suffixed."""
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names, 1):
        base = name or f"column {position}"
        candidate, copy = base, 1
        while candidate in seen:
            copy += 1
            candidate = f"{base} ({copy})"
        seen.add(candidate)
        result.append(candidate)
    return result
