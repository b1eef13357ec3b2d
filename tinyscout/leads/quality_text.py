"""The quality report as text: plain ASCII, but for the export's own words, which stand as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyscout.leads.leakage import Suspect
    from tinyscout.leads.quality import QualityReport

_SEGMENT_ROWS, _SEGMENT_LEADS = 6, 10  # values shown a column, and leads a value shown; all are in the data


def render(report: QualityReport) -> str:
    """The report for people to read, many lines."""
    parts = [
        _section("Rows", _account_lines(report.account)),
        _section("Replies", _balance_lines(report)),
        _section("Leaks", _suspect_lines(report.suspects)),
        _section("By segment", _segment_lines(report.segments)),
        _section("By day of contact", _table(["day", "leads", "known", "replied", "rate"], _rated(report.weekdays))),
        _section("Columns", _column_lines(report.columns)),
        _section("Repeats", [f"{name.replace('_', ' ')}: {count:,}" for name, count in report.repeats.items()]),
        _section("Signals", _signal_lines(report.signals)),
        _section("Notes", report.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines]) if lines else ""


def _account_lines(account: dict[str, Any]) -> list[str]:
    from tinyscout.leads.account import Account

    lines = Account(**account).lines()
    for reason, records in account["examples"].items():
        lines.append(f"for example, {reason}: " + ", ".join(f"{key} {value}" for key, value in records[0].items()))
    return lines


def _balance_lines(report: QualityReport) -> list[str]:
    balance, replies = report.balance, report.replies
    lines = [
        f"{balance['leads']:,} contacts, {balance['known']:,} with a known outcome, {balance['replied']:,} replied: "
        f"{_percent(balance['rate'])}"
    ]
    if balance["negatives_per_reply"] is not None:
        lines.append(f"{balance['negatives_per_reply']:.1f} negatives for each reply")
    if replies:
        lines.append(
            f"{balance['replied_ever']:,} replied at any time ({_percent(balance['rate_ever'])}); of those "
            f"{_percent(replies['share_in_window'])} in the window, {replies['after_window']:,} later, "
            f"{replies['before_contact']:,} before contact"
        )
        if replies["days_median"] is not None:
            lines.append(
                f"days to reply: median {replies['days_median']:.1f}, 90 % within {replies['days_90_percent']:.1f}, "
                f"99 % within {replies['days_99_percent']:.1f}"
            )
    return lines


def _suspect_lines(suspects: Sequence[Suspect]) -> list[str]:
    lines = []
    for suspect in suspects:
        lines.append(f"{suspect.grade}: {suspect.column} ({suspect.score:.2f})")
        lines.append(f"    {suspect.reason}")
        for example in suspect.examples[:2]:
            shown = ", ".join(f"{key} {_short(value)}" for key, value in example.items())
            lines.append(f"    for example: {shown}")
    return lines or ["no column was found to know the answer"]


def _segment_lines(segments: Sequence[dict[str, Any]]) -> list[str]:
    shown, counts = [], {}
    for row in segments:
        counts[row["column"]] = counts.get(row["column"], 0) + 1
        if counts[row["column"]] <= _SEGMENT_ROWS and row["leads"] >= _SEGMENT_LEADS:
            shown.append(row)
    lines = _table(["column", "value", "leads", "known", "replied", "rate"], _rated(shown))
    hidden = len(segments) - len(shown)
    return [*lines, f"{hidden} rarer values are in the figures (--json)"] if hidden else lines


def _column_lines(columns: Sequence[dict[str, Any]]) -> list[str]:
    rows = [
        {
            "column": row["column"],
            "type": row["type"] if row["used"] else f"{row['type']}, not used",
            "missing": _percent(row["missing"]),
            "distinct": f"{row['distinct']:,}",
            "read as missing": ", ".join(f"{count:,} {reason}" for reason, count in row["made_missing"].items()),
        }
        for row in columns
    ]
    return _table(["column", "type", "missing", "distinct", "read as missing"], rows)


def _signal_lines(signals: dict[str, Any]) -> list[str]:
    if not signals:
        return []
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in list(signals["kinds"].items())[:12])
    return [
        f"{_percent(signals['coverage'])} of the contacts have signals; median {signals['median_per_contact']:g}, "
        f"most {signals['most_of_a_contact']:,}",
        f"kinds: {kinds}",
    ]


def _rated(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {
            key: _percent(value) if key == "rate" else f"{value:,}" if isinstance(value, int) else value
            for key, value in row.items()
        }
        for row in rows
    ]


def _table(names: Sequence[str], rows: Sequence[dict[str, str]]) -> list[str]:
    if not rows:
        return []
    cells = [list(names), *([_short(row[name]) for name in names] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _short(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 48 else text[:45] + "..."
