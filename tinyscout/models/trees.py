"""BoostedTrees: what a practitioner would fit instead, as a peer in every table.

scikit-learn's histogram gradient boosting, early stopping on the latest training leads, its settings and its features
(the baseline's or the careful ones) from a seeded random search. It is fitted where it is needed and hands over
predictions and settings; nothing is pickled.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from threadpoolctl import threadpool_limits

from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.scores import row_losses
from tinyscout.models.batches import cores

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

STOP_SHARE = 0.15  # of the training leads, the latest, for early stopping
FIRST_ROUND_LEADS = 4_000
FIRST_ROUND_RATE = 0.3
FINALISTS = 2
MAX_TREES = 600
PATIENCE = 10  # trees without gain on the stopping leads
_CHOICES: dict[str, tuple[float, ...]] = {
    "learning_rate": (0.05, 0.1),
    "max_leaf_nodes": (4, 6, 8, 12, 16, 31),
    "min_samples_leaf": (10, 20, 50, 100),
    "l2_regularization": (0.0, 1.0, 10.0, 100.0),
    "max_features": (0.1, 0.25, 0.5, 1.0),
}
_BLOCK = 20_000  # leads made dense at a time when predicting


@dataclass(frozen=True)
class TreeSettings:
    """A candidate: the features it sees, and scikit-learn's settings, whose defaults these are."""

    features: str
    learning_rate: float = 0.1
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0
    max_features: float = 1.0


@dataclass(frozen=True)
class Trial:
    """A candidate, its number of trees by early stopping, and its log loss on the validation leads."""

    settings: TreeSettings
    trees: int
    log_loss: float


class BoostedTrees:
    """Histogram gradient boosting chosen by random search in two rounds of successive halving.

    Round one fits every candidate on at most 4,000 training leads with a learning rate of 0.3; round two fits the best
    two on all of them with their own rate. Log loss on the validation leads says whether the better of them or the mean
    of their logits is handed over; what is, is first fitted once more, with its number of trees, to training and
    validation leads together, unless it is to know nothing of the latter (`refit`). scikit-learn's default settings on
    each kind of features are always among the candidates.
    """

    trials_: list[Trial]  # round one, in the order drawn
    finalists_: list[Trial]  # round two, best first
    members_: list[Trial]  # the finalists whose mean is handed over: the best, or all

    def __init__(self, *, trials: int = 20, seed: int = 0) -> None:
        """Number of candidates, and the seed of the search and of every fit."""
        if trials < 1:
            raise ValueError(f"BoostedTrees: trials is {trials}; needs at least 1")
        self.trials, self.seed = trials, seed

    def fit(
        self,
        features: Mapping[str, Any],
        y: ArrayLike,
        valid: Mapping[str, Any],
        y_valid: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        valid_weight: ArrayLike | None = None,
        refit: bool = True,
        progress: Progress | None = None,
    ) -> Self:
        """Search and fit.

        features {kind: (N, F)} CSR or dense, oldest lead first, with labels y (N,) of 0 and 1; valid {kind: (M, F)} the
        same features of later leads, with y_valid (M,). Weights (N,) and (M,) are at least 0. Without refit what is
        handed over stays fitted to the training leads before those for early stopping.
        Raises ValueError when kinds differ, or unless leads of both labels are among the earliest 85 % in training.
        """
        if not features or set(features) != set(valid):
            raise ValueError(f"BoostedTrees: training has features {sorted(features)}, validation {sorted(valid)}")
        y, weight = _labels_and_weights(y, sample_weight)
        y_valid, valid_weight = _labels_and_weights(y_valid, valid_weight)
        search = _Search(features, y, weight, valid, y_valid, valid_weight, self.seed)
        candidates = draw(list(features), self.trials, self.seed)
        steps = len(candidates) + min(FINALISTS, len(candidates)) + 1

        def done(step: int) -> None:
            if progress is not None:
                progress("boosted trees", step, steps)

        self.trials_, judged = [], []
        done(0)
        with _one_fit_a_core() as pool:
            for trial in pool.map(search.quick_trial, candidates):
                self.trials_.append(trial)
                done(len(self.trials_))
            best = sorted(self.trials_, key=lambda trial: trial.log_loss)[:FINALISTS]
            for found in pool.map(search.full_trial, [trial.settings for trial in best]):
                judged.append(found)
                done(len(self.trials_) + len(judged))
            judged.sort(key=lambda found: found[0].log_loss)
            self.finalists_ = [trial for trial, _, _ in judged]
            mean_loss = search.loss(np.mean([logit for _, logit, _ in judged], axis=0))
            self.members_ = self.finalists_ if mean_loss < self.best_.log_loss else self.finalists_[:1]
            again = pool.map(search.refit, self.members_) if refit else (model for _, _, model in judged)
            self._models = [model for model, _ in zip(again, self.members_, strict=False)]
            self._columns = [search.columns[trial.settings.features] for trial in self.members_]
        done(steps)
        return self

    @property
    def best_(self) -> Trial:
        """The better finalist."""
        return self.finalists_[0]

    def decision_function(self, features: Mapping[str, Any]) -> np.ndarray:
        """Logits (N,) float64 of features {kind: (N, F)}; only the kinds that members_ see are read."""
        logits = []
        with _one_fit_a_core() as pool:
            for trial, columns, model in zip(self.members_, self._columns, self._models, strict=True):
                matrix = features[trial.settings.features]
                blocks = [matrix[at : at + _BLOCK] for at in range(0, matrix.shape[0], _BLOCK)]

                def predict(block: Any, columns: np.ndarray = columns, model: Any = model, trial: Trial = trial):
                    return _logits(model, trial.trees, _dense(block, columns))

                logits.append(np.concatenate([np.zeros(0), *pool.map(predict, blocks)]))
        return np.mean(logits, axis=0)

    def to_dict(self) -> dict[str, Any]:
        """Settings and figures of the search, as what JSON can hold: handed over with the predictions."""
        return {
            "seed": self.seed,
            "best": _as_dict(self.best_),
            "averaged": len(self.members_),
            "finalists": [_as_dict(trial) for trial in self.finalists_],
            "trials": [_as_dict(trial) for trial in self.trials_],
        }


def _one_fit_a_core() -> ThreadPoolExecutor:
    """Threads of which each does one fit at a time, on one OpenMP thread.

    OpenMP's own threads wait for each other by spinning: where another program had one of two cores, two of them took
    36 s for what one does in 0.5 s.
    """
    import sklearn.ensemble  # noqa: F401  # brings OpenMP in, before it is told

    return ThreadPoolExecutor(cores(), initializer=partial(threadpool_limits, 1, user_api="openmp"))


def draw(kinds: list[str], trials: int, seed: int) -> list[TreeSettings]:
    """The candidates of a search: each kind of features in turn, first with the defaults, then with settings drawn."""
    rng = np.random.default_rng(seed)
    candidates = []
    for trial in range(trials):
        settings = TreeSettings(kinds[trial % len(kinds)])
        if trial >= len(kinds):
            settings = replace(settings, **{name: rng.choice(values).item() for name, values in _CHOICES.items()})
        candidates.append(settings)
    return candidates


class _Search:
    """The leads of one search, made dense once for all its fits."""

    def __init__(
        self,
        features: Mapping[str, Any],
        y: np.ndarray,
        weight: np.ndarray,
        valid: Mapping[str, Any],
        y_valid: np.ndarray,
        valid_weight: np.ndarray,
        seed: int,
    ) -> None:
        self.stop = len(y) - max(1, int(STOP_SHARE * len(y)))  # the first lead for early stopping
        if not 0 < (y * weight)[: self.stop].sum() < weight[: self.stop].sum():
            raise ValueError(
                f"BoostedTrees: {int(y[: self.stop].sum())} of the earliest {self.stop} training leads replied; "
                "needs both kinds among them"
            )
        self.columns = {kind: _splittable(matrix, self.stop) for kind, matrix in features.items()}
        self.X = {kind: _dense(matrix, self.columns[kind]) for kind, matrix in features.items()}
        self.X_valid = {kind: _dense(matrix, self.columns[kind]) for kind, matrix in valid.items()}
        self.y, self.weight, self.y_valid, self.valid_weight, self.seed = y, weight, y_valid, valid_weight, seed

    def quick_trial(self, settings: TreeSettings) -> Trial:
        """The candidate on at most FIRST_ROUND_LEADS leads with large steps; its own rate is for the second round."""
        share = min(1.0, FIRST_ROUND_LEADS / self.stop)
        rng = np.random.default_rng(self.seed)
        parts = []
        for label in (0, 1):
            rows = np.flatnonzero(self.y[: self.stop] == label)
            parts.append(rng.choice(rows, int(np.ceil(share * len(rows))), replace=False))
        quick, _, _ = self._trial(replace(settings, learning_rate=FIRST_ROUND_RATE), np.sort(np.concatenate(parts)))
        return replace(quick, settings=settings)

    def full_trial(self, settings: TreeSettings) -> "tuple[Trial, np.ndarray, HistGradientBoostingClassifier]":
        """The candidate on all training leads before those for early stopping, its validation logits (M,), and it."""
        return self._trial(settings, np.arange(self.stop))

    def loss(self, logit: np.ndarray) -> float:
        """Log loss of validation logits (M,), leads counting with their weight."""
        return float(np.average(row_losses(self.y_valid, logit), weights=self.valid_weight))

    def refit(self, trial: Trial) -> "HistGradientBoostingClassifier":
        """The trial's settings and number of trees on training and validation leads together."""
        kind = trial.settings.features
        model = self._classifier(trial.settings, trial.trees, early_stopping=False)
        return model.fit(
            np.concatenate([self.X[kind], self.X_valid[kind]]),
            np.append(self.y, self.y_valid),
            _unless_ones(np.append(self.weight, self.valid_weight)),
        )

    def _trial(
        self, settings: TreeSettings, rows: np.ndarray
    ) -> "tuple[Trial, np.ndarray, HistGradientBoostingClassifier]":
        X, y, weight = self.X[settings.features], self.y, self.weight
        model = self._classifier(settings, MAX_TREES, early_stopping=True).fit(
            X[rows],
            y[rows],
            _unless_ones(weight[rows]),
            X_val=X[self.stop :],
            y_val=y[self.stop :],
            sample_weight_val=weight[self.stop :],
        )
        # subtle: scikit-learn keeps the trees grown in vain; the best number of them is what is judged
        trees = max(1, int(np.argmax(model.validation_score_)))
        logit = _logits(model, trees, self.X_valid[settings.features])
        return Trial(settings, trees, self.loss(logit)), logit, model

    def _classifier(
        self, settings: TreeSettings, trees: int, *, early_stopping: bool
    ) -> "HistGradientBoostingClassifier":
        from sklearn.ensemble import HistGradientBoostingClassifier

        options = {**asdict(settings), "early_stopping": early_stopping}
        del options["features"]
        return HistGradientBoostingClassifier(
            **options, max_iter=trees, n_iter_no_change=PATIENCE, random_state=self.seed
        )


def _logits(model: "HistGradientBoostingClassifier", trees: int, X: np.ndarray) -> np.ndarray:
    """Logits (N,) of the first `trees` trees, of features (N, C)."""
    return next(islice(model.staged_decision_function(X), trees - 1, None)).ravel()


def _labels_and_weights(y: ArrayLike, weight: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    y = np.asarray(y)
    return labels_and_scores(y, np.ones(len(y)) if weight is None else weight, "weight")


def _unless_ones(weight: np.ndarray) -> np.ndarray | None:
    """None for weights of 1: weighted binning makes a fit to 6,000 leads x 77 features take 0.6 s instead of 0.2 s."""
    return None if (weight == 1).all() else weight


def _splittable(matrix: Any, leads: int) -> np.ndarray:
    """Columns (C,) that vary and are not 0 in at least 10 of the first leads: no candidate can split on the others."""
    first = sparse.csc_matrix(matrix[:leads], copy=True)
    first.eliminate_zeros()
    filled = np.diff(first.indptr)
    least, most = (np.asarray(end.todense()).ravel() for end in (first.min(axis=0), first.max(axis=0)))
    return np.flatnonzero((filled >= min(_CHOICES["min_samples_leaf"])) & (least < most))


def _dense(matrix: Any, columns: np.ndarray) -> np.ndarray:
    chosen = matrix[:, columns]
    return np.asarray(chosen.todense() if sparse.issparse(chosen) else chosen, dtype=np.float32)


def _as_dict(trial: Trial) -> dict[str, Any]:
    return {**asdict(trial.settings), "trees": trial.trees, "log_loss": trial.log_loss}
