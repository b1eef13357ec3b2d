"""As of the moment of contact: which signals a contact may see, and which dates of its profile.

Only what was known strictly before. Where the contact or the signal has a date and no clock time, their order within a
day is unknown: signals of that day are dropped, or kept if the user says so, and then the contact counts as made at the
end of its day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads.ledger import Ledger
from tinyscout.leads.schema import SameDay
from tinyscout.leads.signal_log import AFTER, FATES, KEPT, SAME_DAY, SignalLog
from tinyscout.leads.tables import gather_ranges
from tinyscout.leads.times import DAY_US, Times, day, shown

_MOST_PAIRS = 100_000_000


@dataclass(frozen=True)
class Seen:
    """places (P,) into the log of the signals each contact may see; those of contact i are offsets[i]:offsets[i+1].

    moments (N,) int64 microseconds: when each contact counts as made; signal ages are measured to it.
    """

    places: np.ndarray
    offsets: np.ndarray
    moments: np.ndarray


def see(log: SignalLog, lead_ids: np.ndarray, contacted: Times, same_day: SameDay, ledger: Ledger) -> Seen:
    """The signals of each contact's lead strictly before the contact, oldest first; writes each signal's fate.

    A lead's signals are sorted, so what a contact may see is the beginning of them, found by bisection: memory grows
    with what is kept and not with contacts times signals. Raises InputError when even that is beyond reason.
    """
    keep = same_day == "keep"
    moments = contacted.us + np.where(contacted.date_only & keep, DAY_US, 0)
    codes = log.codes_of(lead_ids)
    has = codes >= 0
    starts = np.where(has, log.starts[np.maximum(codes, 0)], 0)
    ends = np.where(has, log.starts[np.maximum(codes, 0) + 1], 0)
    limits = bisect(log.at, starts, ends, moments)
    _refuse_flood(starts, limits, lead_ids, len(log))

    hidden, hidden_offsets = gather_ranges(limits, ends)
    hidden_owner = np.repeat(np.arange(len(codes)), np.diff(hidden_offsets))
    unsure = _unsure(log, hidden, contacted, hidden_owner)
    fates = np.where(unsure & (not keep), SAME_DAY, AFTER).astype(np.uint8)

    places, offsets = gather_ranges(starts, limits)
    if not keep and log.date_only.any():
        owner = np.repeat(np.arange(len(codes)), np.diff(offsets))
        unsure = _unsure(log, places, contacted, owner)
        hidden = np.concatenate([hidden, places[unsure]])
        hidden_owner = np.concatenate([hidden_owner, owner[unsure]])
        fates = np.concatenate([fates, np.full(int(unsure.sum()), SAME_DAY, np.uint8)])
        places, owner = places[~unsure], owner[~unsure]
        offsets = np.searchsorted(owner, np.arange(len(codes) + 1)).astype(np.int64)
    np.maximum.at(log.fate, hidden, fates)
    log.fate[places] = KEPT
    _keep_examples(log, hidden, hidden_owner, lead_ids, contacted, ledger)
    return Seen(places, offsets, moments)


def bisect(values: np.ndarray, starts: np.ndarray, ends: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(N,) first place in starts[i]:ends[i] whose value is >= limits[i]; each range of `values` is sorted."""
    low, high = starts.copy(), ends.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        below = np.zeros(len(low), bool)
        below[open_] = values[middle[open_]] < limits[open_]
        low = np.where(below, middle + 1, low)
        high = np.where(open_ & ~below, middle, high)
    return low


def after_contact(dates: Times, contacted: Times) -> np.ndarray:
    """(N,) bool: a profile date lies after the contact; by day where either has no clock time."""
    by_day = dates.date_only | contacted.date_only
    later = np.where(by_day, day(dates.us) > day(contacted.us), dates.us > contacted.us)
    return later & ~dates.missing & ~contacted.missing


def _unsure(log: SignalLog, places: np.ndarray, contacted: Times, owner: np.ndarray) -> np.ndarray:
    """(P,) bool: signal and contact are of one day and at least one of them has no clock time."""
    vague = log.date_only[places] | contacted.date_only[owner]
    return vague & (day(log.at[places]) == day(contacted.us[owner]))


def _keep_examples(
    log: SignalLog, hidden: np.ndarray, owner: np.ndarray, lead_ids: np.ndarray, contacted: Times, ledger: Ledger
) -> None:
    """A few of the signals that no contact may see, by reason."""
    for fate in (AFTER, SAME_DAY):
        if not ledger.wants_example(FATES[fate]):
            continue
        for some in np.flatnonzero(log.fate[hidden] == fate)[:5].tolist():
            place, contact = int(hidden[some]), int(owner[some])
            ledger.example(
                FATES[fate],
                {
                    "lead_id": lead_ids[contact],
                    "contacted_at": shown(contacted, contact),
                    "at": shown(Times(log.at, log.date_only, log.date_only), place),
                    "kind": str(log.kinds.categories[log.kind[place]]),
                    "where": ledger.place(int(log.file[place]), int(log.line[place])),
                },
            )


def _refuse_flood(starts: np.ndarray, limits: np.ndarray, lead_ids: np.ndarray, signals: int) -> None:
    pairs = int((limits - starts).sum())
    if pairs <= max(_MOST_PAIRS, 2 * signals):
        return
    names, codes = np.unique(lead_ids.astype(str), return_inverse=True)
    worst = names[np.argmax(np.bincount(codes, weights=limits - starts))]
    raise InputError(
        f'leads: its contacts would see {pairs:,} signals in all, most of them by lead_id "{worst}", which has many '
        "contacts and many signals; check that lead_id names single leads"
    )
