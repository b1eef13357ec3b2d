"""Splits by their properties: no training label overlaps the test, no lead on both sides, only known labels."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads import LeadTables, Schema
from tinyscout.leads.splits import latest_slices, of_other_leads, random_split, time_split

DAY = pd.Timedelta(days=1)


def tables_of(days, leads, labels, *, has_time=True, has_hour=True, window=30.0) -> LeadTables:
    size = len(days)
    at = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.asarray(days, float), unit="D")
    frame = pd.DataFrame(
        {
            "contact_id": [f"c{i}" for i in range(size)],
            "lead_id": [f"l{lead}" for lead in leads],
            "contacted_at": pd.Series(at if has_time else pd.DatetimeIndex([pd.NaT] * size, tz="UTC")).astype(
                "datetime64[us, UTC]"
            ),
            "order": np.asarray(days, np.int64),
            "label": np.asarray(labels, float),
        }
    )
    none = pd.Series(pd.DatetimeIndex([], tz="UTC")).astype("datetime64[us, UTC]")
    signals = pd.DataFrame({"row": np.zeros(0, int), "at": none, "kind": pd.Categorical([])})
    return LeadTables.from_frames(frame, signals, Schema({}, window_days=window, has_time=has_time, has_hour=has_hour))


def clock(tables: LeadTables, rows) -> pd.Series:
    return tables.leads["contacted_at"].iloc[rows]


rows_strategy = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 60), st.sampled_from([0.0, 1.0, np.nan])), min_size=1, max_size=80
)


@given(rows_strategy, st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from([None, 0.0, 7.0]))
def test_a_time_split_keeps_its_promises(rows, holdout, gap_days):
    days, leads, labels = zip(*rows, strict=True)
    tables = tables_of(days, leads, labels)
    try:
        split = time_split(tables, holdout=holdout, gap_days=gap_days)
    except InputError as error:
        assert "needs both" in str(error)
        return
    together = np.concatenate([split.train, split.test, split.gap])
    assert sorted(together) == np.flatnonzero(tables.mature).tolist()  # each mature row once, no other
    gap = (30.0 if gap_days is None else gap_days) * DAY
    assert clock(tables, split.train).max() + gap <= clock(tables, split.test).min()
    lead = tables.leads["lead_id"]
    assert not set(lead.iloc[split.train]) & set(lead.iloc[split.test])
    for part in (split.train, split.test, split.gap):
        assert (np.diff(part) > 0).all()


def test_the_share_held_out_is_the_latest():
    tables = tables_of(range(100), range(100), [0, 1] * 50, window=10)
    split = time_split(tables)
    assert split.test.tolist() == list(range(80, 100))
    assert split.train.tolist() == list(range(71))  # contact 70 is known on day 80, when the test begins
    assert split.gap.tolist() == list(range(71, 80))


def test_a_label_by_days_is_known_when_its_last_day_is_over():
    tables = tables_of(range(100), range(100), [0, 1] * 50, window=10, has_hour=False)
    assert time_split(tables).train.tolist() == list(range(70))  # a reply to contact 70 on day 80 counts


def test_contacts_of_one_moment_stay_together():
    tables = tables_of([0] * 50 + [5] * 50, range(100), [0, 1] * 50, window=1)
    split = time_split(tables, holdout=0.2)
    assert split.test.tolist() == list(range(50, 100))


def test_without_time_order_decides_and_there_is_no_gap():
    tables = tables_of(range(10), range(10), [0, 1] * 5, has_time=False)
    split = time_split(tables)
    assert (split.train.tolist(), split.test.tolist(), split.gap.tolist()) == (list(range(8)), [8, 9], [])


def test_a_lead_contacted_again_leaves_training_for_the_test():
    tables = tables_of(range(0, 1000, 10), [*range(90), *range(10)], [0, 1] * 50, window=1)
    split = time_split(tables, holdout=0.1)
    assert split.test.tolist() == list(range(90, 100))
    assert split.gap.tolist() == list(range(10))


def test_leads_that_come_in_every_month_are_dealt_out():
    months, leads = np.divmod(np.arange(1000), 100)
    tables = tables_of(months * 30, leads, np.arange(1000) % 2, window=30)
    split = time_split(tables, holdout=0.2)
    assert len(split.train) > 400
    assert len(split.test) >= 20
    lead = tables.leads["lead_id"]
    assert not set(lead.iloc[split.train]) & set(lead.iloc[split.test])


def test_rows_of_other_leads_are_of_no_lead_that_is_known():
    tables = tables_of(range(8), [0, 1, 2, 0, 3, 2, 4, 4], [0, 1] * 4)
    assert of_other_leads(tables, np.array([3, 4, 5, 6, 7]), np.array([0, 1, 2])).tolist() == [4, 6, 7]
    assert of_other_leads(tables, np.array([3, 4]), np.array([], np.int64)).tolist() == [3, 4]


def test_a_side_left_empty_is_an_error():
    with pytest.raises(InputError, match="0 left to train on"):
        time_split(tables_of(range(20), range(20), [0, 1] * 10))
    with pytest.raises(InputError, match="above 0 and below 1"):
        time_split(tables_of(range(20), range(20), [0, 1] * 10), holdout=1.0)


@given(rows_strategy, st.sampled_from([(0.2,), (0.1, 0.1), (0.3, 0.2)]))
def test_slices_are_in_time_order_and_share_no_lead(rows, fractions):
    days, leads, labels = zip(*rows, strict=True)
    tables = tables_of(days, leads, labels)
    chosen = np.arange(len(tables))[::2]
    try:
        slices = latest_slices(tables, chosen, fractions)
    except InputError as error:
        assert "needs rows in each" in str(error)
        return
    assert len(slices) == len(fractions) + 1
    lead = tables.leads["lead_id"]
    for earlier, later in pairwise(slices):
        assert clock(tables, earlier).max() < clock(tables, later).min()
        assert not set(lead.iloc[earlier]) & set(lead.iloc[later])
    assert set(np.concatenate(slices)) <= set(chosen) & set(np.flatnonzero(tables.mature))


def test_slices_have_the_shares_asked_for():
    tables = tables_of(range(1000), range(1000), [0, 1] * 500)
    assert [len(part) for part in latest_slices(tables, np.arange(1000), (0.12, 0.1))] == [780, 120, 100]
    with pytest.raises(InputError, match="leave nothing"):
        latest_slices(tables, np.arange(1000), (0.5, 0.5))


def test_a_random_split_is_blind_to_time_and_seeded():
    tables = tables_of(range(200), [0] * 200, [0, 1, np.nan, 1] * 50)
    split = random_split(tables, holdout=0.25, seed=3)
    assert len(split.test) == 38
    assert sorted([*split.train, *split.test]) == np.flatnonzero(tables.mature).tolist()
    assert split.test.min() < split.train.max()
    np.testing.assert_array_equal(split.test, random_split(tables, holdout=0.25, seed=3).test)
