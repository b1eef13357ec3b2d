"""Labels: the window, maturity and what leaves a label unknown, case by case and against plain Python."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads.cells import read_strings
from tinyscout.leads.labels import Observed, from_replies, read_sentiment
from tinyscout.leads.times import DAY_US, Times, read_times


def times(*values) -> Times:
    return read_times(pa.array([None if value is None else str(value) for value in values]), [""])


def label(contacted, replied, observed, window=30.0, positive=None):
    made = from_replies(
        times(contacted), times(replied), positive, window_days=window, observed=Observed.parse(observed)
    )
    return made.label[0]


CASES = [  # contact, reply, observed until, label
    ("2025-01-01T10:00", "2025-01-05T10:00", "2025-03-01", 1.0),
    ("2025-01-01T10:00", "2025-01-31T10:00", "2025-03-01", 1.0),  # the last moment of the window
    ("2025-01-01T10:00", "2025-01-31T10:01", "2025-03-01", 0.0),  # a later reply is a negative
    ("2025-01-01T10:00", None, "2025-03-01", 0.0),
    ("2025-01-01T10:00", None, "2025-01-31T10:00", 0.0),  # the window is just over
    ("2025-01-01T10:00", None, "2025-01-31T09:59", np.nan),
    ("2025-01-01T10:00", "2025-01-02T10:00", "2025-01-20", np.nan),  # an early reply of a young contact
    ("2025-01-01T10:00", "2024-12-31T10:00", "2025-03-01", np.nan),  # replied before contact
    ("2025-01-01T10:00", "2025-01-01", "2025-03-01", 1.0),  # a bare date of the same day is no reply before contact
    ("2025-01-01T23:00", "2025-01-31", "2025-03-01", 1.0),  # whole days where there is no clock
    ("2025-01-01", "2025-01-31T23:00", "2025-03-01", 1.0),
    ("2025-01-01", "2025-02-01T00:01", "2025-03-01", 0.0),
    ("2025-01-01", None, "2025-01-31", 0.0),  # a bare date is observed until its end
    ("2025-01-01", None, "2025-01-30", np.nan),
    ("2025-01-01", "2024-12-31", "2025-03-01", np.nan),
]


@pytest.mark.parametrize("case", CASES)
def test_the_window_and_maturity(case):
    *given_, expected = case
    np.testing.assert_equal(label(*given_), expected)


@given(st.integers(0, 100), st.one_of(st.none(), st.integers(-20, 120)), st.integers(0, 200), st.integers(1, 60))
def test_labels_agree_with_plain_python(contact, wait, observed, window):
    start = dt.datetime(2025, 1, 1, 12, tzinfo=dt.UTC)
    contacted = start + dt.timedelta(hours=6 * contact)
    replied = None if wait is None else contacted + dt.timedelta(hours=6 * wait)
    until = start + dt.timedelta(hours=6 * observed)
    expected = 0.0
    if contacted + dt.timedelta(days=window) > until or (replied is not None and replied < contacted):
        expected = np.nan
    elif replied is not None and replied - contacted <= dt.timedelta(days=window):
        expected = 1.0
    found = label(contacted.isoformat(), None if replied is None else replied.isoformat(), until, window)
    np.testing.assert_equal(found, expected)


def test_sentiment_decides_what_counts_as_a_reply():
    replied = times("2025-01-02T10:00", "2025-01-02T10:00", "2025-01-02T10:00", None)
    sentiment = read_strings(pa.array(["Positive", "not interested", "", None]), [""])
    positive = read_sentiment(sentiment, replied, ["positive"], "a.csv")
    made = from_replies(
        times(*["2025-01-01T10:00"] * 4), replied, positive, window_days=30, observed=Observed.parse("2025-06-01")
    )
    np.testing.assert_array_equal(made.label, [1, 0, np.nan, 0])
    assert made.unclear.tolist() == [False, False, True, False]


def test_sentiments_without_any_positive_word_are_refused():
    replied = times(*["2025-01-02T10:00"] * 20)
    sentiment = read_strings(pa.array(["froh"] * 20), [""])
    with pytest.raises(InputError, match="no reply has a positive sentiment"):
        read_sentiment(sentiment, replied, ["positive"], "a.csv")


def test_a_lone_latest_moment_is_suspected_of_a_typing_error():
    contacts, typo = times("2025-01-01", "2025-01-03"), times("2099-01-01")
    observed = Observed.latest([("contact", contacts), ("reply", typo)])
    assert observed.us == typo.us[0] + DAY_US
    assert "the latest reply, 27,026 days after any other time stamp" in str(observed)
    assert "any other" not in str(Observed.latest([("contact", contacts), ("reply", times("2025-02-28"))]))
    assert "any other" not in str(Observed.latest([("contact", times("2025-01-01"))]))


def test_the_latest_moment_is_found_over_all_columns():
    observed = Observed.latest([("contact", times("2025-01-01T10:00", None)), ("reply", times("2025-01-01"))])
    assert str(observed) == "2025-01-02 00:00:00+00:00 (the latest reply)"
    with pytest.raises(InputError, match='observed_until is "soon"'):
        Observed.parse("soon")
