"""An attacked lead as a story: its timeline with what was edited, and what each score makes of it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import probability
from tinyscout.stress.threat import EDITABLE

SHOWN = 24  # signals of a story that nobody touched; the oldest are left out


def story(source: LeadTables, edited: LeadTables, scores: Mapping[str, float]) -> str:
    """source and edited: tables of one lead each; scores: log-odds by name, the oracle's among them.

    A line a signal, oldest first: `+` was added, moved or reworded, `-` is gone from where it was.
    """
    lead = edited.leads.iloc[0]
    before, after = _signals(source), _signals(edited)
    marks = [(*signal, " " if signal in before else "+") for signal in after]
    marks += [(*signal, "-") for signal in before if signal not in after]
    marks.sort(key=lambda each: (-each[0], each[-1]))
    was = source.leads.iloc[0]
    changed = [name for name in EDITABLE if str(was[name]) != str(lead[name])]
    lines = [
        f"{lead['persona']} in {lead['industry']}, {_number(lead['employees'])} employees, came by {lead['source']}",
        *(f"  + {name} was {_value(was[name])}, is {_value(lead[name])}" for name in changed),
        *(f"  {mark} {_ago(hours):>10}  {kind}{said and f': {said}'}" for hours, kind, said, mark in _shortened(marks)),
        "  a reply: " + ", ".join(f"{name} {_chance(logit)}" for name, logit in scores.items()),
    ]
    return "\n".join(lines)


def _signals(tables: LeadTables) -> list[tuple[float, str, str]]:
    signals = tables.signals
    said = pd.Series(signals["text"]).fillna("").astype(str)
    return list(zip(signals["age_hours"].round(3), signals["kind"].astype(str), said, strict=True))


def _shortened(marks: list[tuple[float, str, str, str]]) -> list[tuple[float, str, str, str]]:
    untouched = [each for each in marks if each[-1] == " "]
    return [each for each in marks if each[-1] != " " or each in untouched[-SHOWN:]]


def _ago(hours: float) -> str:
    return (
        f"{hours / 24:.0f} d ago"
        if hours >= 48
        else f"{hours:.0f} h ago"
        if hours >= 2
        else f"{60 * hours:.0f} min ago"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if np.isfinite(value) else "unknown"


def _value(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else f"{value}"


def _chance(logit: float) -> str:
    return f"{100 * float(probability(np.array(logit))):.0f} %"
