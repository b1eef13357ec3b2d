"""Splits by time: train on the past, judge on what came later, with a gap as long as the label window between.

The label of a training lead is known a window after its contact; without the gap it would be made of days that the
test leads are judged on. A lead that was contacted twice stays on one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads.tables import LeadTables, microseconds
from tinyscout.leads.times import DAY_US


@dataclass(frozen=True)
class Split:
    """Row positions (int64, in time order) for training and test; gap: mature rows in neither."""

    train: np.ndarray
    test: np.ndarray
    gap: np.ndarray


def time_split(tables: LeadTables, *, holdout: float = 0.2, gap_days: float | None = None) -> Split:
    """The latest `holdout` share of the mature rows as test; rows of one moment stay together.

    gap_days: None for the label window. Where the export has no time, order stands for it and there is no gap. Training
    rows of leads that are in the test go to the gap; where that would take more than half of training, as when every
    lead is in every month, the leads on both sides are dealt out instead. Raises InputError when a side is left empty.
    """
    _check_share(holdout)
    rows = np.flatnonzero(tables.mature)
    time = _clock(tables)[rows]
    gap = 0
    if tables.schema.has_time:
        gap = int((tables.schema.window_days if gap_days is None else gap_days) * DAY_US)
    late = _latest(time, holdout)
    if late.any():
        late = time >= time[late].min()
        # a label by days isn't known before its last day is over
        known = time + gap + (0 if tables.schema.has_hour else DAY_US)
        early = known <= time[late].min() if gap else ~late
    else:
        early = late
    early, late = _apart(tables, rows, early, late, holdout)
    if not early.any() or not late.any():
        raise InputError(
            f"leads: {len(rows):,} with a known label, {int(early.sum()):,} left to train on and {int(late.sum()):,} "
            f"to test on after a gap of {gap / DAY_US:g} days; needs both: give an export over a longer time, "
            "or a shorter window"
        )
    return Split(rows[early], rows[late], rows[~early & ~late])


def latest_slices(tables: LeadTables, rows: np.ndarray, fractions: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Cut rows into the earliest and one slice for each fraction, latest last: shares of len(rows), in time order.

    For early stopping and calibration inside training; there is no gap between slices, and rows without a label are
    left out. Rows of a lead in a later slice leave the earlier ones, as in time_split. Raises InputError when a slice
    is left empty.
    """
    if sum(fractions) >= 1:
        raise InputError(f"slices: fractions {tuple(fractions)} leave nothing to train on; needs a sum below 1")
    rows = np.sort(np.asarray(rows, np.int64))
    rows = rows[tables.mature[rows]]
    total, clock = len(rows), _clock(tables)
    slices: list[np.ndarray] = []
    for fraction in reversed(fractions):
        _check_share(fraction)
        share = min(1.0, fraction * total / max(1, len(rows)))
        late = _latest(clock[rows], share)
        if late.any():
            late = clock[rows] >= clock[rows][late].min()
        early, late = _apart(tables, rows, ~late, late, share)
        slices.insert(0, rows[late])
        rows = rows[early]
    slices.insert(0, rows)
    if any(len(part) == 0 for part in slices):
        sizes = ", ".join(f"{len(part):,}" for part in slices)
        raise InputError(f"slices: {total:,} rows cut into {sizes}; needs rows in each: give more leads")
    return tuple(slices)


def of_other_leads(tables: LeadTables, rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Those of `rows` whose leads have no row in `known`: a lead may be contacted again."""
    lead = tables.leads["lead_id"].to_numpy(object)
    return rows[~np.isin(lead[rows].astype(str), lead[known].astype(str))]


def random_split(tables: LeadTables, *, holdout: float = 0.2, seed: int = 0) -> Split:
    """Mature rows dealt out at random, blind to time and lead: what flatters a model, kept to be shown as a failure."""
    _check_share(holdout)
    rows = np.flatnonzero(tables.mature)
    test = np.zeros(len(rows), bool)
    test[np.random.default_rng(seed).permutation(len(rows))[: round(holdout * len(rows))]] = True
    return Split(rows[~test], rows[test], rows[:0])


def _clock(tables: LeadTables) -> np.ndarray:
    """(N,) int64 what rows are ordered by: microseconds, or the order where there is no time."""
    if tables.schema.has_time:
        return microseconds(tables.leads["contacted_at"])
    return tables.leads["order"].to_numpy(np.int64)


def _latest(time: np.ndarray, share: float) -> np.ndarray:
    """(R,) bool: the latest `share` of the rows."""
    late = np.zeros(len(time), bool)
    count = round(share * len(time))
    if count:
        late[np.argsort(time, kind="stable")[-count:]] = True
    return late


def _apart(
    tables: LeadTables, rows: np.ndarray, early: np.ndarray, late: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """The masks without leads that are on both sides."""
    lead = np.unique(tables.leads["lead_id"].to_numpy(object)[rows].astype(str), return_inverse=True)[1]
    both = np.intersect1d(lead[early], lead[late])
    if not len(both):
        return early, late
    shared = np.isin(lead, both)
    if (early & shared).sum() <= 0.5 * early.sum():
        return early & ~shared, late
    to_late = np.random.default_rng(len(both)).permutation(both)[: max(1, round(share * len(both)))]
    goes_late = np.isin(lead, to_late)
    return early & ~(shared & goes_late), late & ~(shared & ~goes_late)


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"split: the share held out is {share}; needs a number above 0 and below 1")
