"""Reading an export into LeadTables: whole for fitting and judging, or in chunks of leads for scoring huge files.

Both go through the same steps (reading.py), so they give the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from tinyscout.leads.field_map import OUTCOMES, FieldMap
from tinyscout.leads.lead_rows import RawLeads, join_raw
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.reading import Progress, Reading
from tinyscout.leads.schema import SameDay, Schema
from tinyscout.leads.tables import LeadTables

Paths = str | Path | Sequence[str | Path]


def read_tables(
    leads_paths: Paths,
    signals_paths: Paths | None = None,
    *,
    field_map: FieldMap | None = None,
    schema: Schema | None = None,
    window_days: float | None = None,
    observed_until: str | datetime | None = None,
    same_day: SameDay | None = None,
    skip_bad_rows: bool = False,
    rejects: str | Path | None = None,
    labelled: bool = True,
    as_of_now: bool = False,
    allow_missing_columns: bool = False,
    progress: Progress | None = None,
) -> LeadTables:
    """One or more leads files, and signals files if there are any, as LeadTables.

    field_map: None for the schema's, else generic. schema: of a fitted model; its types are used instead of guessed
    ones. window_days, same_day: None for the schema's, the field map's, else 30 and "drop". observed_until: until when
    replies were seen, None for the latest time stamp of the export. labelled=False reads leads to be scored: outcomes
    are ignored (but that a reply's date may be the latest), and a lead without a contact time is read as of
    `observed_until`, or just after the latest contact, reply or signal.
    as_of_now: so is every lead, contacted or not, so that a message to it speaks of today and no signal is missed; and
    the outcomes say who replied already.
    skip_bad_rows: drop rows that can't be read instead of refusing the file. rejects: CSV to list dropped rows in.
    allow_missing_columns: read a profile column of the schema that the file lacks as missing. progress: called with
    (what, steps done, steps in all). Raises InputError for anything wrong with the input, in one line.
    """
    reading = Reading(
        _paths(leads_paths),
        _paths(signals_paths),
        Ledger(skip_bad_rows, rejects is not None),
        field_map=field_map,
        schema=schema,
        window_days=window_days,
        observed_until=observed_until,
        same_day=same_day,
        labelled=labelled,
        allow_missing_columns=allow_missing_columns,
        progress=progress,
        as_of_now=as_of_now,
    )
    raw = join_raw(list(reading.rows(None)), spare=() if labelled else OUTCOMES)
    return reading.finish(reading.build(raw), rejects)


def iter_tables(
    leads_paths: Paths,
    signals_paths: Paths | None = None,
    *,
    schema: Schema,
    field_map: FieldMap | None = None,
    window_days: float | None = None,
    observed_until: str | datetime | None = None,
    same_day: SameDay | None = None,
    skip_bad_rows: bool = False,
    rejects: str | Path | None = None,
    allow_missing_columns: bool = False,
    chunk: int = 20_000,
    progress: Progress | None = None,
) -> Iterator[LeadTables]:
    """The leads to be scored in chunks of about `chunk` contacts, in file order and sorted by time within a chunk.

    Arguments as in read_tables with labelled=False. Memory holds the signals in compact form and one chunk of leads.
    The account of a chunk covers everything read so far; that of the last one is complete.
    """
    reading = Reading(
        _paths(leads_paths),
        _paths(signals_paths),
        Ledger(skip_bad_rows, rejects is not None),
        field_map=field_map,
        schema=schema,
        window_days=window_days,
        observed_until=observed_until,
        same_day=same_day,
        labelled=False,
        allow_missing_columns=allow_missing_columns,
        progress=progress,
    )
    held: LeadTables | None = None
    for raw in _coalesce(reading.rows(chunk), chunk):
        tables = reading.build(raw)
        if len(tables) == 0:
            continue
        if held is not None:
            yield held
        held = tables
    yield reading.finish(held, rejects)


def _paths(paths: Paths | None) -> list[Path]:
    if paths is None:
        return []
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _coalesce(pieces: Iterable[RawLeads], size: int) -> Iterator[RawLeads]:
    """Pieces joined until they hold `size` rows: files written in small row groups cost no more than others."""
    held: list[RawLeads] = []
    for piece in pieces:
        held.append(piece)
        if sum(len(one) for one in held) >= size:
            yield join_raw(held)
            held = []
    if held:
        yield join_raw(held)
