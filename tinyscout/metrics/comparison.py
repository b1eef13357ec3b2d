"""The table every phase, benchmark and evaluation shows: models side by side, and what the differences are worth.

All models are judged on the same leads. Under the figures stand the paired differences against a reference with
their 95 % intervals, and a sentence on each model that says no more than the interval allows.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.bootstrap import DRAWS, Interval, resample
from tinyscout.metrics.calibration import interval_beyond_noise
from tinyscout.metrics.gains import MIN_REPLIERS
from tinyscout.metrics.inputs import as_vector
from tinyscout.metrics.summary import summary
from tinyscout.metrics.table import Table

if TYPE_CHECKING:
    from rich.console import Group

DIFFERENCES = {"log_loss": "log loss", "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "credit_waste": "credit waste"}
_LOWER_IS_BETTER = ("log_loss", "credit_waste")


@dataclass(frozen=True)
class Comparison:
    """Figures of several models on the same leads and their differences from the reference."""

    rows: dict[str, dict[str, float | int]]  # model -> summary, with ms_per_lead where it was measured
    calibration: dict[str, Interval]
    reference: str
    differences: dict[str, dict[str, Interval]]  # model -> metric -> model minus reference
    draws: int

    def verdicts(self) -> list[str]:
        """One sentence for each model but the reference on log loss and one on credit waste."""
        return [
            _verdict(name, self.reference, metric, found[metric])
            for name, found in self.differences.items()
            for metric in _LOWER_IS_BETTER
        ]

    def text(self) -> str:
        """The tables and verdicts as plain ASCII lines of at most 110 columns."""
        parts = [self.headline(), self._figures().text()]
        if self.differences:
            sentences = [textwrap.fill(verdict, 110, subsequent_indent="  ") for verdict in self.verdicts()]
            parts += ["", self._differences().text(), "", *sentences]
        return "\n".join(parts)

    def to_rich(self) -> "Group":
        """The same for a rich console; rich is imported here."""
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = [Text(self.headline()), self._figures().to_rich()]
        if self.differences:
            sentences = [Text(verdict) for verdict in self.verdicts()]
            parts += [Text(), self._differences().to_rich(), Text(), *sentences]
        return Group(*parts)

    def to_json(self) -> dict[str, Any]:
        """The same numbers as a dictionary for json.dumps; what is undefined is None.

        Keys: reference, draws, models {name: summary keys, calibration_low, calibration_high, ms_per_lead if
        measured}, differences {name: {metric: {value, low, high}}}, verdicts.
        """
        models = {}
        for name, row in self.rows.items():
            interval = {"calibration_low": self.calibration[name].low, "calibration_high": self.calibration[name].high}
            models[name] = {key: _number(value) for key, value in (row | interval).items()}
        differences = {
            name: {
                metric: {key: _number(value) for key, value in interval.to_dict().items()}
                for metric, interval in found.items()
            }
            for name, found in self.differences.items()
        }
        return {
            "reference": self.reference,
            "draws": self.draws,
            "models": models,
            "differences": differences,
            "verdicts": self.verdicts(),
        }

    def headline(self) -> str:
        """What the table is on: leads, repliers, base rate."""
        row = self.rows[self.reference]
        line = (
            f"{row['n']:,} leads, {row['positives']:,} repliers "
            f"(base rate {row['base_rate']:.3f}, the PR AUC of a random order)"
        )
        if row["positives"] < MIN_REPLIERS:
            line += f"; credit waste needs {MIN_REPLIERS} repliers"
        return line

    def _figures(self) -> Table:
        columns = {
            "log loss": lambda name, row: _fixed(row["log_loss"], 4),
            "Brier": lambda name, row: _fixed(row["brier"], 4),
            "ROC AUC": lambda name, row: _fixed(row["roc_auc"], 3),
            "PR AUC": lambda name, row: _fixed(row["pr_auc"], 3),
            "calibration error\n(95 % interval)": lambda name, row: _with_interval(self.calibration[name], 3, ""),
            "credit\nwaste": lambda name, row: _fixed(row["credit_waste"], 3),
            "precision\n@10 %": lambda name, row: _fixed(row["precision_at_10"], 3),
            "lift\n@10 %": lambda name, row: _fixed(row["lift_at_10"], 2),
        }
        if any("ms_per_lead" in row for row in self.rows.values()):
            columns["ms a\nlead"] = lambda name, row: _fixed(row.get("ms_per_lead", float("nan")), 3)
        cells = [[_wrapped(name), *(cell(name, row) for cell in columns.values())] for name, row in self.rows.items()]
        return Table(["model", *columns], cells)

    def _differences(self) -> Table:
        shown = [metric for metric in DIFFERENCES if metric != "pr_auc"]  # a fourth would pass 110 columns
        cells = [
            [_wrapped(name), *(_with_interval(found[metric], 4, "+") for metric in shown)]
            for name, found in self.differences.items()
        ]
        return Table(
            [f"minus\n{_wrapped(self.reference)}", *(f"{DIFFERENCES[metric]}\n(95 % interval)" for metric in shown)],
            cells,
        )


def comparison(
    y: ArrayLike,
    logits: Mapping[str, ArrayLike],
    *,
    reference: str,
    groups: ArrayLike | None = None,
    ms_per_lead: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Compare models on the same leads: y (N,) of 0 and 1, logits {model: (N,)}, reference one of the models.

    groups (N,) names the source lead of each row where rows aren't independent; ms_per_lead gives measured times to
    show beside the figures, for some or all models. Raises ValueError for an unknown reference or model.
    """
    if reference not in logits:
        raise ValueError(f"reference is {reference!r}; needs one of {', '.join(logits)}")
    times = dict(ms_per_lead or {})
    stray = [name for name in times if name not in logits]
    if stray:
        raise ValueError(f"ms_per_lead has a time for {stray[0]!r}, which is none of {', '.join(logits)}")
    given = {name: as_vector(logit, f"logit of {name}") for name, logit in logits.items()}
    found = resample(y, given, metrics=[*DIFFERENCES, "calibration_error"], groups=groups, draws=draws, seed=seed)
    return Comparison(
        rows={
            name: summary(y, logit) | ({"ms_per_lead": float(times[name])} if name in times else {})
            for name, logit in given.items()
        },
        calibration={name: interval_beyond_noise(found, name, logit) for name, logit in given.items()},
        reference=reference,
        differences={
            name: {metric: found.difference(metric, name, reference) for metric in DIFFERENCES}
            for name in given
            if name != reference
        },
        draws=draws,
    )


def _verdict(name: str, reference: str, metric: str, difference: Interval) -> str:
    """What the interval of name - reference allows to be said; for both metrics lower is better."""
    what = DIFFERENCES[metric]
    if np.isnan(difference.value):
        return f"{name} and {reference}: {what} is undefined on these leads"
    if difference.excludes_zero:
        better, worse = (name, reference) if difference.value < 0 else (reference, name)
        ends = sorted((abs(difference.low), abs(difference.high)))
        return (
            f"{better} beats {worse} by {abs(difference.value):.4f} {what} "
            f"(95 % interval {ends[0]:.4f} to {ends[1]:.4f})"
        )
    return (
        f"no difference shown, {name} and {reference}: {what} {difference.value:+.4f} "
        f"(95 % interval {difference.low:+.4f} to {difference.high:+.4f})"
    )


def _wrapped(name: str) -> str:
    return textwrap.fill(name, 18)


def _with_interval(figure: Interval, digits: int, sign: str) -> str:
    if np.isnan(figure.value):
        return "-"
    value, low, high = (f"{number:{sign}.{digits}f}" for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})" if sign else f"{value} ({low}-{high})"


def _fixed(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _number(value: float | int) -> float | int | None:
    return None if isinstance(value, float) and not np.isfinite(value) else value
