"""Cells: dirty numbers, missing markers and labels, the same from text and from typed columns."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.leads.cells import dot_sets_off_thousands, parse_numbers, read_labels, read_numbers, read_strings

NUMBERS = {
    "12": 12.0,
    "-3.5": -3.5,
    "+7": 7.0,
    ".5": 0.5,
    "1e3": 1000.0,
    "$1,200": 1200.0,
    "$ -1,200.50": -1200.5,
    "1,234,567.8": 1_234_567.8,
    "1,00,000": 100_000.0,
    "12 %": 12.0,
    "12.5%": 12.5,
    "(3.5)": -3.5,
    "1.234,56": 1234.56,
    "1.234.567": 1_234_567.0,
    "3,5": 3.5,
    "1 200": 1200.0,
    "1'200.5": 1200.5,
    "1\u00a0200": 1200.0,
    "\u20ac3.5M": 3_500_000.0,
    "$12k": 12_000.0,
    "USD 40": 40.0,
}
NOT_NUMBERS = ["Osseo", "", "5 m", "1-2", "11-50", "12 34", "+-3", "1,2,3", "1.2.3", "%", "$", "0x10", "1_000", "--5"]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_as_people_write_them(text):
    assert parse_numbers(np.array([text], dtype=object))[0] == NUMBERS[text]


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_number(text):
    assert np.isnan(parse_numbers(np.array([text], dtype=object))[0])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_every_float_python_writes_is_read_back_exactly(values):
    texts = np.array([repr(value) for value in values], dtype=object)
    np.testing.assert_array_equal(parse_numbers(texts), values)


def test_unreadable_and_endless_numbers_are_missing_and_told_apart():
    column = pa.array(["1", "Osseo", "inf", "-Infinity", "NaN", "n/a", None, "1e999", "2"])
    read = read_numbers(column, ["", "n/a"])
    np.testing.assert_array_equal(read.values, [1, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, 2])
    assert np.flatnonzero(read.unreadable).tolist() == [1]
    assert np.flatnonzero(read.not_finite).tolist() == [2, 3, 4, 7]


def test_typed_numbers_are_taken_as_they_are():
    column = pa.array([1.5, None, float("nan"), float("inf")])
    read = read_numbers(column, [""])
    np.testing.assert_array_equal(read.values, [1.5, np.nan, np.nan, np.nan])
    assert np.flatnonzero(read.not_finite).tolist() == [2, 3]
    np.testing.assert_array_equal(read_numbers(pa.array([3, None], pa.int64()), []).values, [3, np.nan])


def test_strings_are_stripped_and_markers_are_missing_whatever_their_case():
    column = pa.array(["a", " a ", "N/A", "n/a ", "", None, "b", "Select"])
    coded = read_strings(column, ["", "n/a", "select"])
    assert coded.strings().tolist() == ["a", "a", None, None, None, None, "b", None]
    assert coded.values.tolist() == ["a", "b"]
    assert coded.counts().tolist() == [2, 1]


@pytest.mark.parametrize("column", [["1", "2", None], ["1.0", "2.00", None]])
def test_a_code_is_one_code_in_text_and_in_every_typed_column(column):
    expected = ["1", "2", None]
    assert read_strings(pa.array(column), [""]).strings().tolist() == expected
    assert read_strings(pa.array([1, 2, None]), [""]).strings().tolist() == expected
    assert read_strings(pa.array([1.0, 2.0, None]), [""]).strings().tolist() == expected


def test_truth_values_agree_between_formats():
    expected = ["true", "false", None]
    assert read_strings(pa.array(["TRUE", "False", None]), [""]).strings().tolist() == expected
    assert read_strings(pa.array([True, False, None]), [""]).strings().tolist() == expected


@given(st.lists(st.sampled_from(["x", "y", " x", "NA", None, "z"])), st.integers(1, 4))
def test_chunks_and_dictionaries_change_nothing(values, pieces):
    cuts = np.array_split(np.arange(len(values)), pieces)
    chunks = [pa.array([values[i] for i in cut], pa.string()) for cut in cuts]
    whole = read_strings(pa.array(values, pa.string()), ["na"]).strings().tolist()
    assert read_strings(pa.chunked_array(chunks, pa.string()), ["na"]).strings().tolist() == whole
    coded = pa.chunked_array([chunk.dictionary_encode() for chunk in chunks])
    assert read_strings(coded, ["na"]).strings().tolist() == whole


def test_a_slice_of_a_large_dictionary_reads_only_its_own_values():
    big = pa.DictionaryArray.from_arrays(pa.array([4, 999, 4], pa.int32()), pa.array([str(i) for i in range(1000)]))
    coded = read_strings(big, [])
    assert coded.values.tolist() == ["4", "999"]
    assert coded.strings().tolist() == ["4", "999", "4"]


def test_labels_by_words():
    coded = read_strings(pa.array(["1", "no", "TRUE", "0.0", "maybe", None]), [""])
    values, unknown = read_labels(coded, ["1", "yes", "true"], ["0", "no", "false"])
    np.testing.assert_array_equal(values, [1, 0, 1, 0, np.nan, np.nan])
    assert unknown.tolist() == [False, False, False, False, True, False]


WHOLE = [str(value) for value in range(1, 999, 7)]
GROUPED = [f"{value // 1000}.{value % 1000:03d}" for value in range(1_000, 90_000, 4_321)]  # 21 of them


@pytest.mark.parametrize(
    ("texts", "grouped"),
    [
        ([*WHOLE, *GROUPED], True),
        ([*WHOLE, *GROUPED[:19]], False),  # too few to tell
        ([*WHOLE, *GROUPED, "0.500"], False),  # a thousand does not begin with 0
        ([*WHOLE, *GROUPED, "0.5"], False),
        ([*WHOLE, *GROUPED, "12.25"], False),
        ([*WHOLE, *GROUPED, "1500"], False),  # some one writes thousands without a dot
        (["0", *GROUPED], False),  # 0 is what decimals have, too
        (["12.344", "7", "1.234.567"], True),
        (["12.344", "7", "EUR 1.234,50", "0,5"], True),
        (["12.344", "1,234.5", "1.234.567"], False),
        (["0.125", "12.344", "0.5"], False),
        (GROUPED, False),
        (["-3.400", "(2.500)", *WHOLE, *GROUPED], True),
    ],
)
def test_a_dot_sets_off_thousands_only_where_the_column_shows_it(texts, grouped):
    column = pa.array([*texts, "", None])
    assert (dot_sets_off_thousands(column, [""]) is not None) == grouped


def test_numbers_whose_dot_sets_off_thousands():
    texts = ["12.344", "347", "1.234.567", "1.234,5", "0,5", "-3.400", "(2.500)", "EUR 1.000", "x"]
    read = read_numbers(pa.array(texts), [""], dot_groups=True)
    np.testing.assert_array_equal(read.values, [12344, 347, 1234567, 1234.5, 0.5, -3400, -2500, 1000, np.nan])
    assert dot_sets_off_thousands(pa.array([12.344, 1.5]), [""]) is None
