"""What type an unknown column is: number, category, text, date, identifier or constant; and reading it as such.

Guessed once from the export a model is fitted on and saved in its schema, so a later export is read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import (
    Coded,
    Column,
    chunked,
    dot_sets_off_thousands,
    is_numeric,
    parse_numbers,
    pc,
    read_numbers,
    read_strings,
)
from tinyscout.leads.schema import ColumnType
from tinyscout.leads.times import read_times

SHARE = 0.95  # of the cells that hold something, for a column to be a number or a date
_SAMPLE = 1_000

# Words that end the name of a column of references; its integers name things and are no amounts.
_ID_WORDS = frozenset(
    (
        *("id", "ids", "uuid", "guid", "key", "hash", "ref", "no", "nr", "num", "number", "code", "pin"),
        *("phone", "mobile", "tel", "fax", "zip", "zipcode", "postcode", "postal"),
        *("sender", "recipient", "owner", "user", "account", "customer", "client", "contact", "agent", "rep"),
        *("assignee", "member", "seller", "buyer", "author"),
    )
)
_DATE_WORDS = frozenset(("at", "on", "date", "time", "timestamp", "ts", "day", "datetime", "created", "updated"))
_PATTERNS = (
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",  # e-mail
    r"^(https?://|www\.)\S+$",
    r"^\{?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$",
    r"^\+?[\d\s().-]{8,20}$",  # telephone
)
_SCRIPT_WITHOUT_SPACES = r"[\x{3040}-\x{30ff}\x{3400}-\x{9fff}\x{0e00}-\x{0e7f}\x{ac00}-\x{d7af}]"


@dataclass(frozen=True)
class Converted:
    """A column read as its type; unreadable and not_finite count cells that became missing for that reason."""

    values: pd.Series
    unreadable: int = 0
    not_finite: int = 0


def name_words(name: str) -> list[str]:
    """The words of a column name, split at signs, spaces and capitals: "LeadNumber" -> lead, number."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.casefold()) if word]


def infer(column: Column, name: str, missing: Iterable[str], formats: Sequence[str] = ()) -> ColumnType:
    """The type of one column, from its cells and, for integers, a hint from its name."""
    column = chunked(column)
    missing = tuple(missing)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "date" if len(column) - column.null_count and pc.count_distinct(column).as_py() > 1 else "constant"
    coded = read_strings(column, missing)
    if len(coded.values) == 0 or (len(coded.values) == 1 and not coded.missing.any()):
        return "constant"
    counts = coded.counts()
    if is_numeric(kind) or _share(coded, counts, lambda texts: ~np.isnan(parse_numbers(texts))) >= SHARE:
        if dot_sets_off_thousands(column, missing):
            coded = read_strings(column, missing, tidy=False)  # tidied, 3.000 would be 3
            return _of_numbers(coded, coded.counts(), name, dot_groups=True)
        return _of_numbers(coded, counts, name)
    as_dates = _share(coded, counts, lambda texts: ~read_times(pa.array(texts), (), formats).missing)
    if as_dates >= SHARE:
        return "date"
    return _of_strings(coded, counts)


def convert(
    column: Column,
    kind: ColumnType,
    missing: Iterable[str],
    formats: Sequence[str] = (),
    *,
    dot_groups: bool = False,
) -> Converted:
    """The cells of a column as its type (dtypes as in LeadTables); what can't be read as it is missing and counted.

    dot_groups: in numbers, a dot before three digits sets off thousands.
    """
    column = chunked(column)
    if kind == "number":
        numbers = read_numbers(column, missing, dot_groups=dot_groups)
        return Converted(pd.Series(numbers.values), int(numbers.unreadable.sum()), int(numbers.not_finite.sum()))
    if kind == "date":
        times = read_times(column, missing, formats)
        return Converted(times.series(), int(times.bad.sum()))
    coded = read_strings(column, missing, tidy=kind != "text")
    if kind in ("category", "constant"):
        categories = pd.Index(coded.values.astype(str) if len(coded.values) else [], dtype="str")
        return Converted(pd.Series(pd.Categorical.from_codes(coded.codes, categories=categories)))
    return Converted(pd.Series(coded.strings(), dtype="str"))


def _share(coded: Coded, counts: np.ndarray, good) -> float:
    """Share of the filled cells whose text passes `good`; a sample decides first whether all are worth a look."""
    if len(coded.values) > 2 * _SAMPLE:
        few = np.linspace(0, len(coded.values) - 1, _SAMPLE).astype(int)
        if good(coded.values[few]).mean() < 0.5:
            return 0.0
    return float(counts[good(coded.values)].sum() / counts.sum())


def _of_numbers(coded: Coded, counts: np.ndarray, name: str, *, dot_groups: bool = False) -> ColumnType:
    values = parse_numbers(coded.values, dot_groups=dot_groups)
    finite = np.isfinite(values)
    distinct = np.unique(values[finite])
    if len(distinct) and np.abs(distinct).max() >= 2**53 and all(text.isdigit() for text in coded.values):
        return _of_references(coded, counts)  # amounts are not that exact
    if len(distinct) <= 2:
        return "category"
    words = name_words(name)
    whole = bool((values[finite] % 1 == 0).all())
    if not whole:
        return "number"
    padded = np.array([len(text) > 1 and text[0] == "0" and text.isdigit() for text in coded.values])
    if counts[padded].sum() > 0.01 * counts.sum():  # 01234 is a code
        return _of_references(coded, counts)
    if words and words[-1] in _DATE_WORDS and ((distinct > 1e8).all() or _compact_dates(distinct)):
        return "date"
    if words and words[-1] in _ID_WORDS and len(distinct) > 20:
        return _of_references(coded, counts)
    if _numbered_in_order(values[coded.codes[coded.codes >= 0]]):
        return "identifier"
    return "number"


def _of_references(coded: Coded, counts: np.ndarray) -> ColumnType:
    """Codes that come often each are categories; codes of things seen a few times each are identifiers."""
    return "category" if len(coded.values) <= 200 and counts.mean() >= 20 else "identifier"


def _compact_dates(distinct: np.ndarray) -> bool:
    return bool(((distinct >= 19_000_101) & (distinct < 21_000_000)).all()) and len(distinct) > 2


def _numbered_in_order(values: np.ndarray) -> bool:
    """Whether integers were handed out as things first appeared, as identifiers are and amounts are not.

    Values of an amount come for the first time in no other order read from the top than read from the bottom;
    numbers handed out in time come in order one way and not the other. A file merely sorted by the column doesn't count
    unless nearly every integer of the range is there once.
    """
    values = values[np.isfinite(values)]
    distinct = np.unique(values)
    if len(distinct) < 100:
        return False
    if max((values[1:] >= values[:-1]).mean(), (values[1:] <= values[:-1]).mean()) > 0.99:
        return len(distinct) > 0.98 * len(values) and distinct[-1] < distinct[0] + 2 * len(distinct)
    down, up = _order_of_first(values), _order_of_first(values[::-1])
    return max(down, up) > 0.75 and abs(down - up) > 0.6


def _order_of_first(values: np.ndarray) -> float:
    """Rank correlation of distinct values with the row each first comes in."""
    _, first = np.unique(values, return_index=True)
    ranks = np.empty(len(first))
    ranks[np.argsort(first)] = np.arange(len(first))
    return float(np.corrcoef(np.arange(len(first)), ranks)[0, 1])


def _of_strings(coded: Coded, counts: np.ndarray) -> ColumnType:
    rows, distinct = int(counts.sum()), len(coded.values)
    strings = pa.array(coded.values, pa.large_string())
    words = np.asarray(pc.count_substring_regex(strings, r"\S+").to_numpy(zero_copy_only=False), float)
    words += np.asarray(pc.count_substring_regex(strings, _SCRIPT_WITHOUT_SPACES).to_numpy(zero_copy_only=False)) / 2
    mean_words = float((words * counts).sum() / rows)
    if mean_words > 3 and distinct > max(20, 0.02 * rows):
        return "text"
    if distinct > 50:
        for pattern in _PATTERNS:
            fits = np.asarray(pc.match_substring_regex(strings, pattern).to_numpy(zero_copy_only=False), bool)
            if counts[fits].sum() >= SHARE * rows:
                return "identifier"
    if rows >= 20 and distinct > 0.9 * rows:
        return "identifier"
    return "category"
