"""The check: do log loss and credit waste of the scout fall by half against the better yardstick, surely?

Built to be disbelieved: it knows contestants by their logits alone, judges all of them on the same leads and the same
bootstrap draws, and prints everything, whatever it says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import probability
from tinyscout.metrics.bootstrap import DRAWS, Interval, Resampled, mean_interval, resample
from tinyscout.metrics.table import Table

ORACLE, COIN = "oracle", "one half for every lead"  # who are always among the contestants
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

    figures: part -> metric -> contestant -> figure ("all" is every judged lead); leads: how many a part has; falls:
    candidate -> metric -> fall against the yardstick that is `better` by it; ceiling: the oracle's falls; parts: falls
    by part, each against what is better there, the oracle's among them; beyond_coin: candidate -> fall in log loss
    against one half for every lead; gaps: part -> contestant -> mean KL(oracle || contestant); differences: part ->
    every contestant minus the better yardstick; passed: whether each fall of each candidate surely reaches NEEDED.
    """

    figures: dict[str, dict[str, dict[str, float]]]
    leads: dict[str, int]
    falls: dict[str, dict[str, Interval]]
    better: dict[str, str]
    ceiling: dict[str, Interval]
    parts: dict[str, "Falls"]
    beyond_coin: dict[str, Interval]
    gaps: dict[str, dict[str, Interval]]
    differences: dict[str, "Differences"]

    @property
    def passed(self) -> bool:
        return least_end(self.falls) >= NEEDED

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
        parts = [Table(head, rows).text(), self.differences["all"].text("all judged leads")]
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
        parts += [found.text(part) for part, found in self.differences.items() if part != "all"]
        head = ["KL from the oracle by part", *(part for part in self.gaps if part != "all")]
        rows = [[name, *(interval(self.gaps[part][name]) for part in head[1:])] for name in names if name != ORACLE]
        parts.append(Table(head, rows).text())
        head = ["fall", *(f"{metric.replace('_', ' ')}\nagainst {self.better[metric]}" for metric in RULE)]
        falls = {f"{ORACLE} (the most there is)": self.ceiling, **self.falls}
        parts.append(Table(head, [[name, *(percent(found[m]) for m in RULE)] for name, found in falls.items()]).text())
        coin = ", ".join(f"{name} {percent(found)}" for name, found in self.beyond_coin.items())
        parts.append(f"Fall in log loss against {COIN}: {coin}.")
        parts.append(f"The least lower end of a fall {ends(least_end(self.falls))}.")
        return "\n\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The same numbers for json.dumps, None where a figure is not defined."""
        found = {
            "figures": self.figures,
            "differences": {part: found.to_json() for part, found in self.differences.items()},
            "leads": self.leads,
            "beyond_coin": dicts(self.beyond_coin),
            **Falls(self.better, self.falls).to_json(),
            "ceiling": dicts(self.ceiling),
            "parts": {part: found.to_json() for part, found in self.parts.items()},
            "gaps": {part: dicts(gaps) for part, gaps in self.gaps.items()},
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
        better = better_of(found, yardsticks, RULE)
        return cls(
            better, {name: {metric: found.fall(metric, name, better[metric]) for metric in RULE} for name in names}
        )

    def to_json(self) -> dict[str, Any]:
        """The same for json.dumps."""
        return {"falls": {name: dicts(found) for name, found in self.of.items()}, "better": self.better}


@dataclass(frozen=True)
class Differences:
    """better: metric -> the yardstick that is better by it; of: contestant -> metric -> its figure minus that one's."""

    better: dict[str, str]
    of: dict[str, dict[str, Interval]]

    @classmethod
    def among(cls, found: Resampled, yardsticks: Sequence[str], names: Iterable[str]) -> "Differences":
        """Of `names`, paired, by every metric."""
        better = better_of(found, yardsticks, METRICS)
        of = {name: {metric: found.difference(metric, name, better[metric]) for metric in METRICS} for name in names}
        return cls(better, of)

    def text(self, title: str) -> str:
        """A table of them."""
        head = [title, *(f"{NAMES[metric]} minus\n{self.better[metric]}" for metric in METRICS)]
        rows = [[name, *(interval(own[metric]) for metric in METRICS)] for name, own in self.of.items()]
        return Table(head, rows).text()

    def to_json(self) -> dict[str, Any]:
        """The same for json.dumps."""
        return {"of": {name: dicts(found) for name, found in self.of.items()}, "better": self.better}


def check(
    judged: Judged,
    logits: Mapping[str, np.ndarray],
    *,
    yardsticks: Sequence[str],
    candidates: Sequence[str],
    draws: int = DRAWS,
    seed: int = 0,
) -> Check:
    """Judge contestants (M,) on the judged leads; the oracle and a coin are always among them.

    yardsticks, candidates: names of contestants. For each metric the yardstick with the lower figure counts.
    Raises ValueError where there is nobody to judge, or to judge by.
    """
    if not yardsticks or not candidates:
        raise ValueError(f"check: {len(yardsticks)} yardsticks and {len(candidates)} candidates; needs one of each")
    everyone = {**logits, COIN: np.zeros(len(judged)), ORACLE: judged.oracle}
    y, chance = judged.tables.labels, judged.truth["reply_probability"].to_numpy()
    how = {"metrics": METRICS, "draws": draws, "seed": seed}
    found = resample(y, everyone, groups=judged.groups, **how)
    gap = {name: divergence(chance, logit) for name, logit in everyone.items()}
    figures, leads = {"all": found.value}, {"all": len(judged)}
    gaps, parts = {"all": _means(gap, judged.groups, draws, seed)}, {}
    differences = {"all": Differences.among(found, yardsticks, everyone)}
    for part in sorted(set(judged.part)):
        rows = np.flatnonzero(judged.part == part)
        own = {name: logit[rows] for name, logit in everyone.items()}
        drawn = resample(y[rows], own, groups=judged.groups[rows], **how)
        figures[part] = drawn.value
        parts[part] = Falls.among(drawn, yardsticks, (ORACLE, *candidates))
        differences[part] = Differences.among(drawn, yardsticks, everyone)
        gaps[part] = _means({name: each[rows] for name, each in gap.items()}, judged.groups[rows], draws, seed)
        leads[part] = len(rows)
    whole = Falls.among(found, yardsticks, (ORACLE, *candidates))
    return Check(
        figures=figures,
        leads=leads,
        falls={name: whole.of[name] for name in candidates},
        better=whole.better,
        ceiling=whole.of[ORACLE],
        parts=parts,
        beyond_coin={name: found.fall("log_loss", name, COIN) for name in candidates},
        gaps=gaps,
        differences=differences,
    )


def least_end(falls: Mapping[str, Mapping[str, Interval]]) -> float:
    """The least lower end of all falls; NaN where one is not defined, or there is none."""
    lows = [fall.low for found in falls.values() for fall in found.values()]
    return float(np.min(lows)) if lows else float("nan")


def ends(low: float) -> str:
    """Whether a lower end reaches NEEDED, in words, rounded so that the words and the number agree."""
    if np.isnan(low):
        return "is not defined"
    words = "reaches" if low >= NEEDED else "DOES NOT REACH"
    return f"is {np.floor(1000 * low) / 10:.1f} %: it {words} {100 * NEEDED:.0f} %"


def better_of(found: Resampled, yardsticks: Sequence[str], metrics: Sequence[str]) -> dict[str, str]:
    """Metric -> the yardstick that is better by it."""
    return {
        metric: (max if metric == "roc_auc" else min)(yardsticks, key=found.value[metric].__getitem__)
        for metric in metrics
    }


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


def dicts(found: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    """Intervals by name for json.dumps."""
    return {name: each.to_dict() for name, each in found.items()}


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
