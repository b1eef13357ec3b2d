"""Reading cells: strings with their missing markers, dirty numbers, 0/1 labels.

Every function works on the distinct values of a column and gathers, so its cost follows what differs, not the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute

Column: TypeAlias = Any  # a pyarrow Array or ChunkedArray, which have no type stubs
pc: Any = pyarrow.compute  # its functions are made at import, out of a type checker's sight


@dataclass(frozen=True)
class Coded:
    """A column as codes into its distinct values: codes (N,) int64, -1 is missing; values (U,) str objects."""

    codes: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def missing(self) -> np.ndarray:
        return self.codes < 0

    def strings(self) -> np.ndarray:
        """(N,) objects: the value of each row, None where missing."""
        return np.append(self.values, np.array([None], dtype=object))[self.codes]

    def take(self, rows: np.ndarray) -> Coded:
        return Coded(self.codes[rows], self.values)

    def counts(self) -> np.ndarray:
        """(U,) int64: how often each distinct value comes."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


@dataclass(frozen=True)
class Numbers:
    """values (N,) float64, NaN where there is none; unreadable and not_finite (N,) bool say why there is none."""

    values: np.ndarray
    unreadable: np.ndarray
    not_finite: np.ndarray


def read_strings(column: Column, missing: Iterable[str], *, tidy: bool = True) -> Coded:
    """The stripped strings of a column of any type; tidy writes 3.0 as 3 and TRUE as true, so that formats agree.

    missing: markers that mean nothing is there, compared stripped and without case.
    """
    codes, values = _encode(column)
    values = pc.utf8_trim_whitespace(values)
    if tidy:
        values = pc.replace_substring_regex(values, _WHOLE, r"\1")
        for word in ("True", "TRUE", "False", "FALSE"):
            values = pc.if_else(pc.equal(values, word), word.lower(), values)
    markers = {marker.lower() for marker in missing}
    short = pc.less_equal(pc.utf8_length(values), max(map(len, markers), default=0))
    lowered = pc.utf8_lower(pc.if_else(short, values, "..."))
    gone = pc.and_(short, pc.is_in(lowered, pa.array(sorted(markers), pa.large_string())))
    merged = pc.dictionary_encode(pc.if_else(gone, pa.scalar(None, pa.large_string()), values))
    if isinstance(merged, pa.ChunkedArray):
        merged = merged.combine_chunks()
    inner = np.asarray(merged.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    distinct = np.array(merged.dictionary.to_pylist(), dtype=object)
    return Coded(np.append(inner, -1)[codes], distinct)


def read_numbers(column: Column, missing: Iterable[str], *, dot_groups: bool = False) -> Numbers:
    """Numbers from a typed column, or from text such as "$1,200", "12 %", "(3.5)" or "1.234,56".

    A percent sign is dropped: "12 %" is 12. What is no number is missing, and so are NaN and infinities.
    dot_groups: see parse_numbers.
    """
    column = chunked(column)
    if pa.types.is_dictionary(column.type) or not is_numeric(column.type):
        coded = read_strings(column, missing, tidy=False)
        parsed = np.append(parse_numbers(coded.values, dot_groups=dot_groups), np.nan)
        values = parsed[coded.codes]
        bad = np.isnan(values) & ~coded.missing
        endless = np.isinf(values)
        named_nan = np.append([text.casefold().strip("+-") == "nan" for text in coded.values], False).astype(bool)
        endless |= named_nan[coded.codes]
        return Numbers(np.where(endless, np.nan, values), bad & ~endless, endless)
    values = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
    absent = np.asarray(pc.is_null(column).to_numpy(), bool)
    endless = ~np.isfinite(values) & ~absent
    return Numbers(np.where(np.isfinite(values), values, np.nan), np.zeros(len(values), bool), endless)


def parse_numbers(texts: np.ndarray, *, dot_groups: bool = False) -> np.ndarray:
    """(U,) str -> (U,) float64, NaN where the text is no number. dot_groups: 12.344 is twelve thousand."""
    return np.array([_parse_number(text, dot_groups) for text in texts], np.float64)


def dot_sets_off_thousands(column: Column, missing: Iterable[str]) -> str | None:
    """A value such as "12.344" of a column of text whose dots set off thousands; None where they needn't.

    No dot may stand otherwise than before groups of three digits, the first not 0. Beside that some value must show
    it: one has two groups ("1.234.567") or a comma after a group ("1.234,5"); or 20 cells have a dot, and those
    without one are whole, all below 1000, and of 3 sizes or more.
    """
    column = chunked(column)
    if not is_text(column.type):
        return None
    coded = read_strings(column, missing, tidy=False)
    dotted, plain, shown = [], set(), False
    for place, text in enumerate(coded.values):
        bare = _CURRENCY.sub("", text).strip(" \u00a0\u202f()%+-")
        if "." in bare:
            if not _DOT_GROUPS.fullmatch(bare):
                return None
            dotted.append(place)
            shown |= bare.count(".") > 1 or "," in bare
        else:
            plain.add(bare)
    if not dotted:
        return None
    below = [bare for bare in plain if bare.isdecimal() and len(bare) < 4 and bare.strip("0")]
    whole = len(below) >= 3 and all(bare in below or not bare.strip("0") for bare in plain)
    return str(coded.values[dotted[0]]) if shown or (whole and coded.counts()[dotted].sum() >= 20) else None


def in_brief(value: object) -> str:
    """A cell as a message shows it: on one line, the beginning of what is long."""
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= 40 else text[:37] + "..."


def in_quotes(text: str) -> str:
    """Somebody's words on one line and in quotes, the beginning of what is longer than LONGEST_QUOTE characters."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= LONGEST_QUOTE else f'"{line[: LONGEST_QUOTE - 3]}..."'


def read_labels(coded: Coded, true: Iterable[str], false: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """0/1 labels by words -> (values (N,) float64 with NaN where there is none, unknown word (N,) bool)."""
    words = {word.casefold(): 1.0 for word in true} | {word.casefold(): 0.0 for word in false}
    known = np.array([words.get(value.casefold(), np.nan) for value in coded.values] + [np.nan])
    values = known[coded.codes]
    return values, np.isnan(values) & ~coded.missing


def _encode(column: Column) -> tuple[np.ndarray, pa.Array]:
    """Codes (N,) int64 with -1 for null, and the distinct values (U,) as large strings."""
    column = chunked(column)
    if column.num_chunks == 0:
        return np.zeros(0, np.int64), pa.array([], pa.large_string())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    codes = np.asarray(array.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    values = array.dictionary
    if len(values) > len(codes):  # a slice of a Parquet file brings the dictionary of the whole row group
        used = np.unique(codes)
        used = used[used >= 0]
        codes = np.where(codes < 0, -1, np.searchsorted(used, codes))
        values = values.take(pa.array(used))
    values = pc.cast(values, pa.large_string(), safe=False)
    if values.null_count:
        nulls = np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False), bool)
        codes = np.where(np.append(nulls, True)[codes], -1, codes)
        values = pc.fill_null(values, "")
    return codes, values


def chunked(column: Column) -> pa.ChunkedArray:
    """The column as a chunked array, whatever it came as."""
    return pa.chunked_array([column]) if isinstance(column, pa.Array) else column


def is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_numeric(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


LONGEST_QUOTE = 400  # characters of a text that is shown
_WHOLE = r"^([+-]?\d+)\.0+$"
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CURRENCY = re.compile(r"[$\u20ac\u00a3\u00a5\u20b9]|\b(?:usd|eur|gbp|inr|chf|jpy|aud|cad)\b", re.IGNORECASE)
_THOUSANDS = (
    re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"),  # 1,234.5
    re.compile(r"[+-]?\d{1,2}(?:,\d{2})*,\d{3}(?:\.\d+)?"),  # 1,00,000
)
_THOUSANDS_POINT = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+|[+-]?\d{1,3}(?:\.\d{3}){2,}")  # 1.234,56 or 1.234.567
_DOT_GROUPS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")  # 12.344
_THOUSANDS_SPACE = re.compile(r"[+-]?\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?:[.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_SCALE = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9}
_SCALED = re.compile(r"(.*\d)\s*(k|mn|m|bn|b)", re.IGNORECASE)


def _parse_number(text: str, dot_groups: bool) -> float:
    if _PLAIN.fullmatch(text) and not (dot_groups and "." in text):
        return float(text)
    text = text.strip()
    if text.casefold().strip("+-") in ("inf", "infinity"):
        return -np.inf if text.startswith("-") else np.inf
    sign = 1.0
    if text.startswith("(") and text.endswith(")"):  # bookkeepers' minus
        sign, text = -1.0, text[1:-1]
    bare = _CURRENCY.sub("", text).strip()
    scale = 1.0
    if bare != text.strip():  # "$3.5M"; without a currency a trailing letter is no scale
        scaled = _SCALED.fullmatch(bare)
        if scaled:
            bare, scale = scaled[1], _SCALE[scaled[2].lower()]
    bare = bare.removesuffix("%").strip()
    if bare.startswith(("- ", "+ ")):
        bare = bare[0] + bare[2:]
    if any(pattern.fullmatch(bare) for pattern in _THOUSANDS):
        bare = bare.replace(",", "")
    elif _THOUSANDS_POINT.fullmatch(bare) or (dot_groups and _DOT_GROUPS.fullmatch(bare.lstrip("+-"))):
        bare = bare.replace(".", "").replace(",", ".")
    elif _THOUSANDS_SPACE.fullmatch(bare):
        bare = re.sub(r"[ \u00a0\u202f']", "", bare).replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    return sign * scale * float(bare) if _PLAIN.fullmatch(bare) else np.nan
