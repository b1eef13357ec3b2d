"""Which columns know the answer: time stamps after contact, and fields filled in once the outcome was known.

Two grades. `leaking` columns are left out of training unless told otherwise; `suspect` ones are kept and listed. The
rules ask what honest columns hardly ever show, and each names its reason in figures:

* a time stamp after the contact, in more than a stray row;
* a column that alone ranks leads better than columns known before contact do;
* one value that as good as always comes with a reply, and covers many of the replies;
* a field where both tell at once: whether it was filled in at all, and what was written in it. People who work a lead
  leave that trace. An optional field of a form tells by being filled in, a measurement tells by its value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from tinyscout.leads.column_types import name_words
from tinyscout.leads.evidence import Evidence, folds, levels_of, surest_level, weigh, weigh_text
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.profile import AFTER_CONTACT
from tinyscout.leads.tables import LeadTables

Grade = Literal["leaking", "suspect"]

MIN_REPLIES = 50  # of each outcome, below which columns are not weighed
_ROWS = 200_000  # rows weighed at most
_AFTER = 0.01  # share of the contacts with a date after contact, above which it is no stray row
_RANKS, _RANKS_SUSPECT = 0.88, 0.78  # ROC AUC of one column, lower bound
_EXPLAINS, _EXPLAINS_SUSPECT = 0.40, 0.22  # share of the log loss explained by one column
_PRESENCE, _WITHIN = 0.08, 0.70  # ROC AUC of being filled in, off 0.5; and among what is filled in, lower bound
_SURE, _SURE_SUSPECT = 0.90, 0.75  # reply rate of one value, lower bound
_SURE_ODDS, _SURE_ODDS_SUSPECT = 4.0, 3.0  # its log odds above the base rate's
_SURE_SHARE = 0.05  # of all replies that come with it
_PERIOD = 0.5  # difference in the share filled in between tenths of the rows in time order
_NAMED = 0.01  # share of the log loss a column must explain for its name to count


@dataclass(frozen=True)
class Suspect:
    """A column that may know the answer. score: share of the log loss it explains alone, or of dates after contact."""

    column: str
    grade: Grade
    score: float
    reason: str
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_leaks(tables: LeadTables) -> list[Suspect]:
    """Suspects among the profile columns and the kinds of signals, leaking ones first, the strongest first.

    Judged on rows with a known label, so give training rows only where the rest is held out.
    """
    words = FieldMap.from_dict(tables.schema.field_map).leakage_words if tables.schema.field_map else ()
    found = {suspect.column: suspect for suspect in _late_dates(tables)}
    rows = np.flatnonzero(tables.mature)
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_ROWS])
    y = tables.labels[rows]
    if min(y.sum(), (1 - y).sum()) >= MIN_REPLIES:
        fold = folds(tables.leads["lead_id"].to_numpy(object)[rows])
        for name in tables.schema.profile:
            suspect = _judge(name, tables, rows, y, fold, words)
            if suspect and (name not in found or (found[name].grade, suspect.grade) == ("suspect", "leaking")):
                found[name] = suspect
        for suspect in _telling_kinds(tables, rows, y):
            found[suspect.column] = suspect
    return sorted(found.values(), key=lambda suspect: (suspect.grade, -suspect.score, suspect.column))


def without_leaks(tables: LeadTables) -> tuple[LeadTables, dict[str, str]]:
    """The tables without the profile columns that know the answer, and column -> why it was left out.

    Judged, as by `find_leaks`, on rows with a known label.
    """
    leaking = {
        suspect.column: suspect.reason
        for suspect in find_leaks(tables.take(np.flatnonzero(tables.mature)))
        if suspect.grade == "leaking" and suspect.column in tables.schema.profile
    }
    return replace(tables, schema=tables.schema.leaving_out(leaking)), leaking


def _judge(
    name: str, tables: LeadTables, rows: np.ndarray, y: np.ndarray, fold: np.ndarray, words: Sequence[str]
) -> Suspect | None:
    column, kind = tables.leads[name].iloc[rows], tables.schema.columns[name]
    if kind == "text":
        evidence = weigh_text(column, y, fold)
    else:
        evidence = weigh(levels_of(column, kind, tables.leads["contacted_at"].iloc[rows]), y, fold)
    leaking, suspect = _reasons(evidence, y.mean())
    if not leaking:
        periods = _filled_by_period(tables.leads[name].notna().to_numpy())
        if periods:
            suspect.append(periods)
        hints = [word for word in name_words(name) if word in words]
        if hints and evidence.gain >= _NAMED:
            suspect.append(
                f'named "{hints[0]}", as fields are that change while a lead is worked, and explains '
                f"{evidence.gain:.0%} of the log loss (ROC AUC {evidence.auc:.2f})"
            )
    reasons = leaking or suspect
    if not reasons:
        return None
    grade: Grade = "leaking" if leaking else "suspect"
    return Suspect(name, grade, max(evidence.gain, 0.0), "; ".join(reasons), _telling_levels(evidence))


def _reasons(evidence: Evidence, base: float) -> tuple[list[str], list[str]]:
    """Reasons to call a column leaking, and reasons to suspect it."""
    leaking: list[str] = []
    suspect: list[str] = []
    figures = f"alone it ranks leads with ROC AUC {evidence.auc:.2f} and explains {evidence.gain:.0%} of the log loss"
    if evidence.auc_low >= _RANKS or evidence.gain >= _EXPLAINS:
        leaking.append(f"too good to be known before contact: {figures}")
    elif evidence.auc_low >= _RANKS_SUSPECT or evidence.gain >= _EXPLAINS_SUSPECT:
        suspect.append(f"very good for one column: {figures}")

    presence = f"filled in for {evidence.filled:.0%}, and {_filled_rates(evidence)}"
    if abs(evidence.filled_auc - 0.5) >= _PRESENCE:
        if evidence.within_low >= _WITHIN:
            leaking.append(
                f"both whether and how it is filled in tell: {presence}; among those, ROC AUC {evidence.within:.2f}"
            )
        elif abs(evidence.filled_auc - 0.5) >= 1.25 * _PRESENCE:
            suspect.append(f"being filled in tells: {presence}")

    _, empty, empty_replies = evidence.levels[0]
    any_value = ("any value", evidence.rows - empty, evidence.replies - empty_replies)
    surest = surest_level([*evidence.levels, any_value], max(20, _SURE_SHARE * evidence.replies))
    if surest:
        level, rows, replies, low = surest
        odds = _odds_above(low, base)
        said = f'"{level}" comes with a reply in {replies:,} of {rows:,} leads'
        if low >= _SURE and odds >= _SURE_ODDS:
            leaking.append(f"as good as the answer: {said}")
        elif low >= _SURE_SUSPECT and odds >= _SURE_ODDS_SUSPECT:
            suspect.append(said)
    return leaking, suspect


def _odds_above(rate: float, base: float) -> float:
    """How far the log odds of a rate lie above those of the base rate."""
    return float(np.log(rate / (1 - rate)) - np.log(base / (1 - base))) if 0 < rate < 1 else 0.0


def _filled_rates(evidence: Evidence) -> str:
    _, rows, replies = evidence.levels[0]
    filled = evidence.rows - rows
    return (
        f"{(evidence.replies - replies) / max(filled, 1):.0%} of the filled reply against "
        f"{replies / max(rows, 1):.0%} of the empty"
    )


def _filled_by_period(filled: np.ndarray) -> str:
    """Words on a column that some stretch of time fills in and another doesn't; empty if there is no such stretch."""
    tenths = [part.mean() for part in np.array_split(filled, 10) if len(part) >= 50]
    if len(tenths) < 10 or max(tenths) - min(tenths) < _PERIOD:
        return ""
    return (
        f"filled in by period and not by lead: {min(tenths):.0%} of the rows in one tenth of the time, "
        f"{max(tenths):.0%} in another"
    )


def _telling_levels(evidence: Evidence) -> list[dict[str, Any]]:
    """The levels that tell most, by how far their replies are from what the base rate would bring."""
    base = evidence.replies / evidence.rows
    order = sorted(evidence.levels, key=lambda level: -abs(level[2] - base * level[1]))
    return [
        {"value": name, "leads": rows, "replied": replies, "rate": replies / rows}
        for name, rows, replies in order[:3]
        if rows
    ]


def _late_dates(tables: LeadTables) -> list[Suspect]:
    """Date columns with moments after the contact, as the reading counted them."""
    suspects = []
    for name, counts in tables.account.notes.get(AFTER_CONTACT, {}).items():
        if name not in tables.schema.profile:
            continue
        share = counts["rows"] / max(tables.account.leads_kept, 1)
        of_filled = counts["rows"] / max(counts["filled"], 1)
        reason = (
            f"time stamps after contact: {counts['rows']:,} of {counts['filled']:,} dates ({of_filled:.1%}), "
            f"{counts['replied']:,} of them of leads that replied; they were read as missing"
        )
        examples = tables.account.examples.get(f"{name} {AFTER_CONTACT}", [])
        grade: Grade = "leaking" if share >= _AFTER else "suspect"
        suspects.append(Suspect(name, grade, of_filled, reason, examples))
    return suspects


def _telling_kinds(tables: LeadTables, rows: np.ndarray, y: np.ndarray) -> list[Suspect]:
    """Kinds of signals that as good as always come with a reply; never more than suspects: they are before contact."""
    suspects = []
    known = np.full(len(tables), np.nan)
    known[rows] = y
    kinds = tables.signals["kind"]
    pairs = np.unique(tables.signals["row"].to_numpy() * len(kinds.cat.categories) + kinds.cat.codes.to_numpy(np.int64))
    owner, kind = np.divmod(pairs, max(len(kinds.cat.categories), 1))
    owner, kind = owner[~np.isnan(known[owner])], kind[~np.isnan(known[owner])]
    for code, name in enumerate(kinds.cat.categories):
        replied = known[owner[kind == code]]
        level = (str(name), len(replied), int(replied.sum()))
        surest = surest_level([level], max(20, _SURE_SHARE * y.sum()))
        if not surest or not _odds_above(surest[3], y.mean()) >= _SURE_ODDS_SUSPECT or surest[3] < _SURE_SUSPECT:
            continue
        suspects.append(
            Suspect(
                f"signal kind {name}",
                "suspect",
                level[2] / max(int(y.sum()), 1),
                f"comes with a reply in {level[2]:,} of {level[1]:,} leads: is it written when the reply comes?",
            )
        )
    return suspects
