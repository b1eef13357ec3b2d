"""Who replied already: what the columns of an outcome say of leads that are to be written to.

No model reads it: it only keeps us from writing a first message to somebody who answered one.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tinyscout.leads.cells import in_brief, read_strings
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.lead_rows import RawLeads
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.times import NONE, read_times, to_series

ODD = "replies that are no date"  # among the notes of an account
_NO_REPLY = frozenset(  # besides the words of a label that mean no
    [
        "-",
        "--",
        "never",
        "none",
        "no",
        "nothing",
        "nil",
        "n/a",
        "na",
        "n.a.",
        "pending",
        "open",
        "waiting",
        "nie",
        "keine",
        "non",
        "jamais",
        "nunca",
        "nooit",
        "mai",
        "no reply",
        "no response",
        "not yet",
        "no answer",
        "not replied",
        "did not reply",
        "none yet",
        "no date",
    ]
)
_ZEROS = re.compile(r"[\W_TZ]*0[0\W_TZ]*")  # 0000-00-00 00:00:00, which some databases write where there is no date


def earlier_replies(
    raw: RawLeads, lead_id: np.ndarray, field_map: FieldMap, until: int | None, ledger: Ledger
) -> dict[str, pd.Series]:
    """Columns of LeadTables.leads that say which leads replied; none where the rows have no column of an outcome.

    lead_id (N,). A reply is what stands in replied_at, within the window or not, whatever its sentiment, but for words
    that mean no ("never", those of a label) and dates of zeros; without that, a label or a sentiment that means yes.
    What is no date may still be a reply, and whoever replied is not written to: the ledger notes how many such cells
    there are. The latest of a lead holds for all its rows. until: microseconds since 1970 from which on replies aren't
    known yet.
    -> earlier_reply (N,) str: what is known, "" where nothing is; earlier_reply_at (N,) datetime64[us, UTC], NaT where
    no time is known; earlier_reply_positive (N,) boolean: by its sentiment or label, NA where its sentiment is empty,
    true where the rows have none; earlier_reply_judged (N,) bool: whether they have one.
    """
    told = [raw.names[role] for role in ("replied_at", "label", "sentiment") if role in raw.roles]
    if not told:
        return {}
    ledger.notes["who replied already is read from"] = ", ".join(" ".join(name.split()) for name in told)
    size = len(raw)
    reply, at = np.full(size, "", dtype=object), np.full(size, NONE)
    positive, unsaid, sentiment = np.ones(size, bool), np.zeros(size, bool), np.full(size, "", dtype=object)
    for role, words in (("sentiment", field_map.positive), ("label", field_map.label_true)):
        if role not in raw.roles:
            continue
        yes = {word.casefold() for word in words}
        read = read_strings(raw.roles[role], field_map.missing)
        means_yes = np.array([value.casefold() in yes for value in (*read.values, "")])[read.codes]
        shown = np.array([in_brief(value) for value in (*read.values, "")], dtype=object)[read.codes]
        reply = np.where(means_yes, f"{in_brief(raw.names[role])} is " + shown, reply)
        if role == "sentiment":
            positive, sentiment = means_yes, np.where(means_yes | (shown == ""), "", ", " + shown)
            unsaid = shown == ""
        else:
            positive, unsaid = positive | means_yes, unsaid & ~means_yes
    if "replied_at" in raw.roles:
        cells = read_strings(raw.roles["replied_at"], field_map.missing).strings()
        times = read_times(raw.roles["replied_at"], field_map.missing, field_map.date_formats)
        no = _NO_REPLY | {word.casefold() for word in field_map.label_false}
        given = [row for row in np.flatnonzero(times.bad) if cells[row] is not None]
        odd = [row for row in given if cells[row].casefold() not in no and not _ZEROS.fullmatch(cells[row])]
        days = to_series(times.us).dt.strftime("%Y-%m-%d").fillna("").to_numpy(object)
        there = ~times.missing
        if odd:
            name = in_brief(raw.names["replied_at"])
            days[odd] = [f'{name} is "{in_brief(cell)}"' for cell in cells[odd]]
            there[odd] = True
            ledger.notes[ODD] = {"column": name, "cells": len(odd), "first": in_brief(cells[odd[0]])}
        reply, at = np.where(there, days + sentiment, reply), times.us
        if until is not None:
            reply, at = np.where(at >= until, "", reply), np.where(at >= until, NONE, at)
    found = _latest_of_the_lead(reply, at, lead_id)
    yes = pd.Series(np.append(positive, False)[found], dtype="boolean")
    return {
        "earlier_reply": pd.Series(np.append(reply, "")[found], dtype="str"),
        "earlier_reply_at": to_series(np.append(at, NONE)[found]),
        "earlier_reply_positive": yes.mask(np.append(unsaid, False)[found]),
        "earlier_reply_judged": pd.Series(np.full(size, "sentiment" in raw.roles)),
    }


def _latest_of_the_lead(reply: np.ndarray, at: np.ndarray, lead_id: np.ndarray) -> np.ndarray:
    """(N,) the row of the latest reply of each row's lead, -1 where it has none."""
    lead, leads = pd.factorize(lead_id)
    there = np.flatnonzero(reply != "")
    there = there[np.argsort(at[there], kind="stable")]
    latest = np.full(len(leads), -1)
    latest[lead[there]] = there  # subtle: by time, so that the latest is written last
    return latest[lead]
