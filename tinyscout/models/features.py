"""The baseline's features: what an additive lead score can know of a lead, as a function of its tokens.

They are fixed (DESIGN.md, section 5), because the scout is measured against a logistic regression on exactly these:
profile one-hot, count and latest age per kind of signal, recency, bag of words. No interactions, no order.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from tinyscout.tokenizer import Tokens, Vocabulary
from tinyscout.tokenizer.tokens import offsets_of

MIN_LEADS_WITH_WORD = 20
MIN_SHARE_WITH_WORD = 0.002
MAX_WORDS = 512


@dataclass(frozen=True)
class SignalGroups:
    """The signals of each lead by id, G groups in (lead, id) order."""

    lead: np.ndarray  # (G,)
    signal: np.ndarray  # (G,) signal id, less the first signal id
    count: np.ndarray  # (G,)
    latest: np.ndarray  # (G,) float64: hours since the latest

    @classmethod
    def of(cls, tokens: Tokens, signal_start: int, n_signals: int) -> "SignalGroups":
        at = np.flatnonzero(tokens.ids >= signal_start)
        keys = tokens.lead[at] * n_signals + tokens.ids[at] - signal_start
        order = np.argsort(keys, kind="stable")
        keys, ages = keys[order], tokens.ages[at][order].astype(np.float64)
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        count = np.diff(first, append=len(keys))
        latest = np.minimum.reduceat(ages, first) if len(first) else np.zeros(0)
        return cls(keys[first] // n_signals, keys[first] % n_signals, count, latest)


@dataclass(frozen=True)
class BaselineFeatures:
    """Tokens before truncation -> (B, F) CSR float64. Make one with `BaselineFeatures.fit`.

    * profile: 1 at the id the lead has; a number's or date's value in [-1, 1] (0 where missing, which has an id).
    * each signal id: log(1 + count), and its freshness: -log(1 + hours since the latest), less the training mean among
      leads that have one, so that a lead without any has 0. Where the tokenizer tells channels apart, so do these.
    * recency: freshness of the latest signal of all, whether there is any, log(1 + signals in all).
    * words: how often each of at most 512 word ids comes in all texts, those that the most training leads have.

    Tried for the age, log loss on the last fifth (world / college messages): -log(1 + hours) .202 / .647, -log(1 +
    minutes) .203 / .636, exp(-hours / 72) .202 / .650, exp(-hours / 168) .201 / .658, -hours .206 / .705; two of them
    together were no better. Counts: log .207 / .647, as they come .206 / .664, present or not .210 / .652.

    Every feature is clipped to its training range (widened to hold 0): an absurd count can't run off with the score.
    """

    names: list[str]  # (F,)
    words: np.ndarray  # (W,) word ids that have a feature
    numbers: np.ndarray  # ids whose value is the feature
    freshness_means: np.ndarray  # (S + 1,): each signal id's, then that of all signals together
    low: np.ndarray  # (F,)
    high: np.ndarray  # (F,)
    profile_start: int
    signal_start: int
    n_ids: int

    @classmethod
    def fit(cls, tokens: Tokens, vocabulary: Vocabulary) -> "BaselineFeatures":
        """Choose words, centre freshness and note each feature's range on the training leads."""
        n_ids, signal_start = len(vocabulary), vocabulary.signal_start
        n_signals = n_ids - signal_start
        groups = SignalGroups.of(tokens, signal_start, n_signals)
        per_signal = np.bincount(groups.signal, freshness(groups.latest), n_signals)
        per_signal = per_signal / np.maximum(np.bincount(groups.signal, minlength=n_signals), 1)
        _, _, latest = _all_signals(groups)
        words = _common_words(tokens, vocabulary)
        signals = vocabulary.names[signal_start:]
        names = [
            *vocabulary.names[vocabulary.profile_start : signal_start],
            *(f"count {name}" for name in signals),
            *(f"age {name}" for name in signals),
            "age of latest signal",
            "any signal",
            "count of all signals",
            *(vocabulary.names[i] for i in words),
        ]
        unbounded = cls(
            names=names,
            words=words,
            numbers=np.asarray([field.start for field in vocabulary.fields if field.is_number], np.int64),
            freshness_means=np.append(per_signal, freshness(latest).mean() if len(latest) else 0.0),
            low=np.full(len(names), -np.inf),
            high=np.full(len(names), np.inf),
            profile_start=vocabulary.profile_start,
            signal_start=signal_start,
            n_ids=n_ids,
        )
        low, high = column_range(unbounded.transform(tokens))
        return replace(unbounded, low=low, high=high)

    def transform(self, tokens: Tokens) -> sparse.csr_matrix:
        """Features (B, F) CSR float64 of tokens that were not truncated."""
        n_leads, n_signals = len(tokens), self.n_ids - self.signal_start
        lead = tokens.lead

        at = np.flatnonzero((tokens.ids >= self.profile_start) & (tokens.ids < self.signal_start))
        ids = tokens.ids[at]
        is_number = np.zeros(self.n_ids, bool)
        is_number[self.numbers] = True
        amount = np.where(is_number[ids], tokens.values[at], 1.0)
        profile = to_csr(lead[at], ids - self.profile_start, amount, (n_leads, self.signal_start - self.profile_start))

        groups = SignalGroups.of(tokens, self.signal_start, n_signals)
        fresh = freshness(groups.latest) - self.freshness_means[groups.signal]
        counts = to_csr(groups.lead, groups.signal, np.log1p(groups.count), (n_leads, n_signals))
        ages = to_csr(groups.lead, groups.signal, fresh, (n_leads, n_signals))

        leads, total, latest = _all_signals(groups)
        fresh = freshness(latest) - self.freshness_means[-1]
        three = np.stack([fresh, np.ones(len(leads)), np.log1p(total)], axis=1)
        recency = to_csr(np.repeat(leads, 3), np.tile(np.arange(3), len(leads)), three.ravel(), (n_leads, 3))

        feature_of = np.full(self.n_ids, -1, np.int32)
        feature_of[self.words] = np.arange(len(self.words))
        feature = feature_of[tokens.ids]
        at = np.flatnonzero(feature >= 0)
        words = to_csr(lead[at], feature[at], np.ones(len(at)), (n_leads, len(self.words)))

        features = sparse.hstack([profile, counts, ages, recency, words], format="csr")
        return clipped(sparse.csr_matrix(features), self.low, self.high)

    def to_state(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {
            "names": self.names,
            **arrays,
            "profile_start": self.profile_start,
            "signal_start": self.signal_start,
            "n_ids": self.n_ids,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "BaselineFeatures":
        return cls(**{**state, **{name: np.asarray(state[name], dtype) for name, dtype in _ARRAYS.items()}})


_ARRAYS = {"words": np.int64, "numbers": np.int64, "freshness_means": float, "low": float, "high": float}


def freshness(hours: np.ndarray) -> np.ndarray:
    return -np.log1p(hours)


def to_csr(lead: np.ndarray, feature: np.ndarray, value: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """(lead, feature, value) with rising leads -> CSR; what comes twice is summed."""
    matrix = sparse.csr_matrix((value, feature, offsets_of(np.bincount(lead, minlength=shape[0]))), shape)
    matrix.sum_duplicates()
    return matrix


def column_range(features: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest of each column and 0: (F,), (F,)."""
    _, n_features = features.get_shape()
    low, high = np.zeros(n_features), np.zeros(n_features)
    np.minimum.at(low, features.indices, features.data)
    np.maximum.at(high, features.indices, features.data)
    return low, high


def clipped(features: sparse.csr_matrix, low: np.ndarray, high: np.ndarray) -> sparse.csr_matrix:
    """Each stored value within [low, high] of its column; low <= 0 <= high, so the zeros stay."""
    features.data = np.clip(features.data, low[features.indices], high[features.indices])
    return features


def _all_signals(groups: SignalGroups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leads that have a signal, how many, and hours since their latest."""
    first = np.flatnonzero(np.diff(groups.lead, prepend=-1))
    if not len(first):
        return groups.lead, groups.count, groups.latest
    return groups.lead[first], np.add.reduceat(groups.count, first), np.minimum.reduceat(groups.latest, first)


def _common_words(tokens: Tokens, vocabulary: Vocabulary) -> np.ndarray:
    """Word ids that enough training leads have, the commonest first, ties by id."""
    at = np.flatnonzero(vocabulary.is_word(tokens.ids))
    counts = to_csr(tokens.lead[at], tokens.ids[at], np.ones(len(at)), (len(tokens), len(vocabulary)))
    leads = np.bincount(counts.indices, minlength=len(vocabulary))
    enough = max(MIN_LEADS_WITH_WORD, MIN_SHARE_WITH_WORD * len(tokens))
    order = np.argsort(-leads, kind="stable")
    return order[leads[order] >= enough][:MAX_WORDS]
