"""Whom a message goes to: name and email as the export has them, for a mail merge.

No model is fitted on them, and no writer reads them.
"""

from __future__ import annotations

import re
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
_LONGEST = 320  # characters of a cell with an address
_SIGN = r"[^\s<>@,;:\"'()\[\]+]"
_ADDRESS = re.compile(rf"({_SIGN}+)(?:\+[^\s<>@+]*)*@({_SIGN}*[^\W_])")
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
    NAMES, each if it is there.

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
    return {what: _of_the_lead(given, lead_id) for what, given in told.items() if given is not None}


def address_of(cell: str) -> tuple[str, str] | None:
    """The address in a cell, without its tag ("Ann <Ann+news@x.example>": ann, x.example); None where there is none."""
    found = _ADDRESS.search(cell[:_LONGEST].casefold())
    return (found[1], found[2]) if found else None


def several_people(told: dict[str, pd.Series], lead_id: np.ndarray) -> dict[str, pd.Series]:
    """several_people (N,) str: why rows of one lead are of more than one person, by names and addresses, "" for most.

    told: of read_recipients, lead_id (N,). Nothing where names or addresses aren't there.
    """
    if not {"recipient_name", "recipient_email"} <= told.keys():
        return {}
    from tinyscout.leads.same_person import are_several  # compiles patterns, which only write needs

    rows = pd.DataFrame({"lead": lead_id, "name": told["recipient_name"], "email": told["recipient_email"]})
    rows = rows.loc[rows["lead"].duplicated(keep=False)].drop_duplicates()
    rows = pd.DataFrame(rows.loc[rows["lead"].duplicated(keep=False)])
    of_lead = rows.groupby("lead")
    several = {lead for lead, own in of_lead if are_several(own["name"].tolist(), own["email"].tolist())}
    return {"several_people": pd.Series([SEVERAL if lead in several else "" for lead in lead_id], dtype="str")}


def _of_the_lead(cells: pd.Series, lead_id: np.ndarray) -> pd.Series:
    known = cells.astype("str").mask(cells == "")
    return known.fillna(known.groupby(lead_id).transform("last")).fillna("").astype("str")
