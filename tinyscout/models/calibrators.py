"""Calibrators: monotone maps from a model's logits to logits that mean what they say.

Fitted on leads later than everything the model saw. All keep the order of leads, so no ranking figure moves.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.scores import probability

_LEAST_SLOPE = 1e-3  # above 0, so that an order that says nothing on the slice is flattened, never reversed or lost


@dataclass(frozen=True)
class Platt:
    """logit -> slope * logit + shift (Platt 1999)."""

    slope: float
    shift: float

    @classmethod
    def fit(cls, logit: ArrayLike, y: ArrayLike, *, prior_rows: float = 0.0) -> Self:
        """Likeliest on logits (N,) and labels (N,) of 0 and 1; ValueError unless both labels occur.

        prior_rows adds as many pseudo-leads that reply just as the logits say: a small slice under drift should not
        move the probabilities far.
        """
        y, logit = _both_labels(y, logit)
        pull = prior_rows / len(y)
        target = (_smoothed(y) + pull * probability(logit)) / (1 + pull)
        slope, shift = _maximum_likelihood(logit[:, None], target, [1.0])
        return cls(slope, shift)

    def transform(self, logit: ArrayLike) -> np.ndarray:
        """Calibrated logits (N,) float64."""
        return self.slope * np.asarray(logit, dtype=np.float64) + self.shift

    def to_state(self) -> dict[str, Any]:
        """Slope and shift."""
        return {"slope": self.slope, "shift": self.shift}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The calibrator that to_state described."""
        return cls(state["slope"], state["shift"])


@dataclass(frozen=True)
class Beta:
    """logit -> on_yes * log p - on_no * log(1 - p) + shift (Kull, Silva Filho and Flach 2017, eq. 3).

    It can bend the two ends differently; with on_yes = on_no it is Platt.
    """

    on_yes: float
    on_no: float
    shift: float

    @classmethod
    def fit(cls, logit: ArrayLike, y: ArrayLike) -> Self:
        """Maximum likelihood on logits (N,) and labels (N,) of 0 and 1; ValueError unless both labels occur."""
        y, logit = _both_labels(y, logit)
        on_yes, on_no, shift = _maximum_likelihood(_log_odds_parts(logit), _smoothed(y), [1.0, 1.0])
        return cls(on_yes, on_no, shift)

    def transform(self, logit: ArrayLike) -> np.ndarray:
        """Calibrated logits (N,) float64."""
        return _log_odds_parts(np.asarray(logit, dtype=np.float64)) @ np.array([self.on_yes, self.on_no]) + self.shift

    def to_state(self) -> dict[str, Any]:
        """The three numbers."""
        return {"on_yes": self.on_yes, "on_no": self.on_no, "shift": self.shift}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The calibrator that to_state described."""
        return cls(state["on_yes"], state["on_no"], state["shift"])


def base_rate_shift(fitted_rate: float, expected_rate: float) -> float:
    """What to add to logits when the reply rate is expected to differ from that of the leads they were fitted to.

    Right where only the share of repliers changed, not what they look like (Saerens, Latinne and Decaestecker 2002,
    eq. 2.4). Raises ValueError unless both rates lie between 0 and 1.
    """
    for name, rate in (("fitted_rate", fitted_rate), ("expected_rate", expected_rate)):
        if not 0 < rate < 1:
            raise ValueError(f"base_rate_shift: {name} is {rate}; needs a rate between 0 and 1, such as 0.04")
    return float(np.log(expected_rate / (1 - expected_rate)) - np.log(fitted_rate / (1 - fitted_rate)))


def _both_labels(y: ArrayLike, logit: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, logit = labels_and_scores(y, logit)
    if not 0 < y.sum() < len(y):
        raise ValueError(f"calibration needs leads of both labels; {int(y.sum())} of {len(y)} replied")
    return y, logit


def _log_odds_parts(logit: np.ndarray) -> np.ndarray:
    """log p and -log(1 - p), side by side (N, 2), without overflow."""
    return np.stack([-np.logaddexp(0, -logit), np.logaddexp(0, logit)], axis=-1)


def _smoothed(y: np.ndarray) -> np.ndarray:
    """Labels (N,) drawn in by Platt's prior (his section 2.2): of n repliers, each counts as (n + 1) / (n + 2).

    A slice that the model orders perfectly then doesn't lead to infinite certainty.
    """
    repliers, silent = y.sum(), (1 - y).sum()
    return np.where(y == 1, (repliers + 1) / (repliers + 2), 1 / (silent + 2))


def _maximum_likelihood(parts: np.ndarray, target: np.ndarray, start: list[float]) -> list[float]:
    """Slopes of parts (N, K), none below 0.001, then the shift, that make target (N,) likeliest: K + 1 numbers."""
    from scipy.optimize import minimize

    def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        logit = parts @ theta[:-1] + theta[-1]
        residual = (probability(logit) - target) / len(target)
        loss = (np.logaddexp(0, logit) - target * logit).mean()
        return float(loss), np.append(parts.T @ residual, residual.sum())

    bounds = [(_LEAST_SLOPE, None)] * len(start) + [(None, None)]
    options = {"ftol": 0.0, "gtol": 1e-9, "maxiter": 1_000}
    found = minimize(loss_and_gradient, [*start, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return [float(number) for number in found.x]
