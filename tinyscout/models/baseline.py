"""LogisticBaseline: the additive lead score that everything here is measured against.

It is fitted by L-BFGS on the gradients of our own autograd. `coef_` belongs to standardised features, `raw_coef` to
features as they come; the matrix stays sparse throughout, because centring is folded into the intercept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from tinyscout.autograd import Tensor, ops
from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.scores import row_losses

L2_GRID = (3_000.0, 1_000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
"""Penalties to choose from, strongest first: each fit starts where the one before ended."""

YARDSTICK_MIN_SCALE = 1.0
"""`min_scale` of the baseline that everything is measured against: what made it strongest on later leads."""

TOLERANCE = 1e-9
"""Greatest slope of the mean loss that a fit may end at: coefficients are then right to 1e-4 and better."""

_MAX_STEPS = 10_000


class LogisticBaseline:
    """L2-penalised logistic regression on standardised features, in float64.

    It minimises sum_i weight_i * loss_i + l2 / 2 * |coef_|^2, intercept unpenalised, which is scikit-learn's
    LogisticRegression(C=1 / l2) on standardised columns. A row of weight 2 is that row twice. Features come clipped
    to their training range (BaselineFeatures does that).

    min_scale is the least number a column is divided by. At 0 every column is standardised, and a category that one
    lead in a thousand has is blown up thirtyfold, which leaves it all but unpenalised; at 1 (YARDSTICK_MIN_SCALE)
    only what varies more than that is shrunk. Log loss on later leads, from 0 to 1, refitted on all earlier ones
    (three dates each): x_education .5253 .4549 .4617 to .5176 .4539 .4569, college_messages .5982 .6289 .6361 to
    .5955 .6255 .6317 (benchmarks/yardstick.py).
    """

    coef_: np.ndarray  # (F,) logit per standard deviation of a feature
    intercept_: float  # logit of a lead with every feature at its mean
    mean_: np.ndarray  # (F,)
    scale_: np.ndarray  # (F,) standard deviation, 1 where a column is constant
    validation_: dict[float, float]  # l2 -> log loss on the validation leads, where fit_best chose

    def __init__(self, l2: float = 1.0, *, min_scale: float = 0.0, tolerance: float = TOLERANCE) -> None:
        """l2 is the strength of the penalty, 1 / C in scikit-learn's terms. Raises ValueError unless it is above 0."""
        if not (np.isfinite(l2) and l2 > 0):
            raise ValueError(f"LogisticBaseline: l2 is {l2}; needs a finite number above 0")
        self.l2 = float(l2)
        self.min_scale, self.tolerance = min_scale, tolerance
        self.validation_ = {}

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to features X (N, F), sparse or dense, labels y (N,) of 0 and 1 and weights (N,) of at least 0.

        Raises ValueError for a feature that is NaN or infinite, and unless leads of both labels have weight.
        """
        problem = _Problem.of(X, y, sample_weight, self.min_scale)
        self._take(problem, problem.minimise(self.l2, problem.start(), self.tolerance))
        return self

    @classmethod
    def fit_best(
        cls,
        X: Any,
        y: ArrayLike,
        X_valid: Any,
        y_valid: ArrayLike,
        grid: Sequence[float] = L2_GRID,
        *,
        sample_weight: ArrayLike | None = None,
        valid_weight: ArrayLike | None = None,
        min_scale: float = 0.0,
        tolerance: float = TOLERANCE,
        refit: bool = False,
    ) -> Self:
        """Fit for every l2 of the grid and return the model of least (weighted) log loss on later, validation leads.

        With refit the chosen l2 is fitted again to training and validation leads together: right for a yardstick
        judged on still later leads, wrong where the validation leads serve once more, to stop or to calibrate.
        """
        if len(grid) == 0:
            raise ValueError("LogisticBaseline.fit_best: grid is empty; needs at least one l2")
        problem = _Problem.of(X, y, sample_weight, min_scale)
        X_valid = _as_csr(X_valid)
        y_valid, _ = labels_and_scores(y_valid, np.zeros(X_valid.get_shape()[0]), "X_valid")
        valid_weight = _weights(valid_weight, len(y_valid))
        theta = problem.start()
        models, losses = {}, {}
        for l2 in sorted(map(float, grid), reverse=True):
            model = models[l2] = cls(l2, min_scale=min_scale, tolerance=tolerance)
            theta = problem.minimise(l2, theta, tolerance)
            model._take(problem, theta)
            losses[l2] = float(np.average(row_losses(y_valid, model.decision_function(X_valid)), weights=valid_weight))
        best = models[min(losses, key=losses.__getitem__)]
        if refit:
            both = sparse.vstack([_as_csr(X), X_valid], format="csr")
            best.fit(both, np.append(problem.y, y_valid), np.append(problem.weight, valid_weight))
        best.validation_ = losses
        return best

    @property
    def raw_coef(self) -> np.ndarray:
        """Coefficients (F,) for features that are not standardised."""
        return self.coef_ / self.scale_

    @property
    def raw_intercept(self) -> float:
        """Intercept for features that are not standardised: the logit of a lead with all features 0."""
        return self.intercept_ - float(self.mean_ @ self.raw_coef)

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits (N,) float64 of features (N, F), sparse or dense."""
        matrix = _as_csr(X)
        if matrix.get_shape()[1] != len(self.coef_):
            raise ValueError(
                f"LogisticBaseline: X has {matrix.get_shape()[1]} features, the model was fitted to {len(self.coef_)}; "
                "make X with the features object of that fit"
            )
        return matrix @ self.raw_coef + self.raw_intercept

    def to_state(self) -> dict[str, Any]:
        """All that decision_function needs, as what JSON can hold."""
        return {
            "l2": self.l2,
            "min_scale": self.min_scale,
            "coef": self.coef_.tolist(),
            "intercept": self.intercept_,
            "mean": self.mean_.tolist(),
            "scale": self.scale_.tolist(),
            "validation": [[l2, loss] for l2, loss in self.validation_.items()],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The model that to_state described, to the same bits."""
        model = cls(state["l2"], min_scale=state["min_scale"])
        model.coef_, model.intercept_ = np.asarray(state["coef"], np.float64), float(state["intercept"])
        model.mean_, model.scale_ = np.asarray(state["mean"], np.float64), np.asarray(state["scale"], np.float64)
        model.validation_ = {l2: loss for l2, loss in state["validation"]}
        return model

    def _take(self, problem: "_Problem", theta: np.ndarray) -> None:
        self.coef_, self.intercept_ = theta[:-1], float(theta[-1])
        self.mean_, self.scale_ = problem.mean, problem.scale


@dataclass(frozen=True)
class _Problem:
    """Standardised training leads: what the fits for every l2 share."""

    matrix: sparse.csr_matrix  # (N, F) each column divided by its scale, not centred, so that zeros stay
    mean: np.ndarray  # (F,) of the features as they come
    scale: np.ndarray  # (F,)
    y: np.ndarray  # (N,)
    weight: np.ndarray  # (N,)

    @classmethod
    def of(cls, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, min_scale: float) -> "_Problem":
        matrix = sparse.csr_matrix(X, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
        bad = ~np.isfinite(matrix.data)
        if bad.any():
            columns = np.unique(matrix.indices[bad])
            raise ValueError(
                f"LogisticBaseline: X has {bad.sum()} NaN or infinite values, the first in feature {columns[0]}; "
                "a missing value needs a feature of its own"
            )
        y, _ = labels_and_scores(y, np.zeros(matrix.get_shape()[0]), "X")
        weight = _weights(sample_weight, len(y))
        for label in (0, 1):
            if not weight[y == label].sum() > 0:
                raise ValueError(f"LogisticBaseline: no lead with label {label} among {len(y)}; needs both labels")
        mean, variance = _mean_and_variance(matrix, weight / weight.sum())
        constant = variance <= 1e-14 * mean**2  # what rounding leaves
        scale = np.where(constant, 1.0, np.maximum(np.sqrt(np.where(constant, 1.0, variance)), min_scale))
        matrix.data /= scale[matrix.indices]
        return cls(matrix, mean, scale, y, weight)

    def start(self) -> np.ndarray:
        """No coefficients, and the base rate as intercept: (F + 1,)."""
        rate = np.average(self.y, weights=self.weight)
        return np.append(np.zeros(len(self.mean)), np.log(rate / (1 - rate)))

    def minimise(self, l2: float, start: np.ndarray, tolerance: float) -> np.ndarray:
        """Coefficients of standardised features, then the intercept (F + 1,), from a start of that shape."""
        from scipy.optimize import minimize

        centre = self.mean / self.scale
        penalty = l2 / (2 * self.weight.sum())

        def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
            coef, intercept = Tensor(theta[:-1], requires_grad=True), Tensor(theta[-1:], requires_grad=True)
            logits = ops.csr_matmul(coef, matrix=self.matrix) + (intercept - (coef * centre).sum())
            loss = ops.bce_with_logits(logits, targets=self.y, weights=self.weight) + (coef * coef).sum() * penalty
            loss.backward()
            return loss.item(), np.append(np.asarray(coef.grad), np.asarray(intercept.grad))

        options = {"maxiter": _MAX_STEPS, "maxfun": 2 * _MAX_STEPS, "ftol": 0.0, "gtol": tolerance}
        return minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", options=options).x


def _as_csr(X: Any) -> sparse.csr_matrix:
    return sparse.csr_matrix(X, dtype=np.float64)


def _mean_and_variance(matrix: sparse.csr_matrix, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (F,) of each column, rows counting by their share (N,), which adds up to 1."""
    mean = matrix.T @ share
    columns, row_share = matrix.indices, np.repeat(share, np.diff(matrix.indptr))
    of_stored = np.bincount(columns, row_share * (matrix.data - mean[columns]) ** 2, minlength=len(mean))
    zeros = np.maximum(1 - np.bincount(columns, row_share, minlength=len(mean)), 0.0)
    return mean, of_stored + zeros * mean**2


def _weights(weight: ArrayLike | None, rows: int) -> np.ndarray:
    """Weights as float64 (N,), all 1 when None; ValueError unless they are finite and at least 0."""
    if weight is None:
        return np.ones(rows)
    weight = np.asarray(weight, dtype=np.float64)
    if weight.shape != (rows,) or not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError(
            f"LogisticBaseline: weights have shape {weight.shape}; needs {rows} finite numbers, none below 0"
        )
    return weight
