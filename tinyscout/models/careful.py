"""The careful modeller's features: the baseline's, and the interactions a good analyst would add by hand.

Nothing here knows a column by name: any profile category with few values is crossed with every kind of signal.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from tinyscout.models.features import BaselineFeatures, clipped, column_range, to_csr
from tinyscout.tokenizer import Tokens, Vocabulary

MAX_VALUES = 8  # of a category that is crossed
MAX_CROSSES = 400
HALF_LIFE_HOURS = 7 * 24.0


@dataclass(frozen=True)
class CarefulFeatures:
    """Tokens before truncation -> (B, F) CSR float64. Make one with `CarefulFeatures.fit`.

    The baseline's features, then the id of the last signal as one-hot, then profile value x signal id: the sum of
    2**(-age / 7 days) over the lead's signals of that id, for categories with at most 8 values (missing and unseen
    count as values too), the 400 crosses that the most training leads have. Clipped to the training range.
    """

    baseline: BaselineFeatures
    crosses: np.ndarray  # (C, 2): profile id, signal id
    names: list[str]  # (F,)
    low: np.ndarray  # (F - baseline's,)
    high: np.ndarray

    @classmethod
    def fit(cls, tokens: Tokens, vocabulary: Vocabulary) -> "CarefulFeatures":
        """Fit the baseline's features, choose crosses and note the ranges on the training leads."""
        baseline = BaselineFeatures.fit(tokens, vocabulary)
        crossed = [field for field in vocabulary.fields if field.type == "category" and field.n_values <= MAX_VALUES]
        profile_ids = np.concatenate([np.zeros(0, np.int64), *(np.arange(each.start, each.stop) for each in crossed)])
        signal_ids = np.arange(vocabulary.signal_start, len(vocabulary))
        every = np.stack(np.meshgrid(profile_ids, signal_ids, indexing="ij"), axis=-1).reshape(-1, 2)
        candidates = cls(baseline, every, [], np.zeros(0), np.zeros(0))
        leads = np.diff(candidates._crossed(tokens).tocsc().indptr)
        chosen = np.argsort(-leads, kind="stable")[:MAX_CROSSES]
        crosses = every[np.sort(chosen[leads[chosen] > 0])]
        names = [
            *baseline.names,
            *(f"last {vocabulary.names[i]}" for i in signal_ids),
            *(f"{vocabulary.names[p]} x {vocabulary.names[s]}" for p, s in crosses),
        ]
        features = cls(baseline, crosses, names, np.zeros(0), np.zeros(0))
        low, high = column_range(features._extra(tokens))
        return replace(features, low=low, high=high)

    def transform(self, tokens: Tokens) -> sparse.csr_matrix:
        """Features (B, F) CSR float64 of tokens that were not truncated."""
        extra = clipped(self._extra(tokens), self.low, self.high)
        return sparse.csr_matrix(sparse.hstack([self.baseline.transform(tokens), extra], format="csr"))

    def _extra(self, tokens: Tokens) -> sparse.csr_matrix:
        return sparse.csr_matrix(sparse.hstack([self._last(tokens), self._crossed(tokens)], format="csr"))

    def _last(self, tokens: Tokens) -> sparse.csr_matrix:
        """(B, S): 1 at the lead's last signal."""
        start = self.baseline.signal_start
        at = np.flatnonzero(tokens.ids >= start)
        lead = tokens.lead[at]
        last = np.flatnonzero(np.diff(lead, append=-1))
        shape = (len(tokens), self.baseline.n_ids - start)
        return to_csr(lead[last], tokens.ids[at[last]] - start, np.ones(len(last)), shape)

    def _crossed(self, tokens: Tokens) -> sparse.csr_matrix:
        """(B, C): decayed counts of each cross. A lead's tokens of a crossed field meet all its signals."""
        start, n_signals = self.baseline.signal_start, self.baseline.n_ids - self.baseline.signal_start
        at = np.flatnonzero(tokens.ids >= start)
        weight = np.exp2(-tokens.ages[at].astype(np.float64) / HALF_LIFE_HOURS)
        decayed = to_csr(tokens.lead[at], tokens.ids[at] - start, weight, (len(tokens), n_signals))

        profile_ids, row_of = np.unique(self.crosses[:, 0], return_inverse=True)
        column_of = np.full((len(profile_ids), n_signals), -1)
        column_of[row_of, self.crosses[:, 1] - start] = np.arange(len(self.crosses))
        rank = np.full(self.baseline.n_ids, -1)
        rank[profile_ids] = np.arange(len(profile_ids))
        at = np.flatnonzero(rank[tokens.ids] >= 0)
        lead, value = tokens.lead[at], rank[tokens.ids[at]]  # one for each crossed field of each lead
        rows = decayed[lead]  # (M, S): that lead's signals again for each of its values
        m = np.repeat(np.arange(len(at)), np.diff(rows.indptr))
        column = column_of[value[m], rows.indices]
        kept = np.flatnonzero(column >= 0)
        return to_csr(lead[m[kept]], column[kept], rows.data[kept], (len(tokens), len(self.crosses)))

    @property
    def signal_of_extra(self) -> np.ndarray:
        """The signal id that each feature behind the baseline's speaks of, (F - baseline's,)."""
        signals = np.arange(self.baseline.signal_start, self.baseline.n_ids)
        return np.concatenate([signals, self.crosses[:, 1]])

    def to_state(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return {
            "baseline": self.baseline.to_state(),
            "crosses": self.crosses.tolist(),
            "names": self.names,
            "low": self.low.tolist(),
            "high": self.high.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "CarefulFeatures":
        return cls(
            BaselineFeatures.from_state(state["baseline"]),
            np.asarray(state["crosses"], np.int64).reshape(-1, 2),
            state["names"],
            np.asarray(state["low"], float),
            np.asarray(state["high"], float),
        )
