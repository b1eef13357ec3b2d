"""One person under several lead ids: leads with one email address are read as one before anybody is written to.

Who unsubscribed, replied or was written to in one record of a CRM did so in all of them, and gets one message. What a
profile says stays each record's own.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from tinyscout.leads.cells import in_brief
from tinyscout.leads.message_text import folded
from tinyscout.leads.recipients import address_of
from tinyscout.leads.stages import name_forbids
from tinyscout.leads.tables import LeadTables, gather_ranges, microseconds

MOST = 20  # leads with one address that may be one person: more, and it stands for an address that nobody knows
_IN_BRACKETS = re.compile(r"[(\[].*?[)\]]")  # "Ann (left the company)" is Ann
_FORBIDDING = (
    "no_consent_email",
    "no_consent_linkedin",
    "stage_forbids",
    "notes_forbid",
    "email_bounced",
    "ahead_forbids",
    "several_people",
    "rejected_row",
)
_REPLY = ("earlier_reply", "earlier_reply_at", "earlier_reply_positive", "earlier_reply_judged")


def read_as_one(tables: LeadTables, order: np.ndarray | None = None, by: str = "email") -> LeadTables:
    """Tables whose leads with one address have each other's signals, contacts, replies and what forbids a message.

    Columns same_person (str, the others in words: "lead b", "" for none), same_person_forbids (str, why a lead is not
    to be written to for that, "" where it may) and own_contact (its own earlier_contact, which its profile is as old
    as) are added. Of leads with one name the first in the order (N,) of whom to write to may be (default: as the rows
    stand). by: the channel; whose an address is that has several names, or stands for many, matters to email alone.
    All have to be read as of one moment; tables without addresses, and those that were read as one before, come back
    as they are.
    """
    if "recipient_email" not in tables.leads or "same_person" in tables.leads:
        return tables
    size = len(tables)
    rank = np.empty(size, np.int64)
    rank[slice(None) if order is None else order] = np.arange(size)
    shared = _shared_columns(tables.leads)
    sources = {columns: np.arange(size) for columns in shared}
    other, forbids = np.full(size, "", dtype=object), np.full(size, "", dtype=object)
    pooled: dict[int, np.ndarray] = {}
    lead_id = tables.leads["lead_id"].to_numpy(object)
    names = tables.leads["recipient_name"].tolist() if "recipient_name" in tables.leads else [""] * size
    at = microseconds(tables.signals["at"])
    said = tables.leads["columns_said"].to_numpy(object).copy() if "columns_said" in tables.leads else None
    for rows in _people(tables.leads):
        rows = rows[np.argsort(rank[rows], kind="stable")]
        ids, called = list(dict.fromkeys(lead_id[rows])), [names[row] for row in rows]
        unknown = _whose(len(ids), called)
        if unknown and by != "email":
            continue
        forbids[rows] = unknown or _but_the_first(lead_id[rows], called)
        if len(ids) > MOST:
            continue
        other[rows] = [_listed([each for each in ids if each != lead_id[row]]) for row in rows]
        if said is not None:
            said[rows] = " | ".join(dict.fromkeys(each for each in said[rows] if each))
        for columns, weight in shared.items():
            sources[columns][rows] = rows[weight[rows].argmax()]
        last = np.array(list({lead_id[row]: row for row in np.sort(rows)}.values()))  # of a lead with more contacts
        places, _ = gather_ranges(tables.offsets[last], tables.offsets[last + 1])
        pooled |= dict.fromkeys(rows.tolist(), places[np.argsort(at[places], kind="stable")])
    leads = tables.leads.copy()
    if "earlier_contact" in leads:
        leads["own_contact"] = leads["earlier_contact"]
    for columns, source in sources.items():
        for name in columns:
            leads[name] = tables.leads[name].take(source).set_axis(leads.index)
    if said is not None:
        leads["columns_said"] = pd.Series(said, dtype="str")
    leads["same_person"], leads["same_person_forbids"] = pd.Series(other, dtype="str"), pd.Series(forbids, dtype="str")
    signals, offsets = _with(tables, pooled)
    return replace(tables, leads=leads, signals=signals, offsets=offsets)


def _people(leads: pd.DataFrame) -> list[np.ndarray]:
    """The rows of each address that several leads have."""
    ids, having = leads["lead_id"].tolist(), {}
    for row, cell in enumerate(leads["recipient_email"].tolist()):
        if address := address_of(cell):
            having.setdefault(address, []).append(row)
    return [np.array(rows) for rows in having.values() if len({ids[row] for row in rows}) > 1]


def _shared_columns(leads: pd.DataFrame) -> dict[tuple[str, ...], np.ndarray]:
    """Columns -> weights (N,) int64: of the rows of a person, the one of highest weight tells them for all."""
    shared: dict[tuple[str, ...], np.ndarray] = {
        (name,): (leads[name] != "").to_numpy(np.int64) for name in _FORBIDDING if name in leads
    }
    for name in ("earlier_contact", "last_contact"):
        if name in leads:
            shared[(name,)] = microseconds(leads[name])
    if "earlier_reply" in leads:
        at, said = microseconds(leads["earlier_reply_at"]), (leads["earlier_reply"] != "").to_numpy()
        shared[_REPLY] = np.maximum(at, np.iinfo(np.int64).min + said)  # one without a date comes before none
    return shared


def _whose(count: int, names: list[str]) -> str:
    """Why nobody knows whose an address is that so many leads have, under these names; "" where it is one person's.

    "Lee, Ann", "Dr. Ann Lee" and no name at all are Ann Lee.
    """
    if count > MOST:
        return f"has an address that {count:,} leads have: see whose it is"
    words = [set(re.findall(r"[^\W_]+", folded(_IN_BRACKETS.sub(" ", name)))) for name in names]
    most = max(words, key=len)
    other = any(not each <= most for each in words)
    return "has an address that another lead has under another name: see whose it is" if other else ""


def are_several(names: list[str], addresses: list[str]) -> bool:
    """Whether rows with these names and addresses are of more than one person."""
    return len({address_of(cell) for cell in addresses} - {None}) > 1 and bool(_whose(len(names), names))


def _but_the_first(ids: np.ndarray, names: list[str]) -> list[str]:
    """Why rows of one person, first whom to write to, are not to be: a name forbids it, or another row comes first."""
    if said := next((f"{why} ({in_brief(name)})" for name in names if (why := name_forbids(name))), ""):
        return [said] * len(ids)
    said = f"is one with a lead that comes first: lead {in_brief(ids[0])} has its address"
    return ["" if each == ids[0] else said for each in ids]


def _with(tables: LeadTables, pooled: dict[int, np.ndarray]) -> tuple[pd.DataFrame, np.ndarray]:
    """Signals and offsets of tables in which some rows have the signals at other places."""
    if not pooled:
        return tables.signals, tables.offsets
    lengths = np.diff(tables.offsets)
    for row, places in pooled.items():
        lengths[row] = len(places)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    where = np.arange(offsets[-1]) + np.repeat(tables.offsets[:-1] - offsets[:-1], lengths)
    for row, places in pooled.items():
        where[offsets[row] : offsets[row + 1]] = places
    signals = tables.signals.iloc[where].reset_index(drop=True)
    signals["row"] = np.repeat(np.arange(len(tables)), lengths)
    return signals, offsets


def _listed(ids: list[str]) -> str:
    """ "lead b", "leads b, c", "leads b, c and 4 more"."""
    shown = ", ".join(in_brief(each) for each in ids[:2])
    more = f" and {len(ids) - 2:,} more" if len(ids) > 2 else ""
    return f"lead{'s' if len(ids) > 1 else ''} {shown}{more}"
