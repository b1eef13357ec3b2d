"""One reading under way: signals into a compact log, lead rows into contacts, then for each contact what it may know.

The order of work: bad rows refused, repeats dropped, contacts sorted by time; then the label, the profile and the
signals of each, as of the contact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from tinyscout.errors import ArgumentError, InputError
from tinyscout.leads.as_of import see
from tinyscout.leads.cells import in_brief
from tinyscout.leads.consent import no_consent
from tinyscout.leads.crm_outreach import read_outreach
from tinyscout.leads.field_map import OUTCOMES, FieldMap
from tinyscout.leads.labels import Observed, from_replies, note_labels, read_sentiment
from tinyscout.leads.lead_notes import read_notes
from tinyscout.leads.lead_rows import Contacts, RawLeads, read_contacts, read_raw, take_contacts
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.moment import Moment
from tinyscout.leads.planned import read_ahead
from tinyscout.leads.profile import dot_thousands, read_profile, type_columns
from tinyscout.leads.recipients import is_recipient, read_recipients, several_people
from tinyscout.leads.rejected_rows import rejected_rows
from tinyscout.leads.repeats import Repeats, drop_repeats
from tinyscout.leads.replies import earlier_replies
from tinyscout.leads.schema import ColumnType, SameDay, Schema
from tinyscout.leads.signal_log import UNKNOWN_LEAD, read_log
from tinyscout.leads.stages import left_alone
from tinyscout.leads.tables import HOUR_US, LeadTables
from tinyscout.leads.times import DAY_US, NONE, Times, to_series

Progress = Callable[[str, int, int], None]  # what is done, steps done, steps in all

WINDOW_DAYS = 30.0
MANY = 20  # leads to be written to, none of which did anything: then the signals are another export's
_LONGEST_WINDOW = 36_500.0  # a hundred years: longer ones run past what microseconds can count


class Reading:
    """The files, the rules and what has been counted; `rows`, then `build` on each part of them, then `finish`."""

    def __init__(
        self,
        leads: Sequence[Path],
        signals: Sequence[Path],
        ledger: Ledger,
        *,
        field_map: FieldMap | None,
        schema: Schema | None,
        window_days: float | None,
        observed_until: str | datetime | None,
        same_day: SameDay | None,
        labelled: bool,
        allow_missing_columns: bool,
        progress: Progress | None,
        as_of_now: bool = False,
    ):
        """Settle the rules and read the signals. Raises InputError for a wrong rule or unreadable signals."""
        if field_map is None:
            saved = None if schema is None else schema.field_map
            field_map = FieldMap.load("generic") if saved is None else FieldMap.from_dict(saved)
        given = window_days is not None
        if window_days is None:
            window_days = schema.window_days if schema else field_map.window_days or WINDOW_DAYS
        if not 0 < window_days <= _LONGEST_WINDOW:
            said = f"is {window_days:g}; needs a number of days above 0 and at most {_LONGEST_WINDOW:g}"
            if given:
                raise ArgumentError("leads", "window_days", said)
            raise InputError(f"window_days of the field map {said}")
        same_day = same_day or (schema.same_day if schema else "drop")
        if same_day not in ("drop", "keep"):
            raise InputError(f'same_day is "{same_day}"; needs "drop" or "keep"')
        self.leads = leads
        self.ledger = ledger
        self.field_map = field_map
        self.schema = schema
        self.window_days = float(window_days)
        self.same_day: SameDay = same_day
        observed = None if observed_until is None else Observed.parse(observed_until)
        if labelled and as_of_now:
            raise InputError("as_of_now reads leads to be written to, which have no label yet; pass labelled=False")
        self.labelled = labelled
        self.as_of_now = as_of_now
        self.allow_missing_columns = allow_missing_columns
        self.progress = progress
        self.signals = signals
        self.log = read_log(signals, field_map, ledger, progress=progress) if signals else None
        self.moment = Moment(leads, field_map, self.log, ledger, observed, today=as_of_now)
        self.repeats = Repeats()
        self.rows_read = 0

    def rows(self, limit: int | None) -> Iterator[RawLeads]:
        """The rows of the leads files as read, at most about `limit` at a time."""
        needed = []
        if self.log is not None or "leads.lead_id" not in self.field_map.optional:
            needed.append("lead_id")
        if self.labelled and (self.log is not None or (self.schema and self.schema.has_time)):
            needed.append("contacted_at")
        if self.labelled and self.field_map.label_first:
            needed.append("label")
        return read_raw(
            self.leads,
            self.field_map,
            self.ledger,
            needed=needed,
            unused=() if self.labelled or self.as_of_now else OUTCOMES,
            spare=() if self.labelled else (*OUTCOMES, "contacted_at"),
            recipients=self.as_of_now,
            schema=self.schema,
            allow_missing_columns=self.allow_missing_columns,
            rows=limit,
            progress=self.progress,
        )

    def build(self, raw: RawLeads) -> LeadTables:
        """The tables of some rows, sorted by time."""
        order = np.arange(self.rows_read, self.rows_read + len(raw), dtype=np.int64)
        self.rows_read += len(raw)
        has_time = self._has_time(raw)
        by_reply = self.labelled and self._by_reply(raw)
        unread = ("label",) if by_reply else ("replied_at", "sentiment") if self.labelled else OUTCOMES
        whole = raw
        raw, contacts, good = read_contacts(raw.without(unread), self.field_map, self.ledger)
        beside = {}
        if self.as_of_now:
            until = self.moment.given
            beside = earlier_replies(whole.take(good), contacts.lead_id, self.field_map, until, self.ledger)
            beside |= rejected_rows(whole, good, self.field_map.missing, self.ledger)
        forbidden = no_consent(raw, contacts.lead_id, self.field_map, self.ledger)
        order = order[good] if contacts.order is None else _whole(contacts.order)
        rows, contact_id = drop_repeats(raw, contacts, self.repeats, self.ledger)
        contacted = contacts.contacted.take(rows)
        waiting = contacted.missing if has_time and not self.labelled else np.zeros(len(rows), bool)
        if has_time:
            contacted = self._contact_times(contacted)
            never = rows[contacted.missing]
            lead_ids = contacts.lead_id[never].tolist()
            self.ledger.drop("leads", "not contacted yet", raw.file[never], raw.line[never], lead_ids)
            there = np.flatnonzero(~contacted.missing)
            rows, contact_id, contacted = rows[there], contact_id[there], contacted.take(there)
            waiting = waiting[there]
        else:
            contacted = Times(np.full(len(rows), NONE), np.zeros(len(rows), bool), np.zeros(len(rows), bool))
        by_time = np.lexsort((order[rows], contacted.us))  # without time all moments are alike and order decides
        rows, contact_id, contacted = rows[by_time], contact_id[by_time], contacted.take(by_time)
        waiting = waiting[by_time]
        earlier = None
        if has_time and self.as_of_now:  # sorted by contact still, so that a lead's last row is what is known last
            earlier = np.where(waiting, NONE, contacted.us)
            contacted, waiting = self._now(len(rows)), np.ones(len(rows), bool)
            self.moment.check(earlier[earlier != NONE], contacted.us)
            earlier = _of_the_lead(np.where(earlier < contacted.us, earlier, NONE), contacts.lead_id[rows])
        said = self._of_columns(raw, contacts, contacted) if self.as_of_now and len(rows) else {}
        raw, contacts, order = raw.take(rows), take_contacts(contacts, rows), order[rows]
        self.ledger.kept["leads"] += len(rows)

        label = self._labels(contacts, contacted, by_reply, raw)
        schema = self.schema or self._new_schema(raw, contacted, has_time, by_reply)
        read = schema.profile if self.schema else schema.columns
        types: dict[str, ColumnType] = {name: schema.columns[name] for name in read}
        frame: dict[str, object] = {
            "contact_id": pd.Series(contact_id, dtype="str"),
            "lead_id": pd.Series(contacts.lead_id, dtype="str"),
            "contacted_at": to_series(contacted.us),
            "order": order,
        }
        if waiting.any():
            frame["not_contacted"] = waiting
        if earlier is not None:
            frame["earlier_contact"] = to_series(earlier)
        if by_reply and contacts.replied is not None:
            frame["replied_at"] = to_series(contacts.replied.us)
        frame |= {name: values.iloc[rows].reset_index(drop=True) for name, values in {**beside, **said}.items()}
        frame |= read_recipients(raw.recipient, contacts.lead_id, self.field_map.missing)
        if self.as_of_now and self.log is not None and len(rows):
            frame |= read_ahead(self.log, contacts.lead_id, self.moment.plans_after(int(contacted.us[0])))
        for channel, reasons in forbidden.items():
            frame[f"no_consent_{channel}"] = pd.Series(reasons[rows], dtype="str")
        profile = read_profile(raw.profile, types, schema.dot_thousands, contacted, label, self.field_map, self.ledger)
        leads = pd.DataFrame({**frame, "label": label, **profile})
        signals, offsets = self._signals(contacts.lead_id, contacted)
        return LeadTables(leads, signals, offsets, schema, self.ledger.account())

    def _of_columns(self, raw: RawLeads, contacts: Contacts, contacted: Times) -> dict[str, pd.Series]:
        """What columns beside the profile say of whom to write to, for all rows of `raw`: also of those that are
        dropped as repeats, so that nothing they forbid is lost. contacted: when all are read as of."""
        table, lead_id = raw.recipient, contacts.lead_id
        missing, formats = self.field_map.missing, self.field_map.date_formats
        now = np.full(len(raw), contacted.us[0])
        return {
            **several_people(read_recipients(table, lead_id, missing), lead_id),
            **left_alone(table, lead_id, missing),
            **read_notes(table, lead_id, missing, self.ledger),
            **read_outreach(table, lead_id, now, missing, formats),
        }

    def finish(self, tables: LeadTables | None, rejects: str | Path | None) -> LeadTables:
        """The last tables with the complete account; writes the rejects. Raises InputError when no row is left."""
        if self.log is not None:
            self.log.settle(self.ledger)
        if rejects is not None:
            self.ledger.write(Path(rejects))
        account = self.ledger.account()
        if tables is None or len(tables) == 0:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in account.leads_dropped.items() if count)
            raise InputError(
                f"{self.leads[0]}: no lead is left of {account.leads_in:,} rows; dropped: {reasons or 'none'}"
            )
        if self.as_of_now and self.log is not None and len(self.log) and (self.log.fate == UNKNOWN_LEAD).all():
            said = f"none of {len(self.log):,} is of one of these leads (the first is of {in_brief(self.log.leads[0])})"
            if len(tables) >= MANY:
                raise InputError(
                    f"{self.signals[0]}: of the signals {said}, so that no refusal among them is heard; give those of "
                    f"{self.leads[0]}, under their ids, or none"
                )
            account.notes["signals"] = said
        return replace(tables, account=account)

    def _has_time(self, raw: RawLeads) -> bool:
        if self.schema is not None:
            return self.schema.has_time
        return "contacted_at" in raw.roles or (not self.labelled and self.log is not None)

    def _by_reply(self, raw: RawLeads) -> bool:
        """Whether labels come from reply times; raises InputError when there is neither those nor a ready label."""
        if "replied_at" in raw.roles and "contacted_at" in raw.roles:
            return not (self.field_map.label_first and "label" in raw.roles)
        if "label" in raw.roles:
            return False
        if "replied_at" in raw.roles:
            raise InputError(
                f"{self.leads[0]}: has {raw.names['replied_at']} and no column for contacted_at to count days from; "
                "name one in a field map, or a ready label with --label"
            )
        columns = [*raw.names.values(), *raw.profile.column_names]
        raise InputError(
            f"{self.leads[0]}: has no column for a label or replied_at; its columns are {', '.join(columns[:12])}"
            f"{', ...' if len(columns) > 12 else ''}; name one with --label or in a field map"
        )

    def _contact_times(self, contacted: Times) -> Times:
        """Contact times as the model counts them; for scoring, the moment of scoring where there is none.

        A model that knows days only counts from the midnight a day begins with; who is still to be contacted, from the
        next one: all that was heard of them today was heard before.
        """
        if self.schema is None:
            contacted = contacted.settled()
        waiting = contacted.missing
        if not self.labelled and contacted.missing.any():
            moment = self.moment.of_scoring()
            who = "every lead is" if self.as_of_now else "leads without a contact time are"
            said = f"{to_series(np.array([moment]))[0]}, their hour and weekday of contact as not known"
            self.ledger.notes[f"{who} read as of"] = f"{said}{self.moment.ahead}"
            contacted = Times(np.where(waiting, moment, contacted.us), contacted.date_only & ~waiting, contacted.bad)
        if self.schema is not None and not self.schema.has_hour:  # the model knows days only
            there = ~contacted.missing
            midnight = np.where(waiting, -(-contacted.us // DAY_US), contacted.us // DAY_US) * DAY_US
            contacted = Times(np.where(there, midnight, NONE), there, contacted.bad)
        return contacted

    def _now(self, size: int) -> Times:
        """The moment of scoring for all, as for leads that were not contacted yet."""
        return self._contact_times(Times(np.full(size, NONE), np.zeros(size, bool), np.zeros(size, bool)))

    def _labels(self, contacts: Contacts, contacted: Times, by_reply: bool, raw: RawLeads) -> np.ndarray:
        """(N,) float64 labels, and notes on how they were made."""
        if not self.labelled:
            return np.full(len(contacts.lead_id), np.nan)
        if not by_reply or contacts.replied is None:
            label = np.full(len(contacts.lead_id), np.nan) if contacts.label is None else contacts.label
            self.ledger.notes["label"] = f"{raw.names['label']} as given"
            self.ledger.notes["label unknown"] = int(np.isnan(label).sum())
            return label
        replied = contacts.replied.settled()
        observed = self.moment.end([("contact", contacted), ("reply", replied)])
        positive = None
        if contacts.sentiment is not None:
            positive = read_sentiment(contacts.sentiment, replied, self.field_map.positive, str(self.leads[0]))
        made = from_replies(contacted, replied, positive, window_days=self.window_days, observed=observed)
        note_labels(
            made,
            contacts.lead_id,
            contacted,
            replied,
            window_days=self.window_days,
            observed=observed,
            ledger=self.ledger,
        )
        return made.label

    def _new_schema(self, raw: RawLeads, contacted: Times, has_time: bool, by_reply: bool) -> Schema:
        self._check_names(raw)
        types = type_columns(raw.profile, self.field_map)
        used = ("replied_at", "sentiment") if by_reply else ("label",)
        others = [raw.names[role] for role in OUTCOMES if role in raw.names and role not in used]
        left_out = dict.fromkeys([*others, *raw.outcomes] if self.labelled else [], "another form of the label")
        left_out |= dict.fromkeys(filter(is_recipient, types), "whom a message goes to")
        if not has_time:
            dates = [name for name, kind in types.items() if kind == "date"]
            left_out |= dict.fromkeys(dates, "a date, and no contact time to measure it from")
        return Schema(
            columns=types,
            window_days=self.window_days,
            has_time=has_time,
            has_hour=has_time and bool((~contacted.date_only).mean() >= 0.5) if len(contacted.us) else False,
            after_contact=raw.after_contact,
            left_out=left_out,
            same_day=self.same_day,
            field_map=self.field_map.to_dict(),
            dot_thousands=dot_thousands(raw.profile, types, self.field_map),
        )

    def _check_names(self, raw: RawLeads) -> None:
        """Raises InputError for a type given to no column; a column to be left out that isn't there is a note."""
        columns = [*raw.names.values(), *raw.profile.column_names, *raw.after_contact, *raw.outcomes]
        columns += raw.consent.column_names
        typed = self.field_map.naming_nothing(self.field_map.types, columns)
        if typed:
            raise InputError(
                f"{self.leads[0]}: has no column {', '.join(typed)}, which [types] of the field map gives a type; "
                "correct the name there, or take it out"
            )
        after = self.field_map.naming_nothing(self.field_map.after_contact, columns)
        if after:
            self.ledger.notes["after_contact of the field map names what is no column"] = ", ".join(after)

    def _signals(self, lead_ids: np.ndarray, contacted: Times) -> tuple[pd.DataFrame, np.ndarray]:
        """The signals frame and the offsets of contacts sorted by time."""
        if self.log is None:
            at = to_series(np.zeros(0, np.int64))
            kind = pd.Categorical([], dtype=pd.CategoricalDtype(pd.Index([], dtype="str")))
            columns = {"row": np.zeros(0, np.int64), "at": at, "age_hours": np.zeros(0), "kind": kind}
            return pd.DataFrame(columns), np.zeros(len(lead_ids) + 1, np.int64)
        seen = see(self.log, lead_ids, contacted, self.same_day, self.ledger)
        row = np.repeat(np.arange(len(lead_ids), dtype=np.int64), np.diff(seen.offsets))
        frame = self.log.frame(seen.places)
        frame.insert(0, "row", row)
        frame.insert(2, "age_hours", (seen.moments[row] - self.log.at[seen.places]) / HOUR_US)
        return frame, seen.offsets


def _of_the_lead(earlier: np.ndarray, lead_id: np.ndarray) -> np.ndarray:
    """When each row's lead was contacted last (N,), NONE for never: by whichever of its rows."""
    return pd.Series(earlier).groupby(lead_id).transform("max").to_numpy()  # NONE is below any other


def _whole(order: np.ndarray) -> np.ndarray:
    """(N,) int64: running numbers as they are, or their ranks where they have fractions."""
    if (order % 1 == 0).all() and (np.abs(order) < 2**53).all():
        return order.astype(np.int64)
    return np.unique(order, return_inverse=True)[1].astype(np.int64)
