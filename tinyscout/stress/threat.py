"""The threat model: what an attack may do to a lead, what it costs, and what must stay plausible. One for all attacks.

An attacked lead is a variant of a natural source lead: the same company and person, contacted at the same moment, with
another timeline. Written families, searches and white-box attacks are all held to `check`, which trusts none of them.
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tinyscout.leads.tables import HOUR_US, LeadTables, microseconds
from tinyscout.leads.world_profiles import STACKS
from tinyscout.metrics.table import Table
from tinyscout.stress.edits import Edits
from tinyscout.stress.variants import source_rows

BUDGET = 16  # edits a lead; half of the natural leads have 7 signals or more, one in ten has 20
YOUNGEST_SECONDS, OLDEST_DAYS = 60, 900.0  # ages of signals in the world
LONGEST = 64  # signals of an attacked lead; 0.2 % of the natural ones have more
PACE_SECONDS = 60  # between two acts of people; mail programs open and click faster
MAX_WORDS = 32  # of a text: more than any in the world, and no more than a model is sure to read
EMPLOYEES_FACTOR, PLAN_FIT_POINTS = 1.5, 10.0  # either way

CHANNELS_OF: dict[str, tuple[str, ...]] = {
    "email_open": ("email",),
    "email_click": ("email",),
    "outreach_email": ("email",),
    "pricing_page": ("web",),
    "docs_visit": ("web",),
    "security_paper": ("web",),
    "case_study": ("web",),
    "webinar": ("web",),
    "careers_page": ("web",),
    "social_like": ("social",),
    "demo_request": ("web", "chat"),
    "free_trial_start": ("web",),
    "support_ticket": ("chat", "email"),
    "reply_message": ("email", "chat", "social"),
    "call_note": ("call",),
    "meeting_no_show": ("call",),
    "unsubscribe": ("email",),
    "competitor_domain_visit": ("web",),
}
"""The kinds of signals there are, each with the channels it comes by, its usual one first."""

WITH_TEXT = ("reply_message", "call_note", "support_ticket")
BY_MACHINES = ("email_open", "email_click", "outreach_email")  # at any pace
_ALLOWED = f"1 to {MAX_WORDS} words of A-Z a-z 0-9 ' , . ? ! and -"  # what _TEXT takes, for people
_TEXT = re.compile(r"[A-Za-z0-9',.?!\- ]+")

EDITABLE = ("employees", "plan_fit", "tech_stack")  # in the order that Timelines.described has them

FIELDS: tuple[tuple[str, str, str], ...] = (
    ("signal: add or take away", "any kind of the world", "1 edit"),
    ("signal: its time", "any time before contact", "1 edit"),
    ("signal: its text", f"{_ALLOWED}, sense or not", "1 edit"),
    ("employees", f"by a factor of up to {EMPLOYEES_FACTOR:g}, whole, where it is known", "1 edit"),
    ("plan_fit", f"by up to {PLAN_FIT_POINTS:g} points, 0 to 100", "1 edit"),
    ("tech_stack", "any of the world, where it is known", "1 edit"),
    ("persona, industry, region, email_domain_kind", "never: who it is", "-"),
    ("months_since_funding", "never: public record", "-"),
    ("source, campaign", "never: how it came", "-"),
    ("contacted_at, lead_id", "never: ours", "-"),
    ("label", "drawn from the oracle's probability", "-"),
)
"""What an attack may touch, how far, and what it costs."""

RULES: dict[str, str] = {
    "budget": f"at most {BUDGET} edits a lead",
    "identity": "the same lead, contacted at the same moment, with the columns of its source and no others",
    "profile": "no field that is fixed differs; the others stay in their range, and missing stays missing",
    "time": f"every signal is {YOUNGEST_SECONDS} seconds to {OLDEST_DAYS:g} days before contact",
    "order": "signals stand oldest first, no two of a lead at the same second",
    "kind": "a kind of the world, by a channel it comes by",
    "text": f"messages, notes and tickets have {_ALLOWED}, others no text",
    "pace": f"what people do, not mail programs, is {PACE_SECONDS} seconds apart, where it was added or moved",
    "length": f"at most {LONGEST} signals, or as many as the source had",
}
"""What an attacked lead must still meet; `check` names these."""


@dataclass(frozen=True)
class Violation:
    """A rule that an attacked contact breaks."""

    contact_id: str
    rule: str
    detail: str


def check(original: LeadTables, edited: LeadTables, budget: int = BUDGET) -> list[Violation]:
    """Every rule that an edited contact breaks, in the order of RULES; [] when the attack is within the threat model.

    original: the natural leads; edited: variants of some of them (`variants.assemble`). Raises ValueError when the
    source of a variant is not among the originals.
    """
    rows = source_rows(original, edited)
    source = original.take(rows)
    edits = Edits.between(source, edited)
    cost = edits.per_lead + _profile_edits(source, edited)
    length, before = np.diff(edited.offsets), np.diff(source.offsets)
    found = {
        "budget": {i: f"{cost[i]} edits" for i in np.flatnonzero(cost > budget)},
        "identity": _identity(source, edited),
        "profile": _profile(source, edited),
        "time": _by_signal(edited, _wrong_times(edited), "age_hours"),
        "order": _by_signal(edited, _out_of_order(edited), "at"),
        "kind": _by_signal(edited, _wrong_kinds(edited), "channel"),
        "text": _by_signal(edited, _wrong_texts(edited), "text"),
        "pace": _by_signal(edited, _too_close(edited, edits.new_time), "at"),
        "length": {i: f"{length[i]} signals" for i in np.flatnonzero(length > np.maximum(LONGEST, before))},
    }
    contact = edited.leads["contact_id"].tolist()
    return [Violation(contact[i], rule, detail) for rule, broken in found.items() for i, detail in broken.items()]


def distance(original: LeadTables, edited: LeadTables) -> np.ndarray:
    """Edits that each edited contact is from its source, (M,) int64, at the costs of FIELDS.

    A signal that only moved, or whose text alone was rewritten, is one edit; changed in both, it is two. Which signal
    became which is taken so that the edits are fewest.
    """
    source = original.take(source_rows(original, edited))
    return Edits.between(source, edited).per_lead + _profile_edits(source, edited)


def table() -> str:
    """The threat model as plain text: the fields, the rules, and the kinds of signals."""
    fields = Table(["field", "may be changed", "costs"], [list(field) for field in FIELDS])
    rules = Table(["rule", "an attacked lead"], [list(rule) for rule in RULES.items()])
    kinds = [
        [kind, ", ".join(channels), "a text" if kind in WITH_TEXT else "", "a program" if kind in BY_MACHINES else ""]
        for kind, channels in CHANNELS_OF.items()
    ]
    return "\n\n".join(part.text() for part in (fields, rules, Table(["kind", "comes by", "has", "is done by"], kinds)))


def _profile_edits(source: LeadTables, edited: LeadTables) -> np.ndarray:
    changed = [_differs(source, edited, name) for name in EDITABLE if name in source.leads]
    return np.stack(changed).sum(axis=0) if changed else np.zeros(len(edited), np.int64)


def _differs(source: LeadTables, edited: LeadTables, name: str) -> np.ndarray:
    """Where a column differs, (M,) bool; missing equals missing."""
    if name not in edited.leads:
        return np.zeros(len(edited), bool)  # `identity` says so
    old, new = (pd.Series(tables.leads[name]).astype(object) for tables in (source, edited))
    same = (old == new).to_numpy(bool) | (old.isna() & new.isna()).to_numpy()
    return ~same


def _identity(source: LeadTables, edited: LeadTables) -> dict[int, str]:
    surplus = sorted(set(edited.leads) ^ set(source.leads)) + sorted(set(edited.signals) ^ set(source.signals))
    if surplus:
        return {i: f"columns {', '.join(surplus)}" for i in range(len(edited))}
    names = ("lead_id", "contacted_at")
    return {int(i): f"{name} changed" for name in names for i in np.flatnonzero(_differs(source, edited, name))}


def _profile(source: LeadTables, edited: LeadTables) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in source.schema.columns:
        if name not in edited.leads:
            continue
        differs = _differs(source, edited, name)
        if not differs.any():
            continue
        if name in EDITABLE:
            differs &= ~_within(name, pd.Series(source.leads[name]), pd.Series(edited.leads[name]))
        found |= {int(i): f"{name} is {edited.leads[name].iloc[i]}" for i in np.flatnonzero(differs)}
    return found


def _within(name: str, old: pd.Series, new: pd.Series) -> np.ndarray:
    """Whether new values (M,) of an editable field are in its range around the old ones, (M,) bool."""
    if name == "tech_stack":
        return old.notna().to_numpy() & new.isin(STACKS).to_numpy()
    before, after = old.to_numpy(np.float64), new.to_numpy(np.float64)
    if name == "plan_fit":
        return (np.abs(after - before) <= PLAN_FIT_POINTS + 1e-9) & (after >= 0) & (after <= 100)
    whole = after == np.round(after)
    least, most = np.maximum(1, np.floor(before / EMPLOYEES_FACTOR)), np.ceil(before * EMPLOYEES_FACTOR)
    return whole & (after >= least) & (after <= most)


def _by_signal(tables: LeadTables, broken: np.ndarray, shown: str) -> dict[int, str]:
    """The first broken signal of each lead, and its value in one column: broken (S,) bool -> {row: detail}."""
    found = tables.signals.loc[broken, ["row", "kind", shown]].drop_duplicates("row")
    return {int(row): f"{kind} with {shown} {value}" for row, kind, value in found.itertuples(index=False)}


def _wrong_times(tables: LeadTables) -> np.ndarray:
    age = tables.signals["age_hours"].to_numpy(np.float64)
    return (age * 3600 < YOUNGEST_SECONDS) | (age > OLDEST_DAYS * 24)


def _out_of_order(tables: LeadTables) -> np.ndarray:
    row, at = tables.signals["row"].to_numpy(), microseconds(tables.signals["at"])
    tied = (row[1:] == row[:-1]) & (at[1:] - at[:-1] < 1_000_000)
    age = (microseconds(tables.leads["contacted_at"])[row] - at) / HOUR_US
    stale = np.abs(age - tables.signals["age_hours"].to_numpy(np.float64)) > 1e-9
    return np.concatenate([[False], tied])[: len(row)] | stale


def _wrong_kinds(tables: LeadTables) -> np.ndarray:
    fine = [f"{kind}@{channel}" for kind, channels in CHANNELS_OF.items() for channel in channels]
    return ~(tables.signals["kind"].astype(str) + "@" + tables.signals["channel"].astype(str)).isin(fine).to_numpy()


def _wrong_texts(tables: LeadTables) -> np.ndarray:
    codes, distinct = pd.factorize(tables.signals["text"])
    good = [bool(_TEXT.fullmatch(text)) and 0 < len(text.split()) <= MAX_WORDS for text in distinct]
    needed = tables.signals["kind"].isin(WITH_TEXT).to_numpy()
    return np.where(needed, ~np.array([*good, False])[codes], codes >= 0)


def _too_close(tables: LeadTables, new: np.ndarray) -> np.ndarray:
    """Acts of people that follow another too soon, where one of the two is new: new (S,) bool -> (S,) bool."""
    people = np.flatnonzero(~tables.signals["kind"].isin(BY_MACHINES).to_numpy())
    row, at = tables.signals["row"].to_numpy()[people], microseconds(tables.signals["at"])[people]
    close = (row[1:] == row[:-1]) & (at[1:] - at[:-1] < PACE_SECONDS * 1_000_000)
    broken = np.zeros(len(new), bool)
    broken[people[1:][close & (new[people][1:] | new[people][:-1])]] = True
    return broken
