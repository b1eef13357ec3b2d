"""The lead tables every other room reads: one row a contact, and the signals seen strictly before it.

Signals of contact i are rows offsets[i]:offsets[i+1] of the signals frame, oldest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tinyscout.leads.account import Account
from tinyscout.leads.schema import Schema

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class LeadTables:
    """N contacts with their S signals, sorted by time.

    leads: RangeIndex, sorted by (contacted_at, order). Columns contact_id (str, unique), lead_id (str), contacted_at
      (datetime64[us, UTC], NaT where the export has no time), not_contacted (bool, only where it holds for some: nobody
      knows yet when, and contacted_at is the moment they are scored as of), earlier_contact (datetime64[us, UTC], only
      where all are read as of now: when a lead was contacted already), earlier_reply (str), earlier_reply_at
      (datetime64[us, UTC]), earlier_reply_positive (boolean) and earlier_reply_judged (bool), only there and where a
      column tells: see replies.py, order (int64), replied_at (datetime64[us, UTC], only where the label was made from
      it), label (float64: 1 reply in the window, 0 none, NaN not known yet), no_consent_email and no_consent_linkedin
      (str, each only where the export has a column of consent for it: why the lead may not be written to, "" where it
      may), recipient_name, recipient_first, recipient_email, several_people, rejected_row, stage_forbids, student_by,
      notes_forbid, columns_said, email_bounced and ahead_forbids (str), last_contact (datetime64[us, UTC]; all of these
      only where all are read as of now and the export has them: see recipients.py, rejected_rows.py, stages.py,
      lead_notes.py, crm_outreach.py and planned.py), same_person, same_person_forbids (str) and own_contact (only once
      leads with one address were read as one: see same_person.py), then profile columns under their own names: number
      float64, category and constant pandas categorical of str, text and identifier str, date datetime64[us, UTC];
      missing is NaN, NA or NaT.
    signals: sorted by (row, at). Columns row (int64 into leads), at (datetime64[us, UTC]), age_hours (float64, > 0),
      kind (categorical of str), channel (categorical) and text (str, NA for none) where the export has them.
    offsets: (N+1,) int64.
    """

    leads: pd.DataFrame
    signals: pd.DataFrame
    offsets: np.ndarray
    schema: Schema
    account: Account

    def __len__(self) -> int:
        return len(self.leads)

    @property
    def labels(self) -> np.ndarray:
        """(N,) float64: 1.0 reply in the window, 0.0 none, NaN immature or unknown."""
        return self.leads["label"].to_numpy(np.float64)

    @property
    def mature(self) -> np.ndarray:
        """(N,) bool: the label is known."""
        return ~np.isnan(self.labels)

    def take(self, rows: np.ndarray) -> LeadTables:
        """The tables of some contacts, in the order given; rows (M,) integer positions, repeats allowed."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            raise TypeError("LeadTables.take: got a boolean mask; needs row positions: np.flatnonzero(mask)")
        rows = rows.astype(np.int64)
        places, offsets = gather_ranges(self.offsets[rows], self.offsets[rows + 1])
        signals = self.signals.iloc[places].reset_index(drop=True)
        signals["row"] = np.repeat(np.arange(len(rows)), np.diff(offsets))
        leads = self.leads.iloc[rows].reset_index(drop=True)
        return LeadTables(leads, signals, offsets, self.schema, self.account)

    @classmethod
    def from_frames(
        cls, leads: pd.DataFrame, signals: pd.DataFrame, schema: Schema, account: Account | None = None
    ) -> LeadTables:
        """Sort two frames by time and index them; signals carry `row`, the position of their contact in `leads`.

        Computes offsets and age_hours. Raises ValueError when a signal is not strictly before its contact.
        """
        by = ["contacted_at", "order"] if schema.has_time else ["order"]
        order = leads.reset_index(drop=True).sort_values(by, kind="stable").index.to_numpy()
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        leads = leads.iloc[order].reset_index(drop=True)

        signals = signals.assign(row=place[signals["row"].to_numpy(np.int64)])
        at = microseconds(signals["at"])
        by_time = np.lexsort((at, signals["row"].to_numpy()))
        signals = signals.iloc[by_time].reset_index(drop=True)
        row = signals["row"].to_numpy()
        if len(signals):
            age = (microseconds(leads["contacted_at"])[row] - at[by_time]) / HOUR_US
            if not (age > 0).all():
                raise ValueError(f"LeadTables: {(age <= 0).sum()} signals are not strictly before their contact")
        else:
            age = np.zeros(0)
        signals["age_hours"] = age
        offsets = np.searchsorted(row, np.arange(len(leads) + 1)).astype(np.int64)
        account = account or Account(len(leads), len(leads), len(signals), len(signals))
        return cls(leads, signals, offsets, schema, account)


def microseconds(times: Any) -> np.ndarray:
    """(N,) int64 microseconds since 1970 of a datetime64[us, UTC] series; NaT is the lowest int64."""
    return times.astype("datetime64[us, UTC]").astype(np.int64).to_numpy()


def gather_ranges(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate ranges starts[i]:ends[i] -> (places (S,) int64, offsets (M+1,) int64)."""
    lengths = ends - starts
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    return places, offsets
