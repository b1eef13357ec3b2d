"""Who may be written to: columns of consent and of opting out, by channel, read beside the profile and never in it.

No consent is the default: where such a column is there, a cell that is empty, or says neither yes nor no, forbids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from tinyscout.leads.cells import in_brief, read_strings

if TYPE_CHECKING:
    from tinyscout.leads.field_map import FieldMap
    from tinyscout.leads.lead_rows import RawLeads
    from tinyscout.leads.ledger import Ledger

CHANNELS = ("email", "linkedin")
NEEDED = {"email": "email", "linkedin": "linkedin"} | dict.fromkeys(("follow_up", "re_engage", "decline"), "email")
"""The channel that each kind of message goes by."""

KINDS = ("consent", "opt_out", "opted_out_at")
"""Of columns: yes in one of the first allows, yes in one of the second forbids, as does a date in one of the third."""


class ConsentColumn(NamedTuple):
    """A column of a file, of one of KINDS, for one of CHANNELS."""

    channel: str
    kind: str
    column: str


def no_consent(raw: RawLeads, lead_id: np.ndarray, field_map: FieldMap, ledger: Ledger) -> dict[str, np.ndarray]:
    """Channel -> (N,) str objects: why each row's lead may not be written to, "" where it may.

    Every column of a channel has to allow. What one row of a lead_id (N,) forbids holds for all rows of that lead.
    """
    words = {word.casefold(): False for word in field_map.consent_no}
    words |= {word.casefold(): True for word in field_map.consent_yes}
    found: dict[str, np.ndarray] = {}
    names: dict[str, list[str]] = {}
    for channel, kind, column in raw.consent_columns:
        read = read_strings(raw.consent.column(column), field_map.missing)
        reasons = [_reason(column, kind, value, words) for value in (*read.values, "")]
        mine = np.array(reasons, dtype=object)[read.codes]
        before = found.get(channel)
        found[channel] = mine if before is None else np.where(before == "", mine, before)
        names.setdefault(channel, []).append(column)
    ledger.notes |= {f"consent for {channel} is read from": ", ".join(columns) for channel, columns in names.items()}
    return {channel: _for_the_lead(reasons, lead_id) for channel, reasons in found.items()}


def _reason(column: str, kind: str, value: str, words: Mapping[str, bool]) -> str:
    """Why a cell forbids; empty where it allows."""
    says = words.get(value.casefold())
    allows = (not value or says is False) if kind == "opted_out_at" else says == (kind == "consent")
    if allows:
        return ""
    name, shown = " ".join(column.split()), in_brief(value)
    if not shown:
        return f"{name} is empty"
    if says is not None or kind == "opted_out_at":
        return f"{name} is {shown}"
    return f'{name} is "{shown}", neither yes nor no'


def _for_the_lead(reasons: np.ndarray, lead_id: np.ndarray) -> np.ndarray:
    """Reasons (N,), those of a lead's first row that has one in all its rows."""
    lead, leads = pd.factorize(lead_id)
    forbids = np.flatnonzero(reasons != "")[::-1]
    of_lead = np.full(len(leads), "", dtype=object)
    of_lead[lead[forbids]] = reasons[forbids]  # subtle: backwards, so that the first row's is written last
    return of_lead[lead]
