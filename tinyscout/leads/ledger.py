"""The running account of a reading: bad rows refused or dropped, every dropped row counted and, if asked, listed."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinyscout.artifact import replacing
from tinyscout.errors import InputError
from tinyscout.leads.account import EXAMPLES, Account
from tinyscout.leads.sources import BadRow, Source
from tinyscout.leads.spreadsheet import harmless

Table = Literal["leads", "signals"]


@dataclass
class Ledger:
    """skip_bad_rows: drop rows that can't be read instead of refusing the file. listing: keep what `write` needs."""

    skip_bad_rows: bool = False
    listing: bool = False
    sources: list[Source] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    _dropped: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _missing: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _examples: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _list: list[tuple[str, str, int, str, str, str]] = field(default_factory=list)

    def open(self, source: Source) -> int:
        """Register a file and return its number."""
        self.sources.append(source)
        return len(self.sources) - 1

    def place(self, file: int, line: int) -> str:
        """How a row is named in a message: "leads.csv line 418"."""
        source = self.sources[file]
        return f"{source.path} {source.unit} {line}"

    def refuse(self, table: Table, file: int, rows: Sequence[BadRow]) -> None:
        """Drop rows that can't be read; without skip_bad_rows raise InputError for the first of them."""
        if rows and not self.skip_bad_rows:
            first = min(rows, key=lambda row: row.line)
            raise InputError(
                f"{self.place(file, first.line)}: {first.detail}. "
                "Fix the row, or pass --skip-bad-rows to drop and list such rows."
            )
        for row in rows:
            self._dropped[table][row.reason] += 1
            self._add(table, file, row.line, row.reason, row.lead_id, row.detail)

    def drop(
        self, table: Table, reason: str, files: np.ndarray, lines: np.ndarray, lead_ids: Sequence[str | None]
    ) -> None:
        """Drop readable rows for a reason of the rules; files, lines and lead_ids run over the rows."""
        if len(lines):
            self._dropped[table][reason] += len(lines)
        if self.listing:
            for file, line, lead_id in zip(files.tolist(), lines.tolist(), lead_ids, strict=True):
                self._add(table, file, line, reason, lead_id or "", "")

    def missing(self, column: str, reason: str, cells: int) -> None:
        """Count cells of a column that were read as missing."""
        if cells:
            self._missing[column][reason] += int(cells)

    def wants_example(self, reason: str) -> bool:
        return len(self._examples[reason]) < EXAMPLES

    def example(self, reason: str, record: dict[str, Any]) -> None:
        """Keep a JSON-able record of one finding, up to EXAMPLES a reason."""
        if self.wants_example(reason):
            self._examples[reason].append(record)

    def account(self) -> Account:
        """What was read, kept and dropped so far."""
        return Account(
            leads_in=self.read["leads"],
            leads_kept=self.kept["leads"],
            signals_in=self.read["signals"],
            signals_kept=self.kept["signals"],
            leads_dropped=dict(self._dropped["leads"]),
            signals_dropped=dict(self._dropped["signals"]),
            made_missing={column: dict(reasons) for column, reasons in self._missing.items()},
            examples={reason: list(records) for reason, records in self._examples.items() if records},
            notes=dict(self.notes),
            files=[source.describe() for source in self.sources],
        )

    def write(self, path: Path) -> None:
        """Write the dropped rows as CSV: table, file, line, reason, lead_id, detail; by file and line."""
        with replacing(Path(path)) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["table", "file", "line", "reason", "lead_id", "detail"])
            writer.writerows([harmless(cell) for cell in row] for row in sorted(self._list))

    def _add(self, table: str, file: int, line: int, reason: str, lead_id: str, detail: str) -> None:
        if self.listing:
            self._list.append((table, str(self.sources[file].path), line, reason, lead_id, detail))
