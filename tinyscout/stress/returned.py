"""What a family returned, in the types that lead tables have: it may be any two frames, of which nothing is trusted."""

import numpy as np
import pandas as pd

from tinyscout.leads.tables import LeadTables

Frames = tuple[pd.DataFrame, pd.DataFrame]
LONGEST_TEXT = 1_000  # characters: a text of 32 words has far fewer
LEAD, SIGNAL = ("contact_id", "lead_id", "contacted_at"), ("row", "at", "kind", "channel", "text")
MOMENT = "datetime64[us, UTC]"


def validated(source: LeadTables, leads: pd.DataFrame, signals: pd.DataFrame) -> Frames:
    """Leads with numbers and moments (in UTC) where their source has them, and signals whose row is a place among them.

    Raises ValueError for a column that isn't there or comes twice, a row that is no place, a text longer than
    LONGEST_TEXT, and a cell that is no number or moment.
    """
    _needs("leads", leads, LEAD)
    _needs("signals", signals, SIGNAL)
    leads, signals = leads.reset_index(drop=True), signals.reset_index(drop=True)
    places = whole_numbers("signals: row", pd.Series(signals["row"]))
    if len(outside := places[(places < 0) | (places >= len(leads))]):
        raise ValueError(f"signals: row is {outside[0]}; needs a place among the {len(leads)} leads returned, from 0")
    longest = max((len(text) for text in signals["text"] if isinstance(text, str)), default=0)
    if longest > LONGEST_TEXT:
        raise ValueError(f"signals: a text has {longest:,} characters; needs at most {LONGEST_TEXT:,}")
    known = set(source.leads["contact_id"])
    if unknown := [each for each in leads["contact_id"] if not isinstance(each, str) or each not in known]:
        raise ValueError(f"leads: contact_id {unknown[0]} is none of those that it was given")
    typed = {"row": places, "at": _moments("signals: at", pd.Series(signals["at"]))}
    found = {}
    for name in source.leads.columns.intersection(leads.columns):
        like = source.leads[name].dtype
        if isinstance(like, pd.DatetimeTZDtype):
            found[name] = _moments(f"leads: {name}", pd.Series(leads[name]))
        elif isinstance(like, np.dtype) and like.kind == "f":
            found[name] = _numbers(f"leads: {name}", pd.Series(leads[name]))
    return leads.assign(**found), signals.assign(**typed)


def whole_numbers(what: str, column: pd.Series) -> np.ndarray:
    """The column (N,) int64. Raises ValueError for what is no whole number, or too large to be known as one."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i":
        return column.to_numpy(np.int64)
    numbers = _numbers(what, column).to_numpy(np.float64)
    if len(wrong := np.flatnonzero(~((np.abs(numbers) < 2**53) & (numbers % 1 == 0)))):
        raise ValueError(f"{what} is {column.iloc[wrong[0]]}; needs whole numbers")
    return numbers.astype(np.int64)


def _needs(what: str, frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    lacking = [name for name in columns if name not in frame]
    if lacking:
        raise ValueError(f"{what}: lack the column {', '.join(lacking)}")
    if twice := sorted(frame.columns[frame.columns.duplicated()].astype(str)):
        raise ValueError(f"{what}: has the column {twice[0]} more than once")


def _numbers(what: str, column: pd.Series) -> pd.Series:
    try:
        return pd.Series(pd.to_numeric(column), index=column.index).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{what} holds what is no number ({error})") from error


def _moments(what: str, column: pd.Series) -> pd.Series:
    """The column in UTC. Raises ValueError for what is no moment, or has no zone."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.astype(MOMENT)
    moments = [pd.Timestamp(each) if not pd.isna(each) else pd.NaT for each in column]
    if any(each is not pd.NaT and each.tz is None for each in moments):
        raise ValueError(f"{what} has no time zone; needs moments such as those that it was given")
    return pd.Series(pd.to_datetime(moments, utc=True), index=column.index).astype(MOMENT)
