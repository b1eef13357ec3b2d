"""What an export is worth: class balance, reply times, missing values, repeats, and columns that know the answer.

Figures as plain data (`report`), a text of them (`render`). Rates are of leads whose label is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from tinyscout.leads.leakage import Suspect, find_leaks
from tinyscout.leads.quality_text import render
from tinyscout.leads.tables import LeadTables

__all__ = ["QualityReport", "Suspect", "render", "report"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEGMENT_VALUES = 20  # a category of more values is no segment
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class QualityReport:
    """Figures of one export, all JSON-able.

    balance: rates overall and in the window; segments: a row a value of each low-cardinality category and third of each
    number; weekdays: a row a day, and weekday against weekend; replies: days to reply; columns: a row a column with its
    type and missing share; repeats; signals: coverage and kinds; suspects: leaking columns first.
    """

    account: dict[str, Any]
    balance: dict[str, Any]
    segments: list[dict[str, Any]]
    weekdays: list[dict[str, Any]]
    replies: dict[str, Any]
    columns: list[dict[str, Any]]
    repeats: dict[str, Any]
    signals: dict[str, Any]
    suspects: list[Suspect]
    notes: list[str]

    @property
    def leaking(self) -> list[Suspect]:
        """Columns to leave out of training unless told otherwise."""
        return [suspect for suspect in self.suspects if suspect.grade == "leaking"]

    def to_dict(self) -> dict[str, Any]:
        return {
            **{name: value for name, value in vars(self).items() if name != "suspects"},
            "suspects": [suspect.to_dict() for suspect in self.suspects],
            "leaking": [suspect.column for suspect in self.leaking],
        }


def report(tables: LeadTables) -> QualityReport:
    """Every figure of an export read with labels; see QualityReport."""
    y = tables.labels
    suspects = find_leaks(tables)
    return QualityReport(
        account=tables.account.to_dict(),
        balance=_balance(tables, y),
        segments=_segments(tables, y),
        weekdays=_weekdays(tables, y),
        replies=_replies(tables),
        columns=_columns(tables),
        repeats=_repeats(tables),
        signals=_signals(tables),
        suspects=suspects,
        notes=_notes(tables, y, suspects),
    )


def _rate(y: np.ndarray) -> dict[str, Any]:
    """Counts and reply rate of some labels; the rate is None where none is known."""
    known = y[~np.isnan(y)]
    replied = int((known == 1).sum())
    rate = replied / len(known) if len(known) else None
    return {"leads": len(y), "known": len(known), "replied": replied, "rate": rate}


def _balance(tables: LeadTables, y: np.ndarray) -> dict[str, Any]:
    overall = _rate(y)
    negatives = overall["known"] - overall["replied"]
    balance = {**overall, "negatives_per_reply": negatives / overall["replied"] if overall["replied"] else None}
    if "replied_at" in tables.leads:
        ever = tables.leads["replied_at"].notna().to_numpy()
        balance["replied_ever"] = int(ever.sum())
        balance["rate_ever"] = float(ever.mean())
        balance["rate_in_window"] = overall["rate"]
    return balance


def _segments(tables: LeadTables, y: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    for name in tables.schema.of_type("category"):
        column = tables.leads[name]
        codes = column.cat.codes.to_numpy()
        if len(np.unique(codes)) > _SEGMENT_VALUES:
            continue
        counts = np.bincount(codes + 1, minlength=len(column.cat.categories) + 1)
        for code in np.argsort(-counts, kind="stable").tolist():
            if counts[code]:
                value = "(missing)" if code == 0 else str(column.cat.categories[code - 1])
                rows.append({"column": name, "value": value, **_rate(y[codes + 1 == code])})
    for name in tables.schema.of_type("number"):
        values = tables.leads[name].to_numpy(np.float64)
        cuts = np.unique(np.nanquantile(values, [1 / 3, 2 / 3])) if np.isfinite(values).any() else np.zeros(0)
        edges = [-np.inf, *cuts, np.inf]
        for low, high in pairwise(edges):
            inside = (values > low) & (values <= high)
            if inside.any():
                value = f"{values[inside].min():g} to {values[inside].max():g}"
                rows.append({"column": name, "value": value, **_rate(y[inside])})
        if np.isnan(values).any():
            rows.append({"column": name, "value": "(missing)", **_rate(y[np.isnan(values)])})
    return rows


def _weekdays(tables: LeadTables, y: np.ndarray) -> list[dict[str, Any]]:
    if not tables.schema.has_time:
        return []
    day = tables.leads["contacted_at"].dt.day_of_week.to_numpy()
    rows = [{"day": name, **_rate(y[day == number])} for number, name in enumerate(_DAYS)]
    return [*rows, {"day": "weekday", **_rate(y[day < 5])}, {"day": "weekend", **_rate(y[day >= 5])}]


def _replies(tables: LeadTables) -> dict[str, Any]:
    """Days from contact to reply, of the leads that replied at all."""
    if "replied_at" not in tables.leads:
        return {}
    days = (tables.leads["replied_at"] - tables.leads["contacted_at"]) / _DAY
    days = days.dropna().to_numpy(np.float64)
    before = int(tables.account.notes.get("replied before contact (label unknown)", (days < 0).sum()))
    late = int((days > tables.schema.window_days).sum())
    quantiles = np.quantile(days[days >= 0], [0.5, 0.9, 0.99]) if (days >= 0).any() else np.full(3, np.nan)
    return {
        "replies": len(days),
        "before_contact": before,
        "after_window": late,
        "share_in_window": (len(days) - late - before) / len(days) if len(days) else None,
        "days_median": _plain(quantiles[0]),
        "days_90_percent": _plain(quantiles[1]),
        "days_99_percent": _plain(quantiles[2]),
        "examples_before_contact": tables.account.examples.get("replied before contact", []),
    }


def _columns(tables: LeadTables) -> list[dict[str, Any]]:
    rows = []
    for name, kind in tables.schema.columns.items():
        if name in tables.leads:
            column = pd.Series(tables.leads[name])
            rows.append(
                {
                    "column": name,
                    "type": kind,
                    "used": name in tables.schema.profile,
                    "missing": float(column.isna().mean()),
                    "distinct": column.nunique(),
                    "made_missing": tables.account.made_missing.get(name, {}),
                }
            )
    return rows


def _repeats(tables: LeadTables) -> dict[str, Any]:
    contacts = tables.leads["lead_id"].value_counts().to_numpy(np.int64)
    signals = tables.signals
    same = ["row", "at", *(name for name in ("kind", "channel", "text") if name in signals)]
    dropped = tables.account.leads_dropped
    return {
        "leads": len(contacts),
        "contacts": len(tables),
        "leads_contacted_more_than_once": int((contacts > 1).sum()),
        "most_contacts_of_a_lead": int(contacts.max()) if len(contacts) else 0,
        "duplicate_rows_dropped": dropped.get("duplicate row", 0),
        "repeated_contact_ids_dropped": dropped.get("repeated contact_id", 0),
        "signals_alike_in_everything": int(signals.duplicated(same).sum()),
    }


def _signals(tables: LeadTables) -> dict[str, Any]:
    """Coverage is the share of contacts that have a signal at all: the match rate of the two tables."""
    if not len(tables.signals):
        return {}
    counts = np.diff(tables.offsets)
    kinds = tables.signals["kind"].value_counts()
    return {
        "coverage": float((counts > 0).mean()),
        "median_per_contact": float(np.median(counts)),
        "most_of_a_contact": int(counts.max()),
        "kinds": {str(kind): int(count) for kind, count in kinds.items()},
    }


def _notes(tables: LeadTables, y: np.ndarray, suspects: list[Suspect]) -> list[str]:
    notes = []
    known = y[~np.isnan(y)]
    if min((known == 1).sum(), (known == 0).sum()) < 50:
        notes.append("fewer than 50 known outcomes of one kind: columns were not weighed for leaks, only their dates")
    if tables.schema.after_contact:
        notes.append(
            "not read, as the field map names them filled in after contact: " + ", ".join(tables.schema.after_contact)
        )
    notes.extend(f"left out: {name} ({reason})" for name, reason in tables.schema.left_out.items())
    leaking = [suspect.column for suspect in suspects if suspect.grade == "leaking"]
    if leaking:
        notes.append(
            "training leaves out " + ", ".join(leaking) + "; name them as after_contact in a field map to settle it"
        )
    return notes


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
