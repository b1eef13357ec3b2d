"""Reading an export into LeadTables: whole for fitting and judging, or in chunks of leads for scoring huge files.

The order of work: signals into a compact log; lead rows, bad ones refused, repeats dropped; then for each contact its
label, its profile and its signals as of the contact. Both ways share every step, so they give the same tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.errors import InputError
from tinyscout.leads.as_of import see
from tinyscout.leads.field_map import FieldMap
from tinyscout.leads.labels import Labels, Observed, from_replies, read_sentiment
from tinyscout.leads.lead_rows import (
    Contacts,
    RawLeads,
    Repeats,
    drop_repeats,
    join_raw,
    read_contacts,
    read_raw,
    take_contacts,
)
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.profile import read_profile, type_columns
from tinyscout.leads.schema import SameDay, Schema
from tinyscout.leads.signal_log import SignalLog, read_log
from tinyscout.leads.tables import HOUR_US, LeadTables
from tinyscout.leads.times import DAY_US, EXPECTED, NONE, Times, read_times, to_series

Paths = str | Path | Sequence[str | Path]
Progress = Callable[[str, int, int], None]  # what is done, steps done, steps in all

WINDOW_DAYS = 30.0
_OUTCOMES = ("label", "replied_at", "sentiment")


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
    allow_missing_columns: bool = False,
    progress: Progress | None = None,
) -> LeadTables:
    """One or more leads files, and signals files if there are any, as LeadTables.

    field_map: None for the schema's, else generic. schema: of a fitted model; its types are used instead of guessed
    ones. window_days, same_day: None for the schema's, the field map's, else 30 and "drop". observed_until: until when
    replies were seen, None for the latest time stamp of the export. labelled=False reads leads to be scored: outcomes
    are ignored, and a lead without a contact time is read as of `observed_until`, or just after the latest time stamp.
    rejects: CSV to list dropped rows in. Raises InputError for anything wrong with the input, in one line.
    """
    reading = _Reading.start(
        leads_paths,
        signals_paths,
        field_map,
        schema,
        window_days,
        observed_until,
        same_day,
        labelled,
        Ledger(skip_bad_rows, rejects is not None),
        allow_missing_columns,
        progress,
    )
    pieces = list(reading.rows(None))
    tables = reading.build(join_raw(pieces))
    return reading.finish(tables, rejects)


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
    reading = _Reading.start(
        leads_paths,
        signals_paths,
        field_map,
        schema,
        window_days,
        observed_until,
        same_day,
        False,
        Ledger(skip_bad_rows, rejects is not None),
        allow_missing_columns,
        progress,
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


@dataclass
class _Reading:
    """One reading under way: the files, the rules and what has been counted."""

    leads_paths: list[Path]
    field_map: FieldMap
    schema: Schema | None
    window_days: float
    observed: Observed | None
    same_day: SameDay
    labelled: bool
    ledger: Ledger
    allow_missing_columns: bool
    progress: Progress | None
    log: SignalLog | None
    repeats: Repeats
    rows_read: int = 0

    @classmethod
    def start(
        cls,
        leads_paths: Paths,
        signals_paths: Paths | None,
        field_map: FieldMap | None,
        schema: Schema | None,
        window_days: float | None,
        observed_until: str | datetime | None,
        same_day: SameDay | None,
        labelled: bool,
        ledger: Ledger,
        allow_missing_columns: bool,
        progress: Progress | None,
    ) -> _Reading:
        if field_map is None:
            saved = None if schema is None else schema.field_map
            field_map = FieldMap.load("generic") if saved is None else FieldMap.from_dict(saved)
        if window_days is None:
            window_days = schema.window_days if schema else field_map.window_days or WINDOW_DAYS
        if window_days <= 0:
            raise InputError(f"window_days is {window_days:g}; needs a number of days above 0")
        same_day = same_day or (schema.same_day if schema else "drop")
        if same_day not in ("drop", "keep"):
            raise InputError(f'same_day is "{same_day}"; needs "drop" or "keep"')
        signals = _paths(signals_paths)
        log = read_log(signals, field_map, ledger, progress=progress) if signals else None
        return cls(
            _paths(leads_paths),
            field_map,
            schema,
            float(window_days),
            _read_observed(observed_until),
            same_day,
            labelled,
            ledger,
            allow_missing_columns,
            progress,
            log,
            Repeats(),
        )

    def rows(self, limit: int | None) -> Iterator[RawLeads]:
        """The rows of the leads files, as read."""
        needed = []
        if self.log is not None or "leads.lead_id" not in self.field_map.optional:
            needed.append("lead_id")
        if self.labelled and (self.log is not None or (self.schema and self.schema.has_time)):
            needed.append("contacted_at")
        if self.labelled and self.field_map.label_first:
            needed.append("label")
        return read_raw(
            self.leads_paths,
            self.field_map,
            self.ledger,
            needed=needed,
            unused=() if self.labelled else _OUTCOMES,
            spare=() if self.labelled else (*_OUTCOMES, "contacted_at"),
            schema=self.schema,
            allow_missing_columns=self.allow_missing_columns,
            rows=limit,
            progress=self.progress,
        )

    def build(self, raw: RawLeads) -> LeadTables:
        """The tables of some rows, sorted by time."""
        ledger = self.ledger
        order = np.arange(self.rows_read, self.rows_read + len(raw), dtype=np.int64)
        self.rows_read += len(raw)
        has_time = self._has_time(raw)
        by_reply = self.labelled and self._by_reply(raw)
        raw, contacts, good = read_contacts(raw, self.field_map, ledger)
        order = order[good]
        if contacts.order is not None:
            order = _whole(contacts.order)
        rows, contact_id = drop_repeats(raw, contacts, self.repeats, ledger)
        contacted = self._contact_times(contacts.contacted.take(rows), has_time)
        if has_time and self.labelled:
            there = ~contacted.missing
            never = rows[~there]
            ledger.drop(
                "leads", "not contacted yet", raw.file[never], raw.line[never], contacts.lead_id[never].tolist()
            )
            rows, contact_id, contacted = rows[there], contact_id[there], contacted.take(np.flatnonzero(there))
        by_time = np.lexsort((order[rows], contacted.us)) if has_time else np.argsort(order[rows], kind="stable")
        rows, contact_id, contacted = rows[by_time], contact_id[by_time], contacted.take(by_time)
        raw, contacts, order = raw.take(rows), take_contacts(contacts, rows), order[rows]
        ledger.kept["leads"] += len(rows)

        label = self._labels(contacts, contacted, by_reply, raw)
        schema = self.schema or self._new_schema(raw, contacted, has_time, by_reply)
        types = {name: schema.columns[name] for name in (schema.profile if self.schema else schema.columns)}
        profile = read_profile(raw.profile, types, contacted, label, self.field_map, ledger)
        frame: dict[str, object] = {
            "contact_id": pd.Series(contact_id, dtype="str"),
            "lead_id": pd.Series(contacts.lead_id, dtype="str"),
            "contacted_at": to_series(contacted.us),
            "order": order,
        }
        if by_reply and contacts.replied is not None:
            frame["replied_at"] = to_series(contacts.replied.us)
        leads = pd.DataFrame({**frame, "label": label, **profile})
        signals, offsets = self._signals(contacts.lead_id, contacted)
        return LeadTables(leads, signals, offsets, schema, ledger.account())

    def finish(self, tables: LeadTables | None, rejects: str | Path | None) -> LeadTables:
        """The last tables with the complete account; writes the rejects. Raises InputError when no row is left."""
        if self.log is not None:
            self.log.settle(self.ledger)
        if rejects is not None:
            self.ledger.write(Path(rejects))
        account = self.ledger.account()
        if tables is None or len(tables) == 0:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in account.leads_dropped.items() if count)
            raise InputError(f"{self.leads_paths[0]}: no lead is left of {account.leads_in:,} rows (dropped: {reasons})")
        return replace(tables, account=account)

    def _has_time(self, raw: RawLeads) -> bool:
        if self.schema is not None:
            return self.schema.has_time
        return "contacted_at" in raw.roles or (not self.labelled and self.log is not None)

    def _by_reply(self, raw: RawLeads) -> bool:
        """Whether labels come from reply times; raises InputError when there is neither those nor a ready label."""
        if "label" in raw.roles and (self.field_map.label_first or "replied_at" not in raw.roles):
            return False
        if "replied_at" in raw.roles and "contacted_at" in raw.roles:
            return True
        if "label" in raw.roles:
            return False
        where = self.leads_paths[0]
        columns = ", ".join([*raw.names.values(), *raw.profile.column_names][:12])
        if "replied_at" in raw.roles:
            raise InputError(f"{where}: has {raw.names['replied_at']} but no column for contacted_at to count days from")
        raise InputError(
            f"{where}: has no column for a label or replied_at; its columns are {columns}, ...; "
            "name one with --label, or in a field map; see docs/bring_your_own.md"
        )

    def _contact_times(self, contacted: Times, has_time: bool) -> Times:
        """Contact times, settled; for scoring, the moment of scoring where a lead was not contacted yet."""
        if not has_time:
            return contacted
        contacted = contacted.settled() if self.schema is None else contacted
        if not self.labelled and contacted.missing.any():
            if self.observed is None:
                self.observed = self._latest()
            if self.observed.us == NONE:
                raise InputError(
                    f"{self.leads_paths[0]}: has leads without a contact time and no time stamp to score them at; "
                    "pass --observed-until DATE"
                )
            moment = self.observed.us + (0 if self.observed.given else 1_000_000)
            self.ledger.notes["leads without a contact time are read as of"] = str(to_series(np.array([moment]))[0])
            empty = contacted.missing
            contacted = Times(np.where(empty, moment, contacted.us), contacted.date_only & ~empty, contacted.bad)
        if self.schema is not None and not self.schema.has_hour:  # as the model learned it: by day
            there = ~contacted.missing
            by_day = np.where(there, contacted.us // DAY_US * DAY_US, contacted.us)
            contacted = Times(by_day, there, contacted.bad)
        return contacted

    def _latest(self) -> Observed:
        """The latest time stamp of all leads and signals; reads the contact times of the files once more."""
        found = [] if self.log is None else [("signal", Times(self.log.at, self.log.date_only, self.log.date_only))]
        for raw in read_raw(
            self.leads_paths,
            self.field_map,
            Ledger(skip_bad_rows=True),
            needed=(),
            unused=(*_OUTCOMES, "lead_id", "contact_id", "order"),
            spare=(*_OUTCOMES, "contacted_at"),
            columns=(),
        ):
            if "contacted_at" in raw.roles:
                times = read_times(raw.roles["contacted_at"], self.field_map.missing, self.field_map.date_formats)
                found.append(("contact", times))
        return Observed.latest(found)

    def _labels(self, contacts: Contacts, contacted: Times, by_reply: bool, raw: RawLeads) -> np.ndarray:
        """(N,) labels, and notes on what is not known."""
        size, notes = len(contacts.lead_id), self.ledger.notes
        if not self.labelled:
            return np.full(size, np.nan)
        if not by_reply:
            label = contacts.label if contacts.label is not None else np.full(size, np.nan)
            notes["label"] = f"{raw.names['label']} as given"
            notes["label unknown"] = int(np.isnan(label).sum())
            return label
        assert contacts.replied is not None
        replied = contacts.replied.settled()
        found = [("contact", contacted), ("reply", replied)]
        if self.log is not None:
            found.append(("signal", Times(self.log.at, self.log.date_only, self.log.date_only)))
        observed = self.observed or Observed.latest(found)
        positive = None
        if contacts.sentiment is not None:
            positive = read_sentiment(contacts.sentiment, replied, self.field_map.positive, str(self.leads_paths[0]))
        made = from_replies(contacted, replied, positive, window_days=self.window_days, observed=observed)
        self._note_labels(made, observed, contacts, contacted, replied)
        return made.label

    def _note_labels(
        self, made: Labels, observed: Observed, contacts: Contacts, contacted: Times, replied: Times
    ) -> None:
        notes = self.ledger.notes
        notes["label"] = f"positive reply within {self.window_days:g} days of contact"
        notes["observed until"] = f"{to_series(np.array([observed.us]))[0]} ({observed.source})"
        notes["window not over"] = int(made.immature.sum())
        notes["replied before contact (label unknown)"] = int(made.before.sum())
        notes["replied after the window (negative)"] = int(made.late.sum())
        notes["reply of unknown sentiment (label unknown)"] = int(made.unclear.sum())
        for row in np.flatnonzero(made.before)[:5].tolist():
            self.ledger.example(
                "replied before contact",
                {
                    "lead_id": contacts.lead_id[row],
                    "contacted_at": str(to_series(contacted.us[row : row + 1])[0]),
                    "replied_at": str(to_series(replied.us[row : row + 1])[0]),
                },
            )

    def _new_schema(self, raw: RawLeads, contacted: Times, has_time: bool, by_reply: bool) -> Schema:
        types = type_columns(raw.profile, self.field_map)
        left_out = {}
        used = {"replied_at", "sentiment"} if by_reply else {"label"}
        for role in _OUTCOMES:
            if role in raw.names and role not in used:
                left_out[raw.names[role]] = "another form of the label"
        if not has_time:
            dates = [name for name, kind in types.items() if kind == "date"]
            left_out |= dict.fromkeys(dates, "a date, and no contact time to measure it from")
        return Schema(
            columns=types,
            window_days=self.window_days,
            has_time=has_time,
            has_hour=has_time and bool((~contacted.date_only).mean() >= 0.5),
            after_contact=raw.after_contact,
            left_out=left_out,
            same_day=self.same_day,
            field_map=self.field_map.to_dict(),
        )

    def _signals(self, lead_ids: np.ndarray, contacted: Times) -> tuple[pd.DataFrame, np.ndarray]:
        if self.log is None:
            none = pd.Series(np.zeros(0, np.int64).view("datetime64[us]")).dt.tz_localize("UTC")
            kind = pd.Categorical([], categories=pd.Index([], dtype="str"))
            empty = {"row": np.zeros(0, np.int64), "at": none, "age_hours": np.zeros(0), "kind": kind}
            return pd.DataFrame(empty), np.zeros(len(lead_ids) + 1, np.int64)
        seen = see(self.log, lead_ids, contacted, self.same_day, self.ledger)
        row = np.repeat(np.arange(len(lead_ids), dtype=np.int64), np.diff(seen.offsets))
        frame = self.log.frame(seen.places)
        frame.insert(0, "row", row)
        frame.insert(2, "age_hours", (seen.moments[row] - self.log.at[seen.places]) / HOUR_US)
        return frame, seen.offsets


def _paths(paths: Paths | None) -> list[Path]:
    if paths is None:
        return []
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def _read_observed(value: str | datetime | None) -> Observed | None:
    if value is None:
        return None
    times = read_times(pa.array([value if isinstance(value, datetime) else str(value)]), ())
    if times.missing[0]:
        raise InputError(f'observed-until is "{value}", which is no date; expected {EXPECTED}')
    return Observed(int(times.us[0]) + (DAY_US if times.date_only[0] else 0), "as given", given=True)


def _whole(order: np.ndarray) -> np.ndarray:
    """Running numbers as integers; ranks where they have fractions."""
    if (order % 1 == 0).all() and (np.abs(order) < 2**53).all():
        return order.astype(np.int64)
    return np.unique(order, return_inverse=True)[1].astype(np.int64)


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
