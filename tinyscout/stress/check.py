"""The check: do log loss and credit waste of the scout fall by half against the better yardstick, surely?

Built to be disbelieved: it knows contestants by their logits alone, judges all of them on the same leads and the same
bootstrap draws, and prints everything, whatever it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import probability
from tinyscout.metrics.bootstrap import DRAWS, Interval, Resampled, mean_interval, resample
from tinyscout.metrics.table import Table

ORACLE = "oracle"
RULE = ("log_loss", "credit_waste")  # the metrics that the check judges by
METRICS = (*RULE, "brier", "roc_auc")
NAMES = {"log_loss": "log loss", "credit_waste": "credit waste", "brier": "Brier", "roc_auc": "ROC AUC"}
NEEDED = 0.5  # the fall that the lower end of each interval has to reach


@dataclass(frozen=True)
class Judged:
    """Attacked leads that all contestants are judged on, by part: seen families, held-out ones, searches.

    part (M,) str; truth as in `families.Attacked`.
    """

    tables: LeadTables
    truth: pd.DataFrame
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.part)

    @property
    def groups(self) -> np.ndarray:
        """The source lead of every variant, (M,) str."""
        return self.tables.leads["lead_id"].to_numpy(str)

    @property
    def oracle(self) -> np.ndarray:
        """Log-odds of the exact probabilities, (M,)."""
        return oracle_logits(self.truth["reply_probability"].to_numpy())


@dataclass(frozen=True)
class Check:
    """What the check found.

    figures: part -> metric -> contestant -> figure ("all" is every judged lead); falls: candidate -> metric -> fall
    against the better yardstick; parts: the same by part, each against what is better there, the oracle among them;
    gaps: part -> contestant -> mean KL(oracle || contestant); differences: contestant -> metric -> its figure minus
    that of `beside`, the better yardstick by that metric; passed: whether each fall of each candidate surely reaches
    NEEDED.
    """

    figures: dict[str, dict[str, dict[str, float]]]
    leads: dict[str, int]
    falls: dict[str, dict[str, Interval]]
    better: dict[str, str]
    ceiling: dict[str, Interval]
    parts: dict[str, "Falls"]
    gaps: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Interval]]
    beside: dict[str, str]

    @property
    def passed(self) -> bool:
        return bool(self.falls) and all(fall.low >= NEEDED for found in self.falls.values() for fall in found.values())

    @property
    def least_ceiling(self) -> float:
        """The smaller fall of the oracle: the most that there is to be had."""
        return min(self.ceiling[metric].value for metric in RULE)

    def text(self) -> str:
        """The tables and the verdict as plain ASCII text."""
        names = list(self.figures["all"][METRICS[0]])
        head = ["all judged leads", *(NAMES[metric] for metric in METRICS), "KL from\nthe oracle"]
        whole = self.figures["all"]
        rows = [
            [name, *(shown(metric, whole[metric][name]) for metric in METRICS), f"{self.gaps['all'][name].value:.3f}"]
            for name in names
        ]
        parts = [Table(head, rows).text(), self.differences_text("all judged leads")]
        for metric in RULE:
            some = {part: found[metric] for part, found in self.figures.items() if part != "all"}
            title = f"{metric.replace('_', ' ')} by part"
            rows = [[name, *(shown(metric, found[name]) for found in some.values())] for name in names]
            parts.append(Table([title, *(f"{part}\n{self.leads[part]:,} leads" for part in some)], rows).text())
        for metric in RULE if len(self.parts) > 1 else ():
            title = f"fall in {metric.replace('_', ' ')} by part"
            heads = (f"{part}\nagainst {found.better[metric]}" for part, found in self.parts.items())
            rows = [
                [name, *(percent(found.of[name][metric]) for found in self.parts.values())]
                for name in (ORACLE, *self.falls)
            ]
            parts.append(Table([title, *heads], rows).text())
        head = ["KL from the oracle by part", *(part for part in self.gaps if part != "all")]
        rows = [[name, *(interval(self.gaps[part][name]) for part in head[1:])] for name in names if name != ORACLE]
        parts.append(Table(head, rows).text())
        head = ["fall", *(f"{metric.replace('_', ' ')}\nagainst {self.better[metric]}" for metric in RULE)]
        falls = {f"{ORACLE} (the most there is)": self.ceiling, **self.falls}
        parts.append(Table(head, [[name, *(percent(found[m]) for m in RULE)] for name, found in falls.items()]).text())
        least = min(fall.low for found in self.falls.values() for fall in found.values())
        verdict = "reaches" if self.passed else "DOES NOT REACH"
        parts.append(f"The least lower end of a fall is {100 * least:.1f} %: it {verdict} {100 * NEEDED:.0f} %.")
        return "\n\n".join(parts)

    def differences_text(self, title: str) -> str:
        """How far each contestant is from the better yardstick, paired, by all metrics."""
        head = [title, *(f"{NAMES[metric]} minus\n{self.beside[metric]}" for metric in METRICS)]
        rows = [[name, *(interval(own[metric]) for metric in METRICS)] for name, own in self.differences.items()]
        return Table(head, rows).text()

    def to_json(self) -> dict[str, Any]:
        """The same numbers for json.dumps, None where a figure is not defined."""
        found = {
            "figures": self.figures,
            "differences": {
                name: {metric: each.to_dict() for metric, each in own.items()} for name, own in self.differences.items()
            },
            "beside": self.beside,
            "leads": self.leads,
            **Falls(self.better, self.falls).to_json(),
            "ceiling": {metric: each.to_dict() for metric, each in self.ceiling.items()},
            "parts": {part: found.to_json() for part, found in self.parts.items()},
            "gaps": {part: {name: each.to_dict() for name, each in gaps.items()} for part, gaps in self.gaps.items()},
            "passed": self.passed,
        }
        return defined(found)


@dataclass(frozen=True)
class Falls:
    """better: metric -> the yardstick of the lower figure; of: contestant -> metric -> fall against it."""

    better: dict[str, str]
    of: dict[str, dict[str, Interval]]

    @classmethod
    def among(cls, found: Resampled, yardsticks: Sequence[str], names: Sequence[str]) -> "Falls":
        """Of `names`, each metric against the yardstick that is better at it."""
        better = {metric: min(yardsticks, key=found.value[metric].__getitem__) for metric in RULE}
        return cls(
            better, {name: {metric: found.fall(metric, name, better[metric]) for metric in RULE} for name in names}
        )

    def to_json(self) -> dict[str, Any]:
        """The same for json.dumps."""
        falls = {name: {metric: each.to_dict() for metric, each in found.items()} for name, found in self.of.items()}
        return {"falls": falls, "better": self.better}


def check(
    judged: Judged,
    logits: Mapping[str, np.ndarray],
    *,
    yardsticks: Sequence[str],
    candidates: Sequence[str],
    draws: int = DRAWS,
    seed: int = 0,
) -> Check:
    """Judge contestants (M,) on the judged leads; the oracle is always one of them.

    yardsticks, candidates: names of contestants. For each metric the yardstick with the lower figure counts.
    Raises ValueError where there is nobody to judge, or to judge by.
    """
    if not yardsticks or not candidates:
        raise ValueError(f"check: {len(yardsticks)} yardsticks and {len(candidates)} candidates; needs one of each")
    everyone = {**logits, ORACLE: judged.oracle}
    y, chance = judged.tables.labels, judged.truth["reply_probability"].to_numpy()
    found = resample(y, everyone, metrics=METRICS, groups=judged.groups, draws=draws, seed=seed)
    gap = {name: divergence(chance, logit) for name, logit in everyone.items()}
    figures, leads = {"all": found.value}, {"all": len(judged)}
    gaps, falls = {"all": _means(gap, judged.groups, draws, seed)}, {}
    for part in sorted(set(judged.part)):
        rows = np.flatnonzero(judged.part == part)
        own = {name: logit[rows] for name, logit in everyone.items()}
        figures[part] = resample(y[rows], own, metrics=METRICS, draws=1).value
        some = {name: own[name] for name in (*yardsticks, *candidates, ORACLE)}
        drawn = resample(y[rows], some, metrics=RULE, groups=judged.groups[rows], draws=draws, seed=seed)
        falls[part] = Falls.among(drawn, yardsticks, (ORACLE, *candidates))
        gaps[part] = _means({name: each[rows] for name, each in gap.items()}, judged.groups[rows], draws, seed)
        leads[part] = len(rows)
    whole = Falls.among(found, yardsticks, (ORACLE, *candidates))
    high = {"roc_auc": max}
    beside = {metric: high.get(metric, min)(yardsticks, key=found.value[metric].__getitem__) for metric in METRICS}
    return Check(
        figures=figures,
        leads=leads,
        falls={name: whole.of[name] for name in candidates},
        better=whole.better,
        ceiling=whole.of[ORACLE],
        parts=falls,
        gaps=gaps,
        differences={
            name: {metric: found.difference(metric, name, beside[metric]) for metric in METRICS} for name in everyone
        },
        beside=beside,
    )


def oracle_logits(chance: np.ndarray) -> np.ndarray:
    """Log-odds of exact probabilities (N,)."""
    chance = np.clip(chance, 1e-12, 1 - 1e-12)
    return np.log(chance / (1 - chance))


def _means(values: Mapping[str, np.ndarray], groups: np.ndarray, draws: int, seed: int) -> dict[str, Interval]:
    return {name: mean_interval(each, groups=groups, draws=draws, seed=seed) for name, each in values.items()}


def divergence(chance: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """KL(oracle || model) of each lead in nats, (M,): exact probabilities against logits; it has no label noise."""
    p, q = np.clip(chance, 1e-12, 1 - 1e-12), np.clip(probability(logit), 1e-7, 1 - 1e-7)
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def defined(value: Any) -> Any:
    """The same with None where a number is not defined, as JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: defined(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [defined(each) for each in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def interval(found: Interval) -> str:
    """A figure and its interval as tables print them."""
    return "-" if np.isnan(found.value) else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def percent(fall: Interval) -> str:
    """A fall as tables print it, with its interval."""
    return "-" if np.isnan(fall.value) else f"{100 * fall.value:.1f} % ({100 * fall.low:.1f} to {100 * fall.high:.1f})"


def shown(metric: str, value: float) -> str:
    """A figure as tables print it."""
    return "-" if np.isnan(value) else f"{value:.3f}" if metric != "log_loss" else f"{value:.4f}"
