"""Ground: the leads that additive scores and trees are fitted on, read once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from tinyscout.leads.tables import LeadTables
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.stress.pools import Part
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.training import Stack

WEIGHTS = (0.0, 1.0, 4.0, 20.0, 100.0)  # of all attacked leads together, where all natural ones count 1
KINDS = ("baseline", "careful")  # of features


class Rows(NamedTuple):
    """N leads as features: X (N, F) CSR, y (N,) labels, contacted (N,) int64 microseconds, by which they are sorted."""

    X: sparse.csr_matrix
    y: np.ndarray
    contacted: np.ndarray

    @classmethod
    def concatenate(cls, parts: Sequence["Rows"]) -> "Rows":
        """All of several, one part after another."""
        X = sparse.csr_matrix(sparse.vstack([part.X for part in parts], format="csr"))
        y, contacted = (np.concatenate([getattr(part, name) for part in parts]) for name in ("y", "contacted"))
        return cls(X, y, contacted)


@dataclass(frozen=True)
class Ground:
    """Training leads, and validation leads to choose by.

    y (N,) labels, attacked (N,) bool; valid: M leads; X (N, F), X_valid (M, F) by kind of features.
    """

    y: np.ndarray
    valid: LeadTables
    attacked: np.ndarray
    tokenizer: SalesTokenizer
    features: dict[str, BaselineFeatures | CarefulFeatures]
    X: dict[str, sparse.csr_matrix]
    X_valid: dict[str, sparse.csr_matrix]

    @classmethod
    def natural(cls, train: LeadTables, valid: LeadTables, kinds: Sequence[str] = KINDS) -> "Ground":
        """Natural leads alone."""
        return cls._read(train, valid, np.zeros(len(train), bool), kinds)

    @classmethod
    def hardened(cls, train: Part, valid: Part, rng: np.random.Generator, kinds: Sequence[str] = KINDS) -> "Ground":
        """Natural leads and attacked ones."""
        (a, attacked), (b, _) = train.mixed(rng), valid.mixed(rng)
        return cls._read(a, b, attacked, kinds)

    @classmethod
    def of_rows(
        cls,
        reader: Stack,
        natural: Rows,
        attacked: Rows,
        valid: LeadTables,
        rng: np.random.Generator,
        kinds: Sequence[str] = KINDS,
    ) -> "Ground":
        """Training leads as `reader`, whose features are the careful ones, has read them, put in order of time.

        Raises ValueError where the reader's features are others.
        """
        if not isinstance(reader.features, CarefulFeatures):
            raise ValueError("Ground.of_rows: the reader has the baseline's features alone; needs the careful ones")
        rows = Rows.concatenate([natural, attacked])
        order = np.lexsort((rng.random(len(rows.y)), rows.contacted))
        X, X_valid = rows.X[order], reader.examples(valid).features
        known = {"baseline": reader.features.baseline, "careful": reader.features}
        width = {kind: len(known[kind].names) for kind in kinds}  # the careful features begin with the baseline's
        return cls(
            rows.y[order],
            valid,
            order >= len(natural.y),
            reader.tokenizer,
            {kind: known[kind] for kind in kinds},
            {kind: X[:, : width[kind]] for kind in kinds},
            {kind: X_valid[:, : width[kind]] for kind in kinds},
        )

    @classmethod
    def _read(
        cls,
        train: LeadTables,
        valid: LeadTables,
        attacked: np.ndarray,
        kinds: Sequence[str],
    ) -> "Ground":
        tokenizer = SalesTokenizer.fit(train)
        tokens, tokens_valid = tokenizer.encode(train), tokenizer.encode(valid)
        known = {"baseline": BaselineFeatures, "careful": CarefulFeatures}
        features = {kind: known[kind].fit(tokens, tokenizer.vocabulary) for kind in kinds}
        return cls(
            train.labels,
            valid,
            attacked,
            tokenizer,
            features,
            {kind: each.transform(tokens) for kind, each in features.items()},
            {kind: each.transform(tokens_valid) for kind, each in features.items()},
        )

    def weights(self, weight: float) -> np.ndarray:
        """What training leads count, (N,): attacked ones together `weight` times as much as all natural ones.

        The mean is 1, so that a penalty, which stands against a sum of losses, means the same whatever the weight.
        """
        natural, attacked = (~self.attacked).sum(), self.attacked.sum()
        weights = np.where(self.attacked, weight * natural / max(attacked, 1), 1.0)
        return weights / weights.mean()

    def thinned(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (R,) of all natural training leads and of `most` attacked ones, evenly spaced; what each counts for."""
        attacked = np.flatnonzero(self.attacked)
        few = attacked[spread(len(attacked), most)]
        rows = np.sort(np.append(np.flatnonzero(~self.attacked), few))
        return rows, np.where(self.attacked[rows], len(attacked) / max(len(few), 1), 1.0)

    @property
    def choices(self) -> tuple[float, ...]:
        """The weights to choose from: only 0, where no lead is attacked."""
        return WEIGHTS if self.attacked.any() else (0.0,)


def spread(number: int, most: int) -> np.ndarray:
    """At most `most` rows of `number`, evenly spaced."""
    return np.unique(np.linspace(0, number - 1, min(most, number)).astype(np.int64))
