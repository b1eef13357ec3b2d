"""Who has a row that can't be read, by lead id or address: nobody knows what it forbids, so a person sees to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tinyscout.leads.cells import read_strings
from tinyscout.leads.lead_rows import RawLeads
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.recipients import address_of, read_recipients


def rejected_rows(whole: RawLeads, good: np.ndarray, missing: Iterable[str], ledger: Ledger) -> dict[str, pd.Series]:
    """rejected_row (len(good),) str: where the lead of a row in `good` has one that isn't among them, "" for most.

    whole: rows with ids and recipients; good: places of those that can be read. Nothing where all can.
    """
    bad = np.setdiff1d(np.arange(len(whole)), good)
    if len(bad) == 0:
        return {}
    lead_id = np.full(len(whole), None)  # of a flat table without ids, where addresses alone tell
    if "lead_id" in whole.roles:
        lead_id = read_strings(whole.roles["lead_id"], missing).strings()
    told = read_recipients(whole.recipient, lead_id, missing).get("recipient_email", pd.Series("", range(len(whole))))
    address = [address_of(cell) for cell in told]
    by_lead, by_address = ({of[row]: row for row in bad[::-1].tolist() if of[row]} for of in (lead_id, address))
    found = [by_lead.get(lead_id[row], by_address.get(address[row], -1)) for row in good]
    said = ["" if row < 0 else f"has another row, which can't be read: {_where(whole, row, ledger)}" for row in found]
    return {"rejected_row": pd.Series(said, dtype="str")}


def _where(raw: RawLeads, row: int, ledger: Ledger) -> str:
    return ledger.place(int(raw.file[row]), int(raw.line[row]))
