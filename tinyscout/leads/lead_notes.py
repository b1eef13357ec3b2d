"""Who gets no message by what somebody wrote into a column of the leads themselves: `Notes`, `Description`, `Message`.

Whose words these are, and of when, nobody knows: heard are a no, a wish to be left alone, and circumstances that a
person has to read first; the rest is for whoever sends a draft. Such columns are read beside the profile, as stages
are.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import in_quotes, read_strings
from tinyscout.leads.field_map import normal, normal_once
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.stages import STAGE, said_by_columns

NOTE = "note: "  # before the name of such a column, among the parts of a recipient
_WHOSE = ("", "lead", "contact", "internal", "sales", "last", "latest", "customer", "account", "person", "call", "crm")
_WHAT = (
    "note",
    "notes",
    "comment",
    "comments",
    "remark",
    "remarks",
    "description",
    "message",
    "memo",
    "next step",
    "next steps",
    "todo",
)
_ELSEWHERE = (
    "notiz notizen bemerkung bemerkungen anmerkung anmerkungen kommentar kommentare beschreibung nachricht freitext "
    "commentaire commentaires remarque remarques notas nota observaciones comentarios opmerking opmerkingen notities"
)
_NOTES = frozenset([*(normal(f"{whose} {what}") for whose in _WHOSE for what in _WHAT), *_ELSEWHERE.split()])


def find_notes(columns: Iterable[str]) -> dict[str, str]:
    """NOTE and the name -> the column, for those of a file that have the name of one for notes."""
    return {f"{NOTE}{column}": column for column in columns if normal_once(column) in _NOTES}


def read_notes(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str], ledger: Ledger) -> dict[str, pd.Series]:
    """notes_forbid (N,) str: why a row's lead (lead_id (N,)) gets no message by a note, "" for none; notes_said (N,)
    str: what its notes, stages and titles say, 'Notes: "likes maps" | Lead Status: "Open"'.

    Each only where the table has such columns; the ledger notes which of notes it has.
    """
    names = [part.removeprefix(NOTE) for part in table.column_names if part.startswith(NOTE)]
    if names:
        ledger.notes["refusals are also heard in"] = ", ".join(names)
    said = said_by_columns(table, NOTE, lambda name: note_forbids, lead_id, missing)
    quoted = _quoted(table, lead_id, missing)
    return ({} if said is None else {"notes_forbid": said}) | ({} if quoted is None else {"notes_said": quoted})


def _quoted(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str]) -> pd.Series | None:
    """What the notes, stages and titles of each row's lead say, each once, with the names of their columns."""
    parts = [part for prefix in (NOTE, STAGE) for part in table.column_names if part.startswith(prefix)]
    if not parts:
        return None
    of_lead: dict[str, dict[str, None]] = {}
    for part in parts:
        name, read = " ".join(part.split(": ", 1)[1].split()), read_strings(table.column(part), missing)
        quoted = [f"{name}: {in_quotes(value)}" if value.strip() else "" for value in (*read.values, "")]
        for lead, code in zip(lead_id, read.codes, strict=True):
            if quoted[code]:
                of_lead.setdefault(lead, {})[quoted[code]] = None
    return pd.Series([" | ".join(of_lead.get(lead, ())) for lead in lead_id], dtype="str")


def note_forbids(text: str) -> str:
    """Why a note stops all messages; "" for most."""
    from tinyscout.leads.outreach_circumstances import circumstance  # their patterns take 50 ms to compile, and every
    from tinyscout.leads.refusals import LEAVE_ALONE, refusal  # command reads leads, but only write asks for notes

    said = refusal(text)
    if said:
        return "asked to be left alone" if said == LEAVE_ALONE else "said no, by a note"
    reason = circumstance(text)
    return f"{reason}: read it yourself" if reason else ""
