"""How far two timelines are apart: the least that was added, taken away, moved or rewritten, by lead.

Signals that are alike in all are nobody's edit. Of the others as many as can be are paired off, each with one that it
became by a single edit (a maximum matching, Hopcroft and Karp 1973); who is left alone came or went.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from tinyscout.leads.tables import LeadTables, microseconds


@dataclass(frozen=True)
class Edits:
    """Edits between the timelines of N leads and of variants of them, row for row.

    per_lead (N,) int64: the least number; new_time (S,) bool: signals of the variants that stand where the lead had
    none of their kind and channel.
    """

    per_lead: np.ndarray
    new_time: np.ndarray

    @classmethod
    def between(cls, before: LeadTables, after: LeadTables) -> "Edits":
        """before and after have the same rows: row i of after is a variant of row i of before."""
        if len(before) != len(after):
            raise ValueError(f"Edits: got {len(before)} leads and {len(after)} variants; needs one lead for each")
        sides = [_Side.of(tables.signals) for tables in (before, after)]
        coded = _codes(*sides)
        kept = _matched(coded, ("row", "kind", "text", "at"), *(np.ones(len(side.row), bool) for side in sides))
        left = [~mask for mask in kept]
        alone = sum(np.bincount(side.row[mask], minlength=len(before)) for side, mask in zip(sides, left, strict=True))
        stood = _matched(coded, ("row", "kind", "at"), *(np.ones(len(side.row), bool) for side in sides))[1]
        return cls(alone - _pairs(coded, left, len(before)), ~stood)


_MOVED, _REWRITTEN = ("row", "kind", "text"), ("row", "kind", "at")


@dataclass(frozen=True)
class _Side:
    row: np.ndarray
    at: np.ndarray
    kind: np.ndarray  # kind and channel
    text: np.ndarray

    @classmethod
    def of(cls, signals: pd.DataFrame) -> "_Side":
        kind = signals["kind"].astype(str) + "@" + signals["channel"].astype(str)
        text = signals["text"].astype(object).where(signals["text"].notna(), "")
        return cls(signals["row"].to_numpy(), microseconds(signals["at"]), kind.to_numpy(object), text.to_numpy(object))


def _codes(before: _Side, after: _Side) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each field of both sides as codes of one dictionary; rows as they are."""
    found = {"row": (before.row, after.row)}
    for name in ("at", "kind", "text"):
        both = np.concatenate([getattr(before, name), getattr(after, name)])
        codes = pd.factorize(both)[0].astype(np.int64)
        found[name] = (codes[: len(before.row)], codes[len(before.row) :])
    return found


def _matched(
    coded: dict[str, tuple[np.ndarray, np.ndarray]], names: tuple[str, ...], left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pair off signals of both sides that agree in `names`, among those in the masks: which found a partner."""
    places = (np.flatnonzero(left), np.flatnonzero(right))
    key = np.zeros(len(places[0]) + len(places[1]), np.int64)
    for name in names:
        values = np.concatenate([side[at] for side, at in zip(coded[name], places, strict=True)])
        key = np.unique(key * (values.max(initial=0) + 1) + values, return_inverse=True)[1]
    keys = key[: len(places[0])], key[len(places[0]) :]
    counts = [np.bincount(part, minlength=key.max(initial=-1) + 1) for part in keys]
    both = np.minimum(*counts)
    masks = []
    for part, at, whole in zip(keys, places, (left, right), strict=True):
        order = np.argsort(part, kind="stable")
        first = np.flatnonzero(np.diff(part[order], prepend=-1))
        turn = np.arange(len(part)) - np.repeat(first, np.diff(first, append=len(part)))
        mask = np.zeros(len(whole), bool)
        mask[at[order]] = turn < both[part[order]]
        masks.append(mask)
    return masks[0], masks[1]


def _pairs(coded: dict[str, tuple[np.ndarray, np.ndarray]], left: list[np.ndarray], n: int) -> np.ndarray:
    """The most pairs a lead (n,) of signals on both sides, among those in the masks, of which one became the other by a
    single edit: moved, or rewritten where it stood."""
    places = [np.flatnonzero(mask) for mask in left]
    edges = sparse.csr_matrix((len(places[0]), len(places[1])), dtype=bool)
    for names in (_MOVED, _REWRITTEN):
        keys = [pd.DataFrame({name: coded[name][i][places[i]] for name in names}) for i in (0, 1)]
        found = keys[0].reset_index().merge(keys[1].reset_index(), on=list(names))
        ends = found["index_x"].to_numpy(), found["index_y"].to_numpy()
        edges += sparse.csr_matrix((np.ones(len(found), bool), ends), shape=edges.shape)
    partner = maximum_bipartite_matching(edges, perm_type="column")
    return np.bincount(coded["row"][0][places[0]][partner >= 0], minlength=n)
