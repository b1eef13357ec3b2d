"""How much one column alone tells about the label, measured so that it can't fool itself.

A column becomes levels (a category's values, a number's quantile bins, missing is level 0). Each level is scored by the
reply rate it has in the other folds, and leads are folded by lead_id, so a column of many rare values gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from tinyscout.leads.schema import ColumnType
from tinyscout.metrics import roc_auc, wilson_interval

_FOLDS = 5
_PRIOR = 5.0  # rows of base rate mixed into each level's rate
_BINS = 32
_WORDS = 300  # words of a text column that are looked at


Level = tuple[str, int, int]  # name, rows, replies


@dataclass(frozen=True)
class Evidence:
    """What one column alone says about N labels.

    auc: of the column as a score. auc_low: two standard errors below it. gain: share of the labels' log loss that it
    explains. filled: share of rows with a value; filled_auc: of the mere presence of a value; within, within_low: auc
    among the rows with a value. levels: missing first; those of a text overlap. rows, replies: of all labels.
    """

    auc: float
    auc_low: float
    gain: float
    filled: float
    filled_auc: float
    within: float
    within_low: float
    levels: list[Level]
    rows: int
    replies: int


@dataclass(frozen=True)
class Levels:
    """codes (N,) int64 with 0 for missing; names of codes 0, 1, ..."""

    codes: np.ndarray
    names: list[str]


def folds(lead_ids: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N,) fold of each row; rows of one lead share it."""
    lead = pd.factorize(lead_ids)[0]
    return np.random.default_rng(seed).integers(0, _FOLDS, lead.max() + 1 if len(lead) else 0)[lead]


def levels_of(column: pd.Series, kind: ColumnType, contacted_at: pd.Series) -> Levels:
    """The levels of a category, a number or a date (in days before contact)."""
    if kind == "category":
        names = [str(name) for name in column.cat.categories]
        return Levels(column.cat.codes.to_numpy(np.int64) + 1, ["missing", *names])
    if kind == "date":
        column = (contacted_at - column).dt.total_seconds() / 86_400
    return _bins(column.to_numpy(np.float64))


def weigh(levels: Levels, y: np.ndarray, fold: np.ndarray) -> Evidence:
    """The evidence of levels for labels y (N,) of 0 and 1."""
    codes, size = levels.codes, len(levels.names)
    rows = np.bincount(codes, minlength=size)
    replies = np.bincount(codes, weights=y, minlength=size)
    rate = np.zeros(len(y))
    for held in range(_FOLDS):
        others = fold != held
        if not others.any() or others.all():
            continue
        seen = np.bincount(codes[others], minlength=size)
        won = np.bincount(codes[others], weights=y[others], minlength=size)
        rate[~others] = ((won + _PRIOR * y[others].mean()) / (seen + _PRIOR))[codes[~others]]
    return _evidence(rate, codes > 0, y, [*zip(levels.names, rows.tolist(), replies.astype(int).tolist(), strict=True)])


def weigh_text(texts: pd.Series, y: np.ndarray, fold: np.ndarray) -> Evidence:
    """The evidence of free text: its commonest words, by the mean of their log odds in the other folds.

    Its levels are the words: rows and replies of the texts that have one.
    """
    texts = texts.fillna("").str.lower()
    filled = (texts.str.strip() != "").to_numpy()
    matrix, words = _word_matrix(texts)
    length = np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1)
    score = np.zeros(len(y))
    for held in range(_FOLDS) if words else ():
        others = fold != held
        won = np.asarray(matrix[others].T @ y[others]).ravel() + 0.5
        lost = np.asarray(matrix[others].T @ (1 - y[others])).ravel() + 0.5
        odds = np.log(won / lost) - np.log((y[others].sum() + 1) / ((1 - y[others]).sum() + 1))
        score[~others] = np.asarray(matrix[~others] @ odds).ravel() / length[~others]
    rows = np.asarray(matrix.sum(axis=0)).ravel().astype(int).tolist()
    replies = np.asarray(matrix.T @ y).ravel().astype(int).tolist()
    levels = [("missing", int((~filled).sum()), int(y[~filled].sum()))]
    levels += [(f'has "{word}"', n, k) for word, n, k in zip(words, rows, replies, strict=True)]
    return _evidence(_calibrated(np.column_stack([score, filled]), y), filled, y, levels)


def auc_error(auc: float, positives: int, negatives: int) -> float:
    """Standard error of a ROC AUC (Hanley and McNeil 1982, eq. 2)."""
    if positives == 0 or negatives == 0:
        return 0.5
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return float(np.sqrt(max(variance, 0) / (positives * negatives)))


def surest_level(levels: list[Level], enough: float) -> tuple[str, int, int, float] | None:
    """The level with the highest lower bound of its reply rate, among those with at least `enough` replies.

    -> (name, rows, replies, lower bound), or None where no level has so many.
    """
    levels = [level for level in levels if level[2] >= enough]
    if not levels:
        return None
    low = wilson_interval([level[2] for level in levels], [level[1] for level in levels])[0]
    best = int(np.argmax(low))
    name, rows, replies = levels[best]
    return name, rows, replies, float(low[best])


def _calibrated(features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N,) rates of a logistic regression on a few features (N, F), by Newton's method with a trace of ridge."""
    x = np.column_stack([np.ones(len(y)), features])
    weight = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ weight, -30, 30)))
        slope = x.T @ (y - p) - 1e-2 * weight
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-2 * np.eye(len(weight))
        weight = weight + np.linalg.solve(curve, slope)
    return 1 / (1 + np.exp(-np.clip(x @ weight, -30, 30)))


def _evidence(rate: np.ndarray, filled: np.ndarray, y: np.ndarray, levels: list[Level]) -> Evidence:
    positives, negatives = int(y.sum()), int((1 - y).sum())
    base = positives / len(y)
    entropy = -(base * np.log(base) + (1 - base) * np.log(1 - base))
    p = np.clip(rate, 1e-7, 1 - 1e-7)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    auc = float(roc_auc(y, rate))
    inside = y[filled]
    within, error = 0.5, 0.5
    if 0 < inside.sum() < len(inside):
        within = float(roc_auc(inside, rate[filled]))
        error = auc_error(within, int(inside.sum()), int((1 - inside).sum()))
    return Evidence(
        auc=auc,
        auc_low=auc - 2 * auc_error(auc, positives, negatives),
        gain=float(1 - loss / entropy),
        filled=float(filled.mean()),
        filled_auc=float(roc_auc(y, filled.astype(np.float64))) if 0 < filled.mean() < 1 else 0.5,
        within=within,
        within_low=within - 2 * error,
        levels=levels,
        rows=len(y),
        replies=positives,
    )


def _bins(values: np.ndarray) -> Levels:
    """Distinct numbers as levels where there are few, quantile bins where there are many."""
    there = np.isfinite(values)
    codes = np.zeros(len(values), np.int64)
    distinct = np.unique(values[there])
    if len(distinct) <= _BINS:
        codes[there] = 1 + np.searchsorted(distinct, values[there])
        return Levels(codes, ["missing", *(f"{value:g}" for value in distinct)])
    edges = np.unique(np.quantile(values[there], np.linspace(0, 1, _BINS + 1)[1:-1]))
    codes[there] = 1 + np.searchsorted(edges, values[there], side="right")
    between = pairwise([distinct[0], *edges, distinct[-1]])
    return Levels(codes, ["missing", *(f"{low:.6g} to {high:.6g}" for low, high in between)])


def _word_matrix(texts: pd.Series) -> tuple[Any, list[str]]:
    """(N, W) sparse presence of the commonest words, and the words."""
    found = texts.str.findall(r"\w+").map(set)
    counts: dict[str, int] = {}
    for words in found:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    common = sorted(sorted(counts), key=counts.__getitem__, reverse=True)[:_WORDS]
    common = [word for word in common if counts[word] >= 10]
    place = {word: number for number, word in enumerate(common)}
    pairs = [(row, place[word]) for row, words in enumerate(found) for word in words if word in place]
    where = np.array(pairs, np.int64).reshape(-1, 2).T
    return sp.csr_matrix((np.ones(len(pairs)), (where[0], where[1])), shape=(len(texts), len(common))), common
