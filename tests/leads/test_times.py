"""Moments: every way of writing one gives the same microsecond, and a date is known from a moment."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.leads.times import NONE, read_times, shown, to_series

MOMENT = pd.Timestamp("2025-02-28T09:30:15Z")
SAME = [
    "2025-02-28T09:30:15Z",
    "2025-02-28T09:30:15+00:00",
    "2025-02-28T11:30:15+02:00",
    "2025-02-28T11:30:15+0200",
    "2025-02-28 04:00:15-05:30",
    "2025-02-28 09:30:15",
    "2025/02/28 09:30:15",
    "2025-02-28 09:30:15 UTC",
    "2025-02-28T09:30:15.000000Z",
    "1740735015",
    "1740735015.0",
    "1740735015000",
    "1740735015000000",
    "1740735015000000000",
]


def one(value, **options):
    return read_times(pa.array([value]), [""], **options)


@pytest.mark.parametrize("text", SAME)
def test_all_ways_to_write_a_moment_agree(text):
    times = one(text)
    assert times.us[0] == MOMENT.value // 1000
    assert not times.date_only[0]
    assert not times.bad[0]


def test_typed_columns_agree_with_text():
    naive = MOMENT.tz_localize(None)
    for column in (
        pa.array([1740735015, None]),
        pa.array([1740735015.0, None]),
        pa.array([naive.to_pydatetime(), None], pa.timestamp("us")),
        pa.array([MOMENT.to_pydatetime(), None], pa.timestamp("ns", "UTC")),
        pa.array([MOMENT.tz_convert("Asia/Kolkata").to_pydatetime(), None], pa.timestamp("us", "Asia/Kolkata")),
        pa.array([SAME[0], None]).dictionary_encode(),
    ):
        times = read_times(column, [""])
        assert times.us.tolist() == [MOMENT.value // 1000, NONE]
        assert times.bad.tolist() == [False, False]


@pytest.mark.parametrize("value", ["2025-02-28", "20250228", "2025/02/28", dt.date(2025, 2, 28), 20250228])
def test_a_bare_date_is_midnight_and_known_as_a_date(value):
    times = one(value)
    assert to_series(times.us)[0] == pd.Timestamp("2025-02-28", tz="UTC")
    assert times.date_only[0]
    assert shown(times, 0) == "2025-02-28"


@pytest.mark.parametrize("value", ["31/02/2025", "2025-02-30", "2025-13-01", "soon", "45000", "2025", "-1", 5, 45000])
def test_what_is_no_moment_is_bad(value):
    times = one(value)
    assert times.bad[0]
    assert times.us[0] == NONE


def test_empty_cells_are_missing_and_not_bad():
    times = read_times(pa.array(["", None, "n/a"]), ["", "n/a"])
    assert times.missing.all()
    assert not times.bad.any()


def test_named_formats_are_tried_after_the_known_ones():
    column = pa.array(["28/02/2025 09:30", "03/04/2025", "2025-02-28T09:30:15Z", "nonsense"])
    times = read_times(column, [""], ["%d/%m/%Y %H:%M", "%d/%m/%Y"])
    expected = ["2025-02-28 09:30:00+00:00", "2025-04-03 00:00:00+00:00", "2025-02-28 09:30:15+00:00", "NaT"]
    assert [str(stamp) for stamp in to_series(times.us)] == expected
    assert times.date_only.tolist() == [False, True, False, False]


def test_a_column_of_midnights_is_a_column_of_dates():
    midnights = pa.array(["2025-02-28 00:00:00", "2025-03-01T00:00:00Z", None])
    assert read_times(midnights, [""]).settled().date_only.tolist() == [True, True, False]
    mixed = pa.array(["2025-02-28 00:00:00", "2025-03-01T00:00:01Z"])
    assert not read_times(mixed, [""]).settled().date_only.any()


@given(st.datetimes(dt.datetime(1973, 4, 1), dt.datetime(2200, 1, 1), timezones=st.timezones()))
def test_iso_text_of_any_zone_is_read_exactly(moment):
    text = moment.isoformat()
    if moment.utcoffset().total_seconds() % 60:  # local mean time before zones had whole minutes
        return
    expected = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    assert one(text).us[0] == expected


@given(st.integers(100_000_000, 99_999_999_999))
def test_epoch_seconds_as_text_and_as_numbers_agree(seconds):
    if 19_000_101 <= seconds < 21_000_000:
        return
    assert one(seconds).us[0] == one(str(seconds)).us[0] == seconds * 1_000_000


def test_distinct_and_repeated_values_give_the_same():
    texts = np.array(SAME * 3 + ["bad", ""], dtype=object)
    together = read_times(pa.array(texts), [""])
    alone = [one(text).us[0] for text in texts]
    assert together.us.tolist() == alone
