"""Reading moments: ISO 8601 with or without a zone, bare dates, epoch seconds to nanoseconds, named formats.

A moment without a zone is UTC. Whether a value has a clock time or only a date is kept beside it, because "strictly
before" can't be decided within a day that has no hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from tinyscout.leads.cells import Column, chunked, pc, read_strings

NONE = np.iinfo(np.int64).min  # what NaT is in microseconds
DAY_US = 86_400_000_000
EXPECTED = "ISO 8601 such as 2025-02-28 or 2025-02-28T14:30:00Z, or epoch seconds"

_ISO = r"^\d{4}[-/]\d{2}[-/]\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)?)?$"
_EPOCH = r"^\d{9,19}(\.\d+)?$"
_COMPACT = r"^(19|20)\d{6}$"


@dataclass(frozen=True)
class Times:
    """us (N,) int64 microseconds since 1970 UTC, NONE where there is none.

    date_only (N,) bool: the value has no clock time. bad (N,) bool: something is there that is no moment.
    """

    us: np.ndarray
    date_only: np.ndarray
    bad: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        return self.us == NONE

    def take(self, rows: np.ndarray) -> Times:
        return Times(self.us[rows], self.date_only[rows], self.bad[rows])

    def settled(self) -> Times:
        """The same moments; where all of them fall on midnight UTC, as the dates they then are."""
        there = ~self.missing
        clock = there.any() and (self.us[there] % DAY_US).any()
        return self if clock else Times(self.us, there, self.bad)

    def series(self) -> pd.Series:
        """datetime64[us, UTC]"""
        return to_series(self.us)


def expected(formats: Sequence[str]) -> str:
    """What a moment of an export may look like, in words: with the formats of its field map, or how to name some."""
    if formats:
        tried = ", ".join(f'"{form}"' for form in formats)
        return f"{EXPECTED}, or the field map's date_formats {tried}"
    return f"{EXPECTED}, or a format named as date_formats in a field map (see docs/bring_your_own.md)"


def to_series(us: np.ndarray) -> pd.Series:
    """Microseconds since 1970 -> datetime64[us, UTC] series, NaT for NONE."""
    return pd.Series(us.view("datetime64[us]")).dt.tz_localize("UTC")


def shown(times: Times, row: int) -> str:
    """One moment as people write it: a date where that is all there is."""
    text = str(to_series(times.us[row : row + 1]).iloc[0])
    return text[:10] if times.date_only[row] else text


def day(us: np.ndarray) -> np.ndarray:
    """Days since 1970 (UTC) of microseconds."""
    return us // DAY_US


def read_times(column: Column, missing: Iterable[str], formats: Sequence[str] = ()) -> Times:
    """Moments of a column of text, numbers (epoch), dates or timestamps; formats are strptime formats tried last."""
    column = chunked(column)
    kind = column.type
    if pa.types.is_dictionary(kind) and not pa.types.is_large_string(kind.value_type):
        kind = kind.value_type
        column = column.cast(kind)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = pc.cast(column, pa.timestamp("us", "UTC" if getattr(kind, "tz", None) else None), safe=False)
        us = np.asarray(pc.fill_null(pc.cast(stamps, pa.int64()), int(NONE)).to_numpy(), np.int64)
        return Times(us, np.full(len(us), pa.types.is_date(kind)), np.zeros(len(us), bool))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
        whole = np.nan_to_num(numbers, posinf=0, neginf=0)
        exact = np.asarray(pc.fill_null(column, 0).to_numpy(), np.int64) if pa.types.is_integer(kind) else None
        return _from_numbers(numbers, whole, exact)
    coded = read_strings(column, missing, tidy=False)
    parsed = _from_texts(coded.values, formats)
    return Times(
        np.append(parsed.us, NONE)[coded.codes],
        np.append(parsed.date_only, False)[coded.codes],
        np.append(parsed.bad, False)[coded.codes],
    )


def _from_numbers(numbers: np.ndarray, whole: np.ndarray, exact: np.ndarray | None) -> Times:
    """Epoch seconds, milli-, micro- or nanoseconds, told apart by size (1973 to 5138 in each), or 20250228."""
    size = np.abs(whole)
    us = np.full(len(numbers), NONE, np.int64)
    for low, high, factor in ((1e8, 1e11, 1e6), (1e11, 1e14, 1e3), (1e14, 1e17, 1.0), (1e17, 1e20, 1e-3)):
        here = (size >= low) & (size < high)
        if exact is not None:
            us[here] = exact[here] * int(factor) if factor >= 1 else exact[here] // 1000
        else:
            us[here] = np.round(whole[here] * factor).astype(np.int64)
    compact = (whole >= 19_000_101) & (whole < 21_000_000) & (whole % 1 == 0)
    date_only = np.zeros(len(numbers), bool)
    if compact.any():
        dates = pd.to_datetime(
            pd.Series(whole[compact].astype(np.int64).astype(str)), format="%Y%m%d", errors="coerce", utc=True
        )
        us[compact] = dates.astype("datetime64[us, UTC]").astype(np.int64).to_numpy()
        date_only[compact] = True
    return Times(us, date_only & (us != NONE), (us == NONE) & ~np.isnan(numbers))


def _from_texts(texts: np.ndarray, formats: Sequence[str]) -> Times:
    us = np.full(len(texts), NONE, np.int64)
    date_only = np.zeros(len(texts), bool)
    if len(texts) == 0:
        return Times(us, date_only, date_only.copy())
    strings = pa.array(texts, pa.large_string())
    iso = _matches(strings, _ISO)
    if iso.any():
        plain = strings if iso.all() else strings.filter(pa.array(iso))
        found = pc.replace_substring_regex(pc.replace_substring(plain, "/", "-"), r"\s?(UTC|GMT)$", "Z").to_pandas()
        parsed = pd.to_datetime(found, format="ISO8601", utc=True, errors="coerce")
        us[iso] = parsed.astype("datetime64[us, UTC]").astype(np.int64).to_numpy()
        date_only[iso] = found.str.len().to_numpy() == 10
    for pattern in (_EPOCH, _COMPACT):
        here = _matches(strings, pattern) & ~iso
        if here.any():
            numbers = np.array([float(text) for text in texts[here]])
            exact = None if any("." in text for text in texts[here]) else np.array([int(text) for text in texts[here]])
            moments = _from_numbers(numbers, numbers, exact)
            us[here], date_only[here] = moments.us, moments.date_only
    for form in formats:
        left = us == NONE
        if not left.any():
            break
        parsed = pd.to_datetime(pd.Series(texts[left], dtype="str"), format=form, utc=True, errors="coerce")
        us[left] = parsed.astype("datetime64[us, UTC]").astype(np.int64).to_numpy()
        has_clock = any(code in form for code in ("%H", "%I", "%c", "%X", "%T"))
        date_only[left] = (us[left] != NONE) & (not has_clock)
    return Times(us, date_only & (us != NONE), us == NONE)


def _matches(strings: pa.Array, pattern: str) -> np.ndarray:
    return np.asarray(pc.match_substring_regex(strings, pattern).to_numpy(zero_copy_only=False), bool)
