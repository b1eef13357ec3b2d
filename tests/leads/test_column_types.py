"""Typing of columns nobody here has seen, and reading them by a type that was saved."""

import warnings

import numpy as np
import pyarrow as pa
import pytest

from tinyscout.leads.column_types import convert, infer, name_words

RNG = np.random.default_rng(0)
N = 2000
MISSING = ["", "n/a", "select"]
WORDS = np.array(["please", "call", "back", "about", "pricing", "next", "week", "we", "like", "your", "demo", "soon"])
PEOPLE = 1 + np.minimum(RNG.geometric(0.004, N), np.arange(N) // 3 + 5)  # numbered as they first appear


def notes(count: int) -> list[str]:
    return [" ".join(RNG.choice(WORDS, RNG.integers(4, 12))) for _ in range(count)]


COLUMNS = {
    "number": {
        "employees": RNG.lognormal(4, 2, N).astype(int).tolist(),
        "annual revenue": [f"${value:,.0f}" for value in RNG.lognormal(12, 1, N)],
        "score": RNG.normal(size=N).tolist(),  # near-unique, and yet a number
        "share": [f"{value:.1f} %" for value in 100 * RNG.random(N)],
        "visits": [str(value) for value in RNG.poisson(3, N)],
        "dirty": [*(str(value) for value in RNG.integers(0, 500, N - 40)), *["Osseo"] * 40],
        "seconds on site": RNG.geometric(0.002, N).tolist(),
        "sorted amounts": np.sort(np.random.default_rng(1).integers(0, 2500, N)).tolist(),  # the file's order, no ids
        "Number of Employees": RNG.integers(1, 5000, N).tolist(),
    },
    "category": {
        "industry": RNG.choice(["fintech", "health care", "retail"], N).tolist(),
        "job title": [f"{a} {b}" for a, b in RNG.choice([f"word{i}" for i in range(60)], (N, 2))],
        "opted in": RNG.choice(["yes", "no"], N).tolist(),
        "flag": RNG.choice([0, 1], N).tolist(),
        "is_partner": RNG.choice([True, False], N).tolist(),
        "size": RNG.choice(["1-10", "11-50", "51-200"], N).tolist(),
        "only yes": RNG.choice(["yes", ""], N).tolist(),
        "region code": RNG.integers(1, 30, N).tolist(),
        "answer": RNG.choice(
            ["I will think about it", "please call me next week", "not now, thanks a lot"], N
        ).tolist(),
    },
    "text": {
        "notes": notes(N),
        "message": [*notes(N // 2), *[""] * (N // 2)],
        "japanese": ["".join(chr(code) for code in RNG.integers(0x3041, 0x3090, 12)) for _ in range(N)],
    },
    "date": {
        "created": [f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)],
        "signed up": [f"2025-03-{1 + i % 28:02d}T{i % 24:02d}:00:00Z" for i in range(N)],
        "updated_at": (1_700_000_000 + np.arange(N) * 977).tolist(),
        "last_seen_ts": [str(1_700_000_000_000 + i * 977_000) for i in range(N)],
    },
    "identifier": {
        "uuid": [f"{i:08x}-0000-4000-8000-{i * 7:012x}" for i in range(N)],
        "email": [f"user{i % 900}@example.com" for i in range(N)],
        "website": [f"https://example.com/{i % 700}" for i in range(N)],
        "phone": [f"+49 30 {10_000_000 + i * 31}" for i in range(N)],
        "full name": [f"First{i} Last{i}" for i in range(N)],
        "customer number": RNG.permutation(N * 50)[:N].tolist(),
        "account_id": RNG.integers(0, 1500, N).tolist(),
        "plz": [f"{value:05d}" for value in RNG.integers(501, 99_950, N)],  # a leading zero makes it a code
        "zip": [f"{value:05d}" for value in RNG.integers(501, 99_950, N)],
        "snowflake": [str(2**60 + 7 * value) for value in RNG.permutation(N)],
        "who": PEOPLE.tolist(),  # nothing in the name says so
        "running": (90_000 + np.arange(N)).tolist(),
    },
    "constant": {"same": ["x"] * N, "nothing": [""] * N, "none at all": [None] * N, "zero": [0] * N},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, columns in COLUMNS.items() for name in columns])
def test_the_type_of_an_unknown_column(kind, name):
    assert infer(pa.array(COLUMNS[kind][name]), name, MISSING) == kind


@pytest.mark.parametrize("name", ["employees", "visits", "who", "uuid", "industry", "created", "only yes"])
def test_a_number_is_typed_alike_as_text_and_typed(name):
    values = next(columns[name] for columns in COLUMNS.values() if name in columns)
    texts = pa.array([None if value is None else str(value) for value in values])
    assert infer(texts, name, MISSING) == infer(pa.array(values), name, MISSING)


def test_a_file_sorted_by_an_amount_does_not_make_it_an_identifier():
    assert infer(pa.array(np.sort(RNG.lognormal(8, 1, N).astype(int))[::-1]), "revenue", MISSING) == "number"


def test_what_a_saved_type_cannot_read_is_missing_and_counted():
    read = convert(pa.array(["5", "Osseo", "inf", "$1,000", ""]), "number", MISSING)
    np.testing.assert_array_equal(read.values, [5, np.nan, np.nan, 1000, np.nan])
    assert (read.unreadable, read.not_finite) == (1, 1)
    dates = convert(pa.array(["2025-01-01", "yesterday", ""]), "date", MISSING)
    assert dates.values.isna().tolist() == [False, True, True]
    assert dates.unreadable == 1


def test_dtypes_are_those_of_the_lead_tables():
    column = pa.array(["a", " b", "", None])
    assert str(convert(column, "category", MISSING).values.dtype) == "category"
    assert convert(column, "category", MISSING).values.tolist()[:2] == ["a", "b"]
    assert convert(column, "category", MISSING).values.isna().tolist() == [False, False, True, True]
    assert str(convert(column, "text", MISSING).values.dtype) == "str"
    assert str(convert(column, "date", MISSING).values.dtype) == "datetime64[us, UTC]"
    assert str(convert(column, "number", MISSING).values.dtype) == "float64"


def test_words_of_a_name():
    assert name_words("LeadNumber") == ["lead", "number"]
    assert name_words("Last_Notable activity-ID") == ["last", "notable", "activity", "id"]


def test_numbers_near_the_largest_float_are_typed_without_a_warning():
    values = np.random.default_rng(0).permutation(np.linspace(-1.0, 1.0, 301)) * 1e308
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert infer(pa.array([f"{value:.0f}" for value in values]), "amount", MISSING) == "number"
