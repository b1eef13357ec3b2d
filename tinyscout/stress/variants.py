"""Attacked variants of natural leads as valid lead tables: same lead id, a contact id of their own, nothing else new.

Contact `w7-0000012-1~0` is a variant of contact `w7-0000012-1`. The lead id joins it to its source, so that a bootstrap
resamples a source lead with all its variants and a split keeps them on one side. Neither the number after `~` nor the
place in the table tells family or role.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tinyscout.leads.tables import LeadTables

MARK = "~"


def source_ids(contact_id: pd.Series) -> pd.Series:
    """The contact each is a variant of; itself where it is natural."""
    return contact_id.str.rsplit(MARK, n=1).str[0]


def source_rows(original: LeadTables, edited: LeadTables) -> np.ndarray:
    """Row in `original` of each edited contact's source, (M,) int64; ValueError when one is not there."""
    rows = pd.Index(original.leads["contact_id"]).get_indexer(
        pd.Index(source_ids(pd.Series(edited.leads["contact_id"])))
    )
    if (rows < 0).any():
        missing = edited.leads["contact_id"].iloc[int(np.flatnonzero(rows < 0)[0])]
        raise ValueError(f"variants: {missing} has no source among the {len(original):,} original leads")
    return rows


def assemble(
    original: LeadTables, leads: pd.DataFrame, signals: pd.DataFrame, rng: np.random.Generator
) -> tuple[LeadTables, np.ndarray]:
    """Tables of edited frames, and the position in `leads` that each of their contacts comes from, (M,).

    leads: one row a variant, with the contact_id of its source; signals: row (into leads), at, kind, channel and text.
    Ids, types, order and ages are made here; the label isn't known yet (NaN). Raises ValueError when a signal is not
    strictly before its contact.
    """
    order = rng.permutation(len(leads))
    leads = leads.iloc[order].reset_index(drop=True)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    number = leads.groupby("contact_id", sort=False).cumcount()
    leads["contact_id"] = (leads["contact_id"].astype(str) + MARK + number.astype(str)).astype("str")
    leads["replied_at"] = pd.Series(pd.NaT, index=leads.index, dtype="datetime64[us, UTC]")
    leads["label"] = np.nan
    signals = signals.assign(row=place[signals["row"].to_numpy(np.int64)])
    made, position = _in_time(leads, signals, original)
    return made, order[position]


def join(parts: Sequence[LeadTables], rng: np.random.Generator) -> tuple[LeadTables, np.ndarray]:
    """All contacts of several tables of one schema, and the position of each in their concatenation, (M,).

    Contacts of one moment, such as a lead and its variants, stand in an order drawn from rng.
    """
    starts = np.cumsum([0] + [len(part) for part in parts])
    leads = pd.concat([part.leads for part in parts], ignore_index=True)
    signals = pd.concat(
        [part.signals.assign(row=part.signals["row"] + start) for part, start in zip(parts, starts, strict=False)],
        ignore_index=True,
    )
    order = rng.permutation(len(leads))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    made, position = _in_time(
        leads.iloc[order].reset_index(drop=True), signals.assign(row=place[signals["row"].to_numpy()]), parts[0]
    )
    return made, order[position]


def _in_time(leads: pd.DataFrame, signals: pd.DataFrame, like: LeadTables) -> tuple[LeadTables, np.ndarray]:
    """Tables of the columns that `like` has, contacts of one moment as they stand; where each contact stood, (N,)."""
    leads = leads.loc[:, list(like.leads)].assign(order=np.arange(len(leads)))
    for name in (name for name, kind in like.schema.columns.items() if kind == "category" and name in leads):
        leads[name] = pd.Categorical(leads[name].astype(object), categories=_names(pd.Series(leads[name])))
    signals = signals.loc[:, [name for name in like.signals if name != "age_hours"]].copy()
    for name in ("kind", "channel"):
        signals[name] = pd.Categorical(signals[name].astype(object), categories=_names(pd.Series(signals[name])))
    signals["text"] = signals["text"].astype("str")
    made = LeadTables.from_frames(leads, signals, like.schema)
    position = made.leads["order"].to_numpy(np.int64).copy()
    made.leads["order"] = np.arange(len(leads))
    return made, position


def _names(column: pd.Series) -> pd.Index:
    """Sorted categories that occur."""
    return pd.Index(sorted(column.dropna().astype(object).unique()), dtype="str")
