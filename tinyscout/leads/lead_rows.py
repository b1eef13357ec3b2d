"""Rows of the leads files: which columns play the roles, and what is wrong with a row.

A row is one contact; a row that can't be read is refused or, if the user says so, dropped and listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tinyscout.errors import InputError
from tinyscout.leads.cells import Coded, chunked, in_brief, read_labels, read_numbers, read_strings
from tinyscout.leads.consent import ConsentColumn
from tinyscout.leads.crm_outreach import find_outreach
from tinyscout.leads.field_map import FieldMap, normal
from tinyscout.leads.lead_notes import find_notes, find_others
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.recipients import find_recipients
from tinyscout.leads.schema import ROLES, Schema
from tinyscout.leads.sources import BadRow, open_source
from tinyscout.leads.stages import find_stages
from tinyscout.leads.times import NONE, Times, expected, read_times

MADE_ID = "row-"  # lead_id of a flat table that has none


@dataclass
class RawLeads:
    """Rows as read.

    roles: role -> column, of the roles that are read; names: role -> its name in the file, of all roles found;
    file, line (N,): where each row is; after_contact: columns found that the field map names as such, not read;
    outcomes: columns found that hold the answer under a second name, not read;
    consent: the columns that say who may be written to, and what each is for;
    recipient: the columns of a recipient's name and address, by their part in recipients.NAMES, and of its stage and
    job title, by stages.STAGE and their name, where asked for.
    """

    roles: dict[str, pa.ChunkedArray]
    names: dict[str, str]
    profile: pa.Table
    consent: pa.Table
    recipient: pa.Table
    file: np.ndarray
    line: np.ndarray
    after_contact: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    consent_columns: tuple[ConsentColumn, ...] = ()

    def __len__(self) -> int:
        return len(self.line)

    def without(self, roles: Sequence[str]) -> RawLeads:
        """The rows without the cells of some roles, so that nothing wrong in them matters."""
        return replace(self, roles={role: column for role, column in self.roles.items() if role not in roles})

    def take(self, rows: np.ndarray) -> RawLeads:
        """Some of the rows, in the order given."""
        index = pa.array(rows)
        roles = {role: column.take(index) for role, column in self.roles.items()}
        beside = {name: getattr(self, name).take(index) for name in ("profile", "consent", "recipient")}
        return replace(self, roles=roles, **beside, file=self.file[rows], line=self.line[rows])


@dataclass(frozen=True)
class Contacts:
    """What the roles of N rows say. order, label, sentiment are None where the export has no such column."""

    lead_id: np.ndarray  # (N,) str objects
    contact_id: np.ndarray | None
    contacted: Times
    replied: Times | None
    label: np.ndarray | None  # (N,) float64 as given, NaN where empty
    sentiment: Coded | None
    order: np.ndarray | None  # (N,) float64


def read_raw(
    paths: Sequence[Path],
    field_map: FieldMap,
    ledger: Ledger,
    *,
    needed: Sequence[str],
    unused: Sequence[str] = (),
    spare: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    recipients: bool = False,
    schema: Schema | None = None,
    allow_missing_columns: bool = False,
    rows: int | None = None,
    progress=None,
) -> Iterator[RawLeads]:
    """The rows of the leads files in batches. Raises InputError for a missing role or profile column, or a bad row.

    needed: roles that must be there; unused: roles not to read; spare: roles that may be absent though the map names
    them; schema: read only the profile columns it names; columns: only these; recipients: read whom a row is of, too.
    With a schema also for a file of which no column is known.
    """
    for number, path in enumerate(paths):
        source = open_source(path)
        file = ledger.open(source)
        names = field_map.find("leads", source.columns, str(path), needed, spare)
        consent = field_map.find_consent(source.columns, str(path)) if columns is None else ()
        asked = list(dict.fromkeys(each.column for each in consent))
        to_whom = {}
        if recipients:
            to_whom = find_recipients(source.columns) | find_stages(source.columns)
            to_whom |= find_outreach(source.columns) | find_notes(source.columns)
        features = [column for column in source.columns if schema is not None or column not in asked]
        by_profile, after, outcomes = _profile_columns(features, names, field_map)
        if columns is not None:
            by_profile = {name: column for name, column in by_profile.items() if name in columns}
        elif schema is not None:
            by_profile = _of_schema(by_profile, schema, str(path), allow_missing_columns)
            if not (names or by_profile or to_whom):
                raise InputError(
                    f"{path}: none of its columns ({in_brief(', '.join(source.columns))}) is known; it needs a lead_id "
                    f"or some that the model was fitted with ({in_brief(', '.join(schema.profile))}): name them in a "
                    "field map"
                )
            lacking = [name for name in schema.profile if name not in by_profile]
            if lacking:
                ledger.notes[f"{path}: columns it lacks, read as missing"] = ", ".join(lacking)
        if recipients:
            read = {*names.values(), *by_profile.values(), *asked, *to_whom.values()}
            to_whom |= find_others(column for column in source.columns if column not in read)
        roles = {role: column for role, column in names.items() if role not in unused}
        wanted = [*dict.fromkeys([*roles.values(), *by_profile.values(), *asked, *to_whom.values()])]
        for batch in source.batches(wanted, rows):
            if progress:
                progress("reading leads", int(100 * (number + batch.done) / len(paths)), 100)
            ledger.read["leads"] += len(batch.lines) + len(batch.bad) + len(batch.empty)
            ledger.refuse("leads", file, batch.bad)
            empty = np.array(batch.empty, np.int64)
            ledger.drop("leads", "empty row", np.full(len(empty), file), empty, [""] * len(empty))
            yield RawLeads(
                {role: chunked(batch.table.column(column)) for role, column in roles.items()},
                names,
                batch.table.select([*by_profile.values()]).rename_columns([*by_profile]),
                batch.table.select(asked),
                batch.table.select([*to_whom.values()]).rename_columns([*to_whom]),
                np.full(len(batch.lines), file),
                batch.lines,
                after,
                outcomes,
                consent,
            )


def join_raw(pieces: Sequence[RawLeads], spare: Sequence[str] = ()) -> RawLeads:
    """All pieces as one; a column that some files lack is missing there, types that disagree become text.

    A role goes by the name it has in the first file that has it. Raises InputError when one file has a role and another
    has not, unless it is one of spare: then its cells are empty.
    """
    roles = sorted({role for piece in pieces for role in piece.roles})
    for role in roles:
        if role not in spare and any(role not in piece.roles for piece in pieces):
            raise InputError(f"leads: one file has a column for {role} and another has none; give files of one kind")
    profile, consent, recipient = (
        _concat([getattr(piece, name) for piece in pieces]) for name in ("profile", "consent", "recipient")
    )
    columns = {
        role: _concat([pa.table({role: piece.roles.get(role, pa.nulls(len(piece)))}) for piece in pieces]).column(0)
        for role in roles
    }
    file = np.concatenate([piece.file for piece in pieces])
    line = np.concatenate([piece.line for piece in pieces])
    after = tuple(dict.fromkeys(name for piece in pieces for name in piece.after_contact))
    outcomes = tuple(dict.fromkeys(name for piece in pieces for name in piece.outcomes))
    asked = tuple(dict.fromkeys(each for piece in pieces for each in piece.consent_columns))
    names = {role: name for piece in reversed(pieces) for role, name in piece.names.items()}
    return RawLeads(columns, names, profile, consent, recipient, file, line, after, outcomes, asked)


def read_contacts(raw: RawLeads, field_map: FieldMap, ledger: Ledger) -> tuple[RawLeads, Contacts, np.ndarray]:
    """The rows that can be read, what their roles say, and their places in `raw`.

    Rows whose id, moment, label or number can't be read are refused or dropped.
    """
    missing, size = field_map.missing, len(raw)
    problems: list[tuple[np.ndarray, str, str, str]] = []  # (rows, reason, role, what is wrong)

    def moments(role: str) -> Times:
        if role not in raw.roles:
            return Times(np.full(size, NONE), np.zeros(size, bool), np.zeros(size, bool))
        times = read_times(raw.roles[role], missing, field_map.date_formats)
        problems.append((times.bad, "bad date", role, f"which is no date; expected {expected(field_map.date_formats)}"))
        return times

    if "lead_id" in raw.roles:
        ids = read_strings(raw.roles["lead_id"], missing)
        problems.append((ids.missing, "missing lead_id", "lead_id", "but every row needs one"))
        lead_id = ids.strings()
    else:
        lead_id = np.array([f"{MADE_ID}{file}-{line}" for file, line in zip(raw.file, raw.line, strict=True)], object)
    contacted = moments("contacted_at")
    replied = moments("replied_at") if "replied_at" in raw.roles else None
    label = order = contact_id = None
    if "label" in raw.roles:
        given = read_strings(raw.roles["label"], missing)
        label, unknown = read_labels(given, field_map.label_true, field_map.label_false)
        words = "which is no 0/1 label; expected 0/1, yes/no, true/false, or words named as label_true and label_false"
        problems.append((unknown, "bad label", "label", words))
    if "order" in raw.roles:
        order = read_numbers(raw.roles["order"], missing).values
        if "contacted_at" not in raw.roles:  # beside a time it only breaks ties, and may say anything
            problems.append((np.isnan(order), "bad order", "order", "which is no number; it stands for time here"))
    if "contact_id" in raw.roles:
        contacts = read_strings(raw.roles["contact_id"], missing)
        problems.append((contacts.missing, "missing contact_id", "contact_id", "but every row needs one"))
        contact_id = contacts.strings()
    sentiment = read_strings(raw.roles["sentiment"], missing) if "sentiment" in raw.roles else None

    bad = np.zeros(size, bool)
    by_file: dict[int, list[BadRow]] = {}
    for rows, reason, role, wrong in problems:
        for row in np.flatnonzero(rows & ~bad).tolist():
            detail = f'{raw.names[role]} is "{in_brief(raw.roles[role][row].as_py())}", {wrong}'
            found = BadRow(int(raw.line[row]), reason, detail, lead_id[row] or "")
            by_file.setdefault(int(raw.file[row]), []).append(found)
        bad |= rows
    for file in sorted(by_file):
        ledger.refuse("leads", file, by_file[file])
    contacts_read = Contacts(lead_id, contact_id, contacted, replied, label, sentiment, order)
    good = np.flatnonzero(~bad)
    if len(good) == size:
        return raw, contacts_read, good
    return raw.take(good), take_contacts(contacts_read, good), good


def take_contacts(contacts: Contacts, rows: np.ndarray) -> Contacts:
    """Some of the contacts, in the order given."""

    def some(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[rows]

    return Contacts(
        contacts.lead_id[rows],
        some(contacts.contact_id),
        contacts.contacted.take(rows),
        None if contacts.replied is None else contacts.replied.take(rows),
        some(contacts.label),
        None if contacts.sentiment is None else contacts.sentiment.take(rows),
        some(contacts.order),
    )


def _profile_columns(
    columns: Sequence[str], names: dict[str, str], field_map: FieldMap
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Name in the tables -> name in the file of the profile columns; those filled in after contact; other outcomes."""
    taken = set(names.values())
    after = {normal(name) for name in field_map.after_contact}
    left = [column for column in columns if column not in taken]
    named = tuple(column for column in left if normal(column) in after)
    outcomes = tuple(column for column in left if column not in named and field_map.holds_the_answer(column))
    profile = [column for column in left if column not in named and column not in outcomes]
    return {f"{column} (column)" if column in ROLES else column: column for column in profile}, named, outcomes


def _of_schema(found: dict[str, str], schema: Schema, where: str, allow_missing: bool) -> dict[str, str]:
    """The profile columns a saved schema names, by exact or else by normal name."""
    by_normal = {normal(name): column for name, column in found.items()}
    columns = {name: found.get(name, by_normal.get(normal(name))) for name in schema.profile}
    lacking = [f'"{name}"' for name, column in columns.items() if column is None]
    if lacking and not allow_missing:
        more = f" (nor {', '.join(lacking[1:])})" if lacking[1:] else ""
        raise InputError(
            f"{where}: has no column {lacking[0]}{more}, which the model was fitted with; add what is missing, or pass "
            "--allow-missing-columns to read it as missing"
        )
    return {name: column for name, column in columns.items() if column is not None}


def _concat(tables: Sequence[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        as_text = [pa.table({name: _as_text(table.column(name)) for name in table.column_names}) for table in tables]
        return pa.concat_tables(as_text, promote_options="default")


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    return column.cast(pa.large_string())
