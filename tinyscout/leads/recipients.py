"""Whom a message goes to: name and email as the export has them, for a mail merge.

No model is fitted on them, and no writer reads them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import read_strings
from tinyscout.leads.field_map import by_normal_name, normal

NAMES = {  # what such columns are called, the best first; whatever their case, spaces and underscores
    "name": ("full_name", "name", "contact_name", "lead_name", "person_name"),
    "first": ("first_name", "given_name", "forename"),
    "last": ("last_name", "surname", "family_name"),
    "email": ("email", "email_address", "e_mail_address", "work_email", "business_email", "primary_email", "mail"),
}
SEVERAL = "is the id of several people, by name and address: see whose it is"
_NAMES = frozenset(normal(name) for names in NAMES.values() for name in names)


def is_recipient(column: str) -> bool:
    """Whether a column has one of the names of NAMES, be it the best of them or another."""
    return normal(column) in _NAMES


def find_recipients(columns: Iterable[str]) -> dict[str, str]:
    """Part of NAMES -> the column of a file that has one of its names, for the parts that it has."""
    by_name = by_normal_name(columns)
    found = {
        part: [by_name[normal(name)] for name in names if normal(name) in by_name] for part, names in NAMES.items()
    }
    return {part: there[0] for part, there in found.items() if there}


def read_recipients(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str]) -> dict[str, pd.Series]:
    """recipient_name, recipient_first (a first name) and recipient_email (N,) str of the rows of a table with parts of
    NAMES, each if it is there; several_people (N,) str: why the lead of one id is more than one person, by name and
    address, "" for most.

    Where a row has none, the last row of its lead (lead_id (N,)) that has one tells; "" where none does.
    """
    parts = {
        part: pd.Series(
            [" ".join((cell or "").split()) for cell in read_strings(table.column(part), missing).strings()]
        )
        for part in table.column_names
        if part in NAMES
    }
    both = [parts[part] for part in ("first", "last") if part in parts]
    made = both[0].str.cat(both[1:], sep=" ").str.strip() if both else None
    name = parts["name"].where(parts["name"] != "", "" if made is None else made) if "name" in parts else made
    told = {"recipient_name": name, "recipient_first": parts.get("first"), "recipient_email": parts.get("email")}
    found = {what: _of_the_lead(given, lead_id) for what, given in told.items() if given is not None}
    if name is not None and "email" in parts:
        several = _several(name, lead_id) & _several(parts["email"].str.casefold(), lead_id)
        found["several_people"] = pd.Series(np.where(several, SEVERAL, ""), dtype="str")
    return found


def _several(cells: pd.Series, lead_id: np.ndarray) -> np.ndarray:
    """(N,) bool: rows of the same lead tell different things."""
    return cells.mask(cells == "").groupby(lead_id).transform("nunique").to_numpy(np.int64) > 1


def _of_the_lead(cells: pd.Series, lead_id: np.ndarray) -> pd.Series:
    known = cells.astype("str").mask(cells == "")
    return known.fillna(known.groupby(lead_id).transform("last")).fillna("").astype("str")
