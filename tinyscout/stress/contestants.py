"""Contestants: additive scores and boosted trees, each fitted on the same leads and asked for log-odds.

A natural contestant knows natural leads alone. A hardened one has seen attacks besides; how much these count is chosen
for each on validation leads, natural and as many attacked, and one that fits better without attacks may say so (a
weight of 0). It is then fitted to training leads alone, and `calibrated_score` makes it as sure as it is right on
others (Platt 1999), as the scout is made on the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

from tinyscout.leads.tables import LeadTables
from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.calibrators import Platt
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.trees import BoostedTrees
from tinyscout.stress.ground import Ground
from tinyscout.tokenizer import SalesTokenizer
from tinyscout.training.fit import Progress
from tinyscout.training.stack import WIDE, wide_name

GRID = (100_000.0, 30_000.0, 10_000.0, 3_000.0, 1_000.0, 300.0, 100.0, 30.0, 10.0)  # penalties of a logistic regression
CHOSEN_ON = 20_000  # attacked leads, beside all natural ones, that weights and penalties are chosen by
TREES_ON = 94_000  # and that trees are fitted to, 80,000 of them, and stopped by: all would take longer than all else
UNCALIBRATED = Platt(1.0, 0.0)
TOLERANCE = 1e-6  # of a logistic regression: 1e-9 takes twice as long and moves no loss by 1e-4


@dataclass(frozen=True)
class Logistic:
    """An additive score: the yardstick on the baseline's features, or what a careful analyst would fit."""

    tokenizer: SalesTokenizer
    features: BaselineFeatures | CarefulFeatures
    model: LogisticBaseline
    weight: float
    calibrator: Platt = UNCALIBRATED

    @classmethod
    def fit(cls, ground: Ground, kind: str = "baseline", grid: Sequence[float] = GRID) -> "Logistic":
        """Weight and penalty are chosen together on the validation leads, by some of the attacked leads; it is then
        fitted to all training leads, and where none is attacked to the validation leads, too."""
        X, X_valid, y, y_valid = ground.X[kind], ground.X_valid[kind], ground.y, ground.valid.labels
        some, times = ground.thinned(CHOSEN_ON)
        found: dict[float, LogisticBaseline] = {}
        for weight in ground.choices:
            weights = ground.weights(weight)[some] * times
            how = {"sample_weight": weights / weights.mean(), "min_scale": YARDSTICK_MIN_SCALE, "tolerance": TOLERANCE}
            found[weight] = LogisticBaseline.fit_best(X[some], y[some], X_valid, y_valid, grid, **how)
        weight = min(found, key=lambda each: min(found[each].validation_.values()))
        weights = ground.weights(weight)
        if not ground.attacked.any():
            X, y = sparse.vstack([X, X_valid], format="csr"), np.append(y, y_valid)
            weights = np.ones(len(y))
        more = len(y) / len(some)  # a penalty stands against a sum of losses
        model = LogisticBaseline(more * found[weight].l2, min_scale=YARDSTICK_MIN_SCALE, tolerance=TOLERANCE)
        model.fit(X, y, weights)
        return cls(ground.tokenizer, ground.features[kind], model, weight)

    @property
    def choice(self) -> dict[str, float]:
        """What was chosen: the weight of attacked leads, and the penalty."""
        return {"weight": self.weight, "l2": self.model.l2}

    def logits(self, tables: LeadTables) -> np.ndarray:
        """(N,) float64."""
        X = self.features.transform(self.tokenizer.encode(tables))
        return self.calibrator.transform(self.model.decision_function(X))

    def to_state(self) -> dict[str, Any]:
        """All of it, as what JSON can hold."""
        parts = {name: getattr(self, name).to_state() for name in ("tokenizer", "features", "model", "calibrator")}
        return {"kind": wide_name(self.features), "weight": self.weight, **parts}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Logistic":
        """The score that `to_state` described."""
        return cls(
            SalesTokenizer.from_state(state["tokenizer"]),
            WIDE[state["kind"]].from_state(state["features"]),
            LogisticBaseline.from_state(state["model"]),
            state["weight"],
            Platt.from_state(state["calibrator"]),
        )


@dataclass(frozen=True)
class Trees:
    """Boosted trees on both kinds of features."""

    tokenizer: SalesTokenizer
    features: dict[str, BaselineFeatures | CarefulFeatures]
    model: BoostedTrees
    weight: float
    calibrator: Platt = UNCALIBRATED

    @classmethod
    def fit(cls, ground: Ground, *, trials: int = 20, seed: int = 0, progress: Progress | None = None) -> "Trees":
        """The weight is chosen with the default settings, and then the settings with that weight.

        Hardened, they are fitted to training leads alone, as all hardened contestants are.
        """
        y, y_valid = ground.y, ground.valid.labels
        some, times = ground.thinned(CHOSEN_ON)
        kind = next(iter(ground.X))
        few, few_valid = {kind: ground.X[kind][some]}, {kind: ground.X_valid[kind]}

        def best(weight: float) -> float:
            model = BoostedTrees(trials=1, seed=seed)
            weights = ground.weights(weight)[some] * times
            model.fit(few, y[some], few_valid, y_valid, sample_weight=weights, refit=False)
            return model.best_.log_loss

        choices = list(ground.choices)
        weight = min(choices, key=best) if len(choices) > 1 else choices[0]
        model = BoostedTrees(trials=trials, seed=seed)
        rows, times = ground.thinned(TREES_ON)
        X = {kind: each[rows] for kind, each in ground.X.items()}
        weights = ground.weights(weight)[rows] * times
        again = not ground.attacked.any()
        model.fit(X, y[rows], ground.X_valid, y_valid, sample_weight=weights, refit=again, progress=progress)
        return cls(ground.tokenizer, ground.features, model, weight)

    @property
    def choice(self) -> dict[str, float]:
        """What was chosen: the weight of attacked leads."""
        return {"weight": self.weight}

    def logits(self, tables: LeadTables) -> np.ndarray:
        """(N,) float64."""
        tokens = self.tokenizer.encode(tables)
        X = {kind: each.transform(tokens) for kind, each in self.features.items()}
        return self.calibrator.transform(self.model.decision_function(X))


Fitted = TypeVar("Fitted", bound=Logistic | Trees)


def calibrated_score(contestant: Fitted, tables: LeadTables) -> Fitted:
    """One that was not, made as sure as it is right on these leads, which it was not fitted to."""
    return replace(contestant, calibrator=Platt.fit(contestant.logits(tables), tables.labels))
