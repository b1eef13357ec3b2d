"""The label: did a positive reply come within the window after contact, and is that known yet.

A later reply is a negative. A contact whose window isn't over at the end of observation is neither, even if a reply is
in already: keeping the early replies of young contacts and dropping the rest would flatter the young. A reply before
the contact, or one of unknown sentiment, leaves the label unknown: the row is read and scored, and never trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from tinyscout.errors import ArgumentError, InputError
from tinyscout.leads.cells import Coded
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.times import DAY_US, EXPECTED, NONE, Times, day, read_times, shown, to_series

LONE_DAYS = 60
"""A latest time stamp this much later than all others is suspected of a typing error: it would make young leads mature
and negative."""
FRESH_DAYS = 30  # an export of leads to be written to that is no older is read as of today


@dataclass(frozen=True)
class Observed:
    """The end of observation: us microseconds since 1970, the last moment at which a reply would have been seen.

    given: by the user; ends_day: it is the midnight after a date without a clock time, and not a moment itself.
    """

    us: int
    source: str
    given: bool = False
    ends_day: bool = False

    def __str__(self) -> str:
        return f"{to_series(np.array([self.us]))[0]} ({self.source})"

    @classmethod
    def parse(cls, value: str | datetime) -> Observed:
        """The end of observation a user names; a bare date ends with its day. Raises InputError when it is no date."""
        times = read_times(pa.array([value if isinstance(value, datetime) else str(value)]), ())
        if times.missing[0]:
            said = f'is "{value}", which is no date; expected {EXPECTED}'
            raise ArgumentError("leads", "observed_until", said)
        return cls(int(times.us[0]) + (DAY_US if times.date_only[0] else 0), "as given", given=True)

    @classmethod
    def latest(cls, found: Iterable[tuple[str, Times]]) -> Observed:
        """The latest moment of named columns; a date without a clock time ends with its day."""
        best, runner_up = cls(NONE, "no time stamp at all"), NONE
        for source, times in found:
            there = ~times.missing
            for us in np.unique((times.us + np.where(times.date_only, DAY_US, 0))[there])[-2:].tolist():
                if us > best.us:
                    ends_day = not (us == times.us[there & ~times.date_only]).any()
                    best, runner_up = cls(us, f"the latest {source}", ends_day=ends_day), best.us
                elif us < best.us:
                    runner_up = max(runner_up, us)
        days = (best.us - runner_up) // DAY_US
        if runner_up > NONE and days > LONE_DAYS:
            remedy = "if that is a typing error, mend it or pass --observed-until"
            return replace(best, source=f"{best.source}, {days:,} days after any other time stamp: {remedy}")
        return best

    def caught_up(self, clock: int) -> Observed:
        """Today by a clock (microseconds since 1970) where that is at most FRESH_DAYS later and nothing was given, and
        where nothing has a date.

        Whoever is written to on Monday by an export of Friday did nothing "in the last day".
        """
        if self.given or not (self.us == NONE or 0 < clock - self.us <= FRESH_DAYS * DAY_US):
            return self
        us = -(-clock // DAY_US) * DAY_US if self.ends_day else clock
        return replace(self, us=us, source="today by this computer's clock")


@dataclass(frozen=True)
class Labels:
    """label (N,) float64, NaN where not known. The masks (N,) say why, or what was seen on the way."""

    label: np.ndarray
    immature: np.ndarray
    before: np.ndarray  # replied before contact
    late: np.ndarray  # replied after the window
    unclear: np.ndarray  # replied, sentiment empty


def from_replies(
    contacted: Times, replied: Times, positive: np.ndarray | None, *, window_days: float, observed: Observed
) -> Labels:
    """Labels from reply times.

    positive (N,) float64 is 1, 0, or NaN where the sentiment of a reply is empty; None if every reply is positive.
    Days to reply are counted in whole days where either moment has only a date.
    """
    there = ~replied.missing
    by_day = contacted.date_only | replied.date_only
    start = np.where(by_day, day(contacted.us) * DAY_US, contacted.us)
    reply = np.where(by_day, day(replied.us) * DAY_US, replied.us)
    window = int(window_days * DAY_US)
    before = there & (reply < start)
    late = there & (reply - start > window)
    ends = contacted.us + window + np.where(contacted.date_only, DAY_US, 0)
    immature = ends > observed.us
    meant = np.ones(len(start)) if positive is None else positive
    unclear = there & ~before & ~late & np.isnan(meant)
    label = np.where(there & ~late & (meant == 1), 1.0, 0.0)
    label[before | unclear | immature] = np.nan
    return Labels(label, immature, before, late, unclear)


def read_sentiment(sentiment: Coded, replied: Times, words: Iterable[str], where: str) -> np.ndarray:
    """(N,) 1 where the sentiment is one of the positive words, 0 where another, NaN where empty.

    Raises InputError when replies have sentiments and none of them is a positive word: then the words are wrong.
    """
    known = {word.casefold() for word in words}
    positive = np.array([float(value.casefold() in known) for value in sentiment.values] + [np.nan])[sentiment.codes]
    on_replies = sentiment.codes[~replied.missing & ~sentiment.missing]
    if len(on_replies) >= 20 and not (positive[~replied.missing] == 1).any():
        found = ", ".join(str(value) for value in sentiment.values[np.unique(on_replies)][:6])
        raise InputError(
            f"{where}: no reply has a positive sentiment (found {found}); name the words that mean positive in the "
            'field map, [reading] positive = ["..."]'
        )
    return positive


def note_labels(
    made: Labels,
    lead_ids: np.ndarray,
    contacted: Times,
    replied: Times,
    *,
    window_days: float,
    observed: Observed,
    ledger: Ledger,
) -> None:
    """Book how the labels were made, with examples of replies before contact."""
    ledger.notes["label"] = f"positive reply within {window_days:g} days of contact"
    ledger.notes["observed until"] = str(observed)
    ledger.notes["window not over"] = int(made.immature.sum())
    ledger.notes["replied after the window (negative)"] = int(made.late.sum())
    ledger.notes["replied before contact (label unknown)"] = int(made.before.sum())
    ledger.notes["reply of unknown sentiment (label unknown)"] = int(made.unclear.sum())
    for row in np.flatnonzero(made.before)[:5].tolist():
        record = {"contacted_at": shown(contacted, row), "replied_at": shown(replied, row)}
        ledger.example("replied before contact", {"lead_id": lead_ids[row], **record})
