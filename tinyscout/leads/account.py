"""The account of one reading: every row of every file is kept or dropped for a stated reason.

Signals are counted as rows of the export: one that serves three contacts of its lead is kept once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5  # samples kept a reason, for the quality report


@dataclass(frozen=True)
class Account:
    """Rows in = rows kept + rows dropped by reason, for leads and for signals.

    made_missing: column -> reason -> number of cells that were read as missing.
    examples: reason -> up to EXAMPLES records of what was found (JSON-able).
    notes: facts about the reading that dropped nothing (JSON-able).
    files: one record a file: path, format, encoding, delimiter, rows.
    """

    leads_in: int
    leads_kept: int
    signals_in: int = 0
    signals_kept: int = 0
    leads_dropped: dict[str, int] = field(default_factory=dict)
    signals_dropped: dict[str, int] = field(default_factory=dict)
    made_missing: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether rows in equal rows kept plus rows dropped, on both sides."""
        return self.leads_in == self.leads_kept + sum(
            self.leads_dropped.values()
        ) and self.signals_in == self.signals_kept + sum(self.signals_dropped.values())

    def lines(self) -> list[str]:
        """The account in words, one line each; what is nought, or a table of its own, is left out."""
        text = []
        for what, rows, kept, dropped in (
            ("leads", self.leads_in, self.leads_kept, self.leads_dropped),
            ("signals", self.signals_in, self.signals_kept, self.signals_dropped),
        ):
            if not rows and what == "signals":
                continue
            reasons = "".join(f"; {count:,} dropped: {reason}" for reason, count in dropped.items() if count)
            text.append(f"{what}: {rows:,} rows read, {kept:,} kept{reasons}")
        for column, reasons in self.made_missing.items():
            cells = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
            if cells:
                text.append(f"{column}: read as missing: {cells}")
        counts = {
            name: f"{value:,}" if isinstance(value, int) else value for name, value in self.notes.items() if value
        }
        text.extend(f"{name}: {value}" for name, value in counts.items() if isinstance(value, str))
        return text

    def to_dict(self) -> dict[str, Any]:
        return {
            "leads_in": self.leads_in,
            "leads_kept": self.leads_kept,
            "leads_dropped": dict(self.leads_dropped),
            "signals_in": self.signals_in,
            "signals_kept": self.signals_kept,
            "signals_dropped": dict(self.signals_dropped),
            "made_missing": {column: dict(reasons) for column, reasons in self.made_missing.items()},
            "examples": {reason: list(records) for reason, records in self.examples.items()},
            "notes": dict(self.notes),
            "files": list(self.files),
        }
