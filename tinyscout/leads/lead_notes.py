"""Who gets no message by what somebody wrote into a column of the leads themselves: `Notes`, `Description`, `Message`.

Whose words these are, and of when, nobody knows: heard are a no, a wish to be left alone, and circumstances that a
person has to read first. What these columns, tasks, stages and titles say is shown beside a draft. They are read beside
the profile, as stages are, and so is whatever else nothing reads: a rep's words may stand in any column.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import in_quotes, read_strings
from tinyscout.leads.field_map import normal_once
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.recipients import is_recipient
from tinyscout.leads.stages import STAGE, said_by_columns

MANY = 20  # rows, of which not all say the same by chance
MOST = 10  # of what columns say of a lead is shown, the last
TASK = "task: "  # as NOTE
OTHER = "other: "  # as NOTE
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
)
_ELSEWHERE = (
    "notiz notizen bemerkung bemerkungen anmerkung anmerkungen kommentar kommentare beschreibung nachricht freitext "
    "commentaire commentaires remarque remarques notas nota observaciones comentarios opmerking opmerkingen notities"
)
_OURS = frozenset(["nextstep", "nextsteps", "todo", "todos", "task", "tasks"])  # our own plans: shown and not heard
_WORDS = re.compile(r"^(?!\w+://|www\.)(?=.*[^\W\d_]{2})(?!\S*\d\S*$)", re.DOTALL)  # no link, id, number or date
_NOTES = frozenset([*(f"{whose}{what}" for whose in _WHOSE for what in _WHAT), *_ELSEWHERE.split()])


def find_notes(columns: Iterable[str]) -> dict[str, str]:
    """NOTE, or TASK, and the name -> the column, for those of a file that have the name of one for notes, or tasks."""
    named = {NOTE: _NOTES, TASK: _OURS}
    return {
        f"{kind}{column}": column for kind, names in named.items() for column in columns if normal_once(column) in names
    }


def find_others(columns: Iterable[str]) -> dict[str, str]:
    """OTHER and the name -> the column, of columns that nothing reads, but for names and addresses."""
    return {f"{OTHER}{column}": column for column in columns if not is_recipient(column)}


def read_notes(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str], ledger: Ledger) -> dict[str, pd.Series]:
    """notes_forbid (N,) str: why a row's lead (lead_id (N,)) gets no message by a note, "" for none; columns_said (N,)
    str: what its notes, tasks, stages and titles, and columns that nothing else reads, say: 'Notes: "likes maps" | Lead
    Status: "Open"'.

    Each only where the table has such columns; the ledger notes which of notes it has, and which others.
    """
    for kind, what in ((NOTE, "refusals are also heard in"), (OTHER, "columns that are shown, and heard for refusals")):
        names = [" ".join(part.removeprefix(kind).split()) for part in table.column_names if part.startswith(kind)]
        if names:
            ledger.notes[what] = ", ".join(names)
    said = said_by_columns(table, NOTE, lambda name: note_forbids, lead_id, missing)
    elsewhere = said_by_columns(table, OTHER, lambda name: _other_forbids, lead_id, missing)
    if said is not None and elsewhere is not None:
        said = said.where(said != "", elsewhere)
    said = elsewhere if said is None else said
    quoted = _quoted(table, lead_id, missing)
    return ({} if said is None else {"notes_forbid": said}) | ({} if quoted is None else {"columns_said": quoted})


def _quoted(table: pa.Table, lead_id: np.ndarray, missing: Iterable[str]) -> pd.Series | None:
    """What the notes, stages and titles of each row's lead say, each once, with the names of their columns.

    Columns that nothing reads come first, so that these are left out where there are many; of them words alone, and
    nothing that all leads have.
    """
    parts = [part for prefix in (OTHER, NOTE, TASK, STAGE) for part in table.column_names if part.startswith(prefix)]
    if not parts:
        return None
    of_lead: dict[str, dict[str, None]] = {}
    for part in parts:
        name, read = " ".join(part.split(": ", 1)[1].split()), read_strings(table.column(part), missing)
        other = part.startswith(OTHER)
        if other and len(read.values) < 2 and len(table) >= MANY:
            continue
        says = _WORDS.search if other else str.strip
        quoted = [f"{name}: {in_quotes(value)}" if says(value) else "" for value in (*read.values, "")]
        for lead, code in zip(lead_id, read.codes, strict=True):
            if quoted[code]:
                of_lead.setdefault(lead, {})[quoted[code]] = None
    said = {lead: " | ".join([*each][-MOST:]) for lead, each in of_lead.items()}
    return pd.Series([said.get(lead, "") for lead in lead_id], dtype="str")


def note_forbids(text: str) -> str:
    """Why a note stops all messages; "" for most."""
    from tinyscout.leads.outreach_circumstances import circumstance  # their patterns take 50 ms to compile, and every
    from tinyscout.leads.refusals import LEAVE_ALONE, refusal  # command reads leads, but only write asks for notes

    said = refusal(text)
    if said:
        return "asked to be left alone" if said == LEAVE_ALONE else "said no, by a note"
    reason = circumstance(text)
    return f"{reason}: read it yourself" if reason else ""


def _other_forbids(text: str) -> str:
    """As note_forbids, of a column that may be a flag: a bare "No" answers we don't know what."""
    return note_forbids(text) if len(text.split()) > 1 else ""
