"""Contestants: additive scores and boosted trees, each fitted on the same leads and asked for log-odds.

A natural contestant knows natural leads alone. A hardened one has seen attacks besides; how much an attacked lead
counts is chosen for each on validation leads of which half are attacked, and one that fits better without attacks may
say so (a weight of 0). Then each becomes as sure as it is right there (Platt 1999), as the scout does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.leads.tables import LeadTables
from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.calibrators import Platt
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.trees import BoostedTrees
from tinyscout.stress.pools import Part
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.training.fit import Progress

WEIGHTS = (0.0, 1.0, 4.0, 20.0)  # of an attacked lead, beside 1 for a natural one
GRID = (10_000.0, 3_000.0, 1_000.0, 300.0, 100.0, 30.0, 10.0)  # penalties of a logistic regression
CHOSEN_ON = 20_000  # attacked leads, beside all natural ones, that weights and penalties are chosen by
TREES_ON = 80_000  # and that trees are fitted to: on all they would take longer than everything else
KINDS = ("baseline", "careful")  # of features
HARDLY = 1e-9  # what a lead counts that a model is chosen and calibrated by, and not fitted to


@dataclass(frozen=True)
class Ground:
    """What contestants are fitted on: training and validation leads, read once for all of them.

    attacked, attacked_valid (N,) bool; X, X_valid {kind of features: (N, F)}.
    """

    train: LeadTables
    valid: LeadTables
    attacked: np.ndarray
    attacked_valid: np.ndarray
    tokenizer: SalesTokenizer
    features: dict[str, BaselineFeatures | CarefulFeatures]
    X: dict[str, sparse.csr_matrix]
    X_valid: dict[str, sparse.csr_matrix]

    @classmethod
    def natural(cls, train: Part, valid: Part, kinds: Sequence[str] = KINDS) -> "Ground":
        """Natural leads alone."""
        a, b = train.natural.tables, valid.natural.tables
        return cls._read(a, b, np.zeros(len(a), bool), np.zeros(len(b), bool), kinds)

    @classmethod
    def hardened(cls, train: Part, valid: Part, rng: np.random.Generator, kinds: Sequence[str] = KINDS) -> "Ground":
        """Natural leads and attacked ones."""
        (a, attacked), (b, attacked_valid) = train.mixed(rng), valid.mixed(rng)
        return cls._read(a, b, attacked, attacked_valid, kinds)

    @classmethod
    def _read(
        cls,
        train: LeadTables,
        valid: LeadTables,
        attacked: np.ndarray,
        attacked_valid: np.ndarray,
        kinds: Sequence[str],
    ) -> "Ground":
        tokenizer = SalesTokenizer.fit(train)
        tokens, tokens_valid = tokenizer.encode(train), tokenizer.encode(valid)
        known = {"baseline": BaselineFeatures, "careful": CarefulFeatures}
        features = {kind: known[kind].fit(tokens, tokenizer.vocabulary) for kind in kinds}
        return cls(
            train,
            valid,
            attacked,
            attacked_valid,
            tokenizer,
            features,
            {kind: each.transform(tokens) for kind, each in features.items()},
            {kind: each.transform(tokens_valid) for kind, each in features.items()},
        )

    def weights(self, weight: float) -> tuple[np.ndarray, np.ndarray]:
        """What training (N,) and validation leads (M,) count where an attacked one counts `weight`."""
        return np.where(self.attacked, weight, 1.0), np.where(self.attacked_valid, weight, 1.0)

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

    def calibrator(self, logit: np.ndarray) -> Platt:
        """For a model of these validation logits (M,), which it was not fitted to; a natural one stays as it is."""
        if not self.attacked.any():
            return Platt(1.0, 0.0)
        rows = balanced(self.valid, self.attacked_valid)
        return Platt.fit(logit[rows], self.valid.labels[rows])


@dataclass(frozen=True)
class Logistic:
    """An additive score: the yardstick on the baseline's features, or what a careful analyst would fit."""

    tokenizer: SalesTokenizer
    features: BaselineFeatures | CarefulFeatures
    model: LogisticBaseline
    weight: float
    calibrator: Platt

    @classmethod
    def fit(cls, ground: Ground, kind: str = "baseline", grid: Sequence[float] = GRID) -> "Logistic":
        """The weight, and then the penalty, are chosen on the validation leads; it is then fitted on all leads."""
        X, X_valid, y, y_valid = ground.X[kind], ground.X_valid[kind], ground.train.labels, ground.valid.labels
        some, times = ground.thinned(CHOSEN_ON)

        def best(weight: float, penalties: Sequence[float]) -> LogisticBaseline:
            weights = ground.weights(weight)[0][some] * times
            return LogisticBaseline.fit_best(
                X[some], y[some], X_valid, y_valid, penalties, sample_weight=weights, min_scale=YARDSTICK_MIN_SCALE
            )

        middle = sorted(grid)[len(grid) // 2]
        weight = min(ground.choices, key=lambda each: best(each, [middle]).validation_[middle])
        every = np.concatenate(ground.weights(weight))
        more = every.sum() / (ground.weights(weight)[0][some] * times).sum()  # it stands against a sum of losses
        chosen = best(weight, grid)
        model = LogisticBaseline(more * chosen.l2, min_scale=YARDSTICK_MIN_SCALE)
        model.fit(sparse.vstack([X, X_valid], format="csr"), np.append(y, y_valid), every)
        calibrator = ground.calibrator(chosen.decision_function(X_valid))
        return cls(ground.tokenizer, ground.features[kind], model, weight, calibrator)

    def logits(self, tables: LeadTables) -> np.ndarray:
        """(N,) float64."""
        X = self.features.transform(self.tokenizer.encode(tables))
        return self.calibrator.transform(self.model.decision_function(X))


@dataclass(frozen=True)
class Trees:
    """Boosted trees on both kinds of features."""

    tokenizer: SalesTokenizer
    features: dict[str, BaselineFeatures | CarefulFeatures]
    model: BoostedTrees
    weight: float
    calibrator: Platt

    @classmethod
    def fit(cls, ground: Ground, *, trials: int = 20, seed: int = 0, progress: Progress | None = None) -> "Trees":
        """The weight is chosen with the default settings, and then the settings with that weight.

        Hardened, they are fitted to training leads alone, as the scout is: trees are too sure of what they have seen
        for a calibrator to be fitted there.
        """
        y, y_valid = ground.train.labels, ground.valid.labels
        some, times = ground.thinned(CHOSEN_ON)
        kind = next(iter(ground.X))
        few, few_valid = {kind: ground.X[kind][some]}, {kind: ground.X_valid[kind]}

        def best(weight: float) -> float:
            model = BoostedTrees(trials=1, seed=seed)
            model.fit(few, y[some], few_valid, y_valid, sample_weight=ground.weights(weight)[0][some] * times)
            return model.best_.log_loss

        choices = list(ground.choices)
        weight = min(choices, key=best) if len(choices) > 1 else choices[0]
        model = BoostedTrees(trials=trials, seed=seed)
        rows, times = ground.thinned(TREES_ON)
        weights = {
            "sample_weight": ground.weights(weight)[0][rows] * times,
            "valid_weight": np.full(len(y_valid), HARDLY if ground.attacked.any() else 1.0),
        }
        X = {kind: each[rows] for kind, each in ground.X.items()}
        model.fit(X, y[rows], ground.X_valid, y_valid, **weights, progress=progress)
        calibrator = ground.calibrator(model.decision_function(ground.X_valid))
        return cls(ground.tokenizer, ground.features, model, weight, calibrator)

    def logits(self, tables: LeadTables) -> np.ndarray:
        """(N,) float64."""
        tokens = self.tokenizer.encode(tables)
        X = {kind: each.transform(tokens) for kind, each in self.features.items()}
        return self.calibrator.transform(self.model.decision_function(X))


def balanced(tables: LeadTables, attacked: np.ndarray) -> np.ndarray:
    """Rows of all natural leads and of as many attacked (N,) bool ones, spread evenly over their ids: what to calibrate
    on. The same leads, whatever order they stand in."""
    few, many = np.flatnonzero(~attacked), np.flatnonzero(attacked)
    many = many[np.argsort(tables.leads["contact_id"].to_numpy(str)[many])]
    return np.append(few, many[np.linspace(0, len(many) - 1, len(few)).round().astype(np.int64)])


def spread(number: int, most: int) -> np.ndarray:
    """At most `most` rows of `number`, evenly spaced."""
    return np.unique(np.linspace(0, number - 1, min(most, number)).astype(np.int64))
