"""Ceiling first: how far the oracle itself falls below the best yardstick, before anything is trained to come near it.

The yardstick is the additive lead score of phase 00, natural and hardened. Where even the oracle gains little on it,
the leads are too noisy or too easily told apart for a check of timelines, and that is to be known beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import World
from tinyscout.metrics import log_loss
from tinyscout.metrics.bootstrap import Interval, Resampled, resample
from tinyscout.metrics.table import Table
from tinyscout.stress.check import ORACLE, RULE, dicts, oracle_logits, percent, shown
from tinyscout.stress.contestants import GRID, Logistic, calibrated_score
from tinyscout.stress.families import families
from tinyscout.stress.ground import Ground
from tinyscout.stress.pools import Pools

NATURAL, HARDENED = "logistic", "logistic, hardened"
LEAST_FALL = 0.65  # of the oracle, for a check to mean anything


@dataclass(frozen=True)
class FamilyFigures:
    """One family's judged leads: what the oracle and the yardsticks lose, and how well these rank twins."""

    family: str
    held_out: bool
    match: str
    leads: int
    base_rate: float
    log_loss: dict[str, float]
    auc_within_pairs: dict[str, float]  # share of pairs whose sleeper scores higher, ties half


@dataclass(frozen=True)
class Ceiling:
    """Falls of the oracle against each yardstick on all judged leads, and the figures by family."""

    falls: dict[str, dict[str, Interval]]  # yardstick -> metric -> fall
    losses: dict[str, dict[str, float]]  # metric -> contestant -> figure
    families: list[FamilyFigures]
    chosen: dict[str, dict[str, float]]

    @property
    def least(self) -> float:
        """The smallest fall of either metric against the better yardstick."""
        return min(interval.value for found in self.falls.values() for interval in found.values())

    def line(self) -> str:
        """What is to be known before anything is trained, in a sentence."""
        least = {metric: min(found[metric].value for found in self.falls.values()) for metric in RULE}
        words = " and ".join(f"{100 * fall:.0f} % in {metric.replace('_', ' ')}" for metric, fall in least.items())
        return f"On written families the oracle falls {words} below the better logistic: {room(self.least)}."

    def text(self) -> str:
        """Both tables as plain text."""
        every = [
            [name, f"{self.losses['log_loss'][name]:.4f}", f"{self.losses['credit_waste'][name]:.3f}"]
            + [percent(self.falls[name][metric]) if name in self.falls else "" for metric in RULE]
            for name in (NATURAL, HARDENED, ORACLE)
        ]
        heads = [
            "all judged leads",
            "log loss",
            "credit\nwaste",
            "oracle's fall,\nlog loss",
            "oracle's fall,\ncredit waste",
        ]
        return f"{Table(heads, every).text()}\n\n{family_table(self.families)}"

    def to_json(self) -> dict[str, Any]:
        """The same numbers for json.dumps."""
        return {
            "falls": {name: dicts(found) for name, found in self.falls.items()},
            "losses": self.losses,
            "families": [asdict(each) for each in self.families],
            "chosen": self.chosen,
        }


def ceiling(pools: Pools, grid: Sequence[float] = GRID, *, draws: int = 2_000) -> Ceiling:
    """Fit both yardsticks and compare the oracle with them on the judged leads of all families."""
    grounds = {
        NATURAL: Ground.natural(pools.train.natural.tables, pools.valid.natural.tables, ("baseline",)),
        HARDENED: Ground.hardened(pools.train, pools.valid, np.random.default_rng(pools.seed), ("baseline",)),
    }
    yardsticks = {name: Logistic.fit(ground, grid=grid) for name, ground in grounds.items()}
    yardsticks[HARDENED] = calibrated_score(yardsticks[HARDENED], grounds[HARDENED].valid)
    judged = pools.test.attacked.world
    logits = {name: each.logits(judged.tables) for name, each in yardsticks.items()}
    logits[ORACLE] = oracle_logits(judged.truth["reply_probability"].to_numpy())
    found = judge(judged.tables, logits, draws=draws)
    return Ceiling(
        falls={name: {metric: found.fall(metric, ORACLE, name) for metric in RULE} for name in yardsticks},
        losses=found.value,
        families=by_family(judged, logits),
        chosen={name: each.choice for name, each in yardsticks.items()},
    )


def room(fall: float) -> str:
    """Whether so small a fall of the oracle leaves enough to be had, in words."""
    return f"{'enough' if fall >= LEAST_FALL else 'NOT ENOUGH'} (needs {100 * LEAST_FALL:.0f} %)"


def judge(tables: LeadTables, logits: dict[str, np.ndarray], *, draws: int = 2_000) -> Resampled:
    """Log loss and credit waste of contestants, source leads resampled with all their variants."""
    groups = tables.leads["lead_id"].to_numpy(str)
    return resample(tables.labels, logits, metrics=RULE, groups=groups, draws=draws)


def by_family(judged: World, logits: Mapping[str, np.ndarray]) -> list[FamilyFigures]:
    """Figures of each written family's judged leads; logits {contestant: (M,)} of all judged leads."""
    family, y = judged.truth["family"].to_numpy(str), judged.tables.labels
    figures = []
    for each in families():
        rows = np.flatnonzero(family == each.name)
        if not len(rows):
            continue
        figures.append(
            FamilyFigures(
                each.name,
                each.held_out,
                each.match,
                len(rows),
                float(y[rows].mean()),
                {name: log_loss(y[rows], logit[rows]) for name, logit in logits.items()},
                {name: auc_within_pairs(judged.truth.iloc[rows], logit[rows]) for name, logit in logits.items()},
            )
        )
    return figures


def auc_within_pairs(truth: Any, logit: np.ndarray) -> float:
    """Share of pairs whose sleeper scores higher than its decoy, ties half: truth has role and pair, logit (M,).

    NaN where the pairs aren't twins: a search and most families from outside make none.
    """
    roles = truth.groupby("pair")["role"].agg(lambda some: sorted(some) == ["decoy", "sleeper"])
    if not roles.all():
        return float("nan")
    by_pair = truth.assign(logit=logit).pivot(index="pair", columns="role", values="logit")
    ahead = (by_pair["sleeper"] - by_pair["decoy"]).to_numpy()
    return float(np.mean(np.where(np.abs(ahead) < 1e-9, 0.5, ahead > 0)))


def family_table(figures: Sequence[FamilyFigures]) -> str:
    """One line a family: base rate, losses, and the share of twins in the right order, as plain text."""
    names = list(figures[0].log_loss)
    scores = [name for name in names if name != ORACLE]
    heads = ["family", "role", "match", "leads", "base\nrate"]
    heads += [f"loss\n{name}" for name in names] + [f"AUC in pairs\n{name}" for name in scores]
    rows = [
        [each.family, "held out" if each.held_out else "seen", each.match, str(each.leads), f"{each.base_rate:.3f}"]
        + [f"{each.log_loss[name]:.3f}" for name in names]
        + [shown("roc_auc", each.auc_within_pairs[name]) for name in scores]
        for each in figures
    ]
    return Table(heads, rows).text()
