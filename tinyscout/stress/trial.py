"""A trial: one world, its attacks, every contestant, and the verdict of the check; one seed is that of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from tinyscout.leads.tables import LeadTables
from tinyscout.metrics.bootstrap import Interval, Resampled, mean_interval, ratio_interval, resample
from tinyscout.settings import Count, FitSettings, ScoutSettings, Settings
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.check import (
    METRICS,
    ORACLE,
    RULE,
    Check,
    Differences,
    Judged,
    check,
    defined,
    dicts,
    divergence,
)
from tinyscout.stress.contestants import Logistic, Trees, calibrated_score
from tinyscout.stress.families import Attacked, concatenate, families
from tinyscout.stress.ground import Ground
from tinyscout.stress.harden import L2, Hardened, HardenSettings, calibrated, harden, score_of
from tinyscout.stress.pools import Pools, make_pools
from tinyscout.stress.search import STEPS, Score, attack_model
from tinyscout.stress.strength import BUDGETS, Target, strength
from tinyscout.stress.timelines import Texts
from tinyscout.stress.validation import targets, validation_leads
from tinyscout.training import Stack
from tinyscout.training.fit import Progress

SCOUT_NATURAL, SCOUT, INT8 = "scout", "scout, hardened", "scout, hardened, int8"
CAREFUL, TREES_NATURAL, TREES = "careful logistic, hardened", "trees", "trees, hardened"
YARDSTICKS, CANDIDATES = (NATURAL, HARDENED), (SCOUT, INT8)
PARTS = ("seen families", "held-out families")
SEARCHED = (HARDENED, TREES, SCOUT)  # whom the judged searches mislead


class TrialSettings(Settings):
    """How large a trial is.

    leads: of the world; judged: leads, half of them of written families and half searched; own: leads of each
    contestant's own search, where it is none of the judged ones; steps: of each search; trials: candidates of the
    trees' own search for settings, 0 to do without trees; natural: the scout that sees no attack.
    """

    leads: Count = 16_000
    judged: Count = 22_000
    own: Count = 1_000
    steps: Count = STEPS
    trials: Annotated[int, Field(ge=0)] = 20
    natural: ScoutSettings = ScoutSettings(
        wide="careful", fit=FitSettings(epochs=8, learning_rate=1e-3, weight_decay=1.5)
    )
    harden: HardenSettings = HardenSettings()


class OfFamily(NamedTuple):
    """A written family's judged leads: metric -> contestant -> figure, and all beside the better yardstick."""

    figures: dict[str, dict[str, float]]
    beside: Differences


class Arena(NamedTuple):
    """What every contestant is searched on: natural held-out leads, texts, and each contestant as a target.

    A scout is searched along its gradient, by HotFlip; the others by their scores alone.
    """

    source: LeadTables
    texts: Texts
    targets: dict[str, Target]


@dataclass(frozen=True)
class Trial:
    """What one seed showed.

    check: the rule on the judged leads, in parts; natural: the same figures on natural held-out leads; own: contestant
    -> metric -> figure at the search against itself; own_beside: contestant -> metric -> that minus the better
    yardstick's on the same leads; families: the same of each written family, the oracle's figures among them; judged
    and logits: what all of it can be computed from anew; hardened_on: leads by where they came from; chosen: contestant
    -> what it chose on validation leads; scout: the hardened one; yardsticks: whom it is judged against; arena: for
    searches besides the judged ones.
    """

    seed: int
    check: Check
    natural: Check
    own: dict[str, dict[str, float]]
    own_beside: dict[str, dict[str, Interval]]
    families: dict[str, OfFamily]
    judged: Judged
    logits: dict[str, np.ndarray]
    hardened_on: dict[str, int]
    chosen: dict[str, dict[str, float]]
    scout: Stack
    yardsticks: dict[str, Logistic]
    arena: Arena

    @property
    def best_natural(self) -> str:
        """Of those who saw no attack, who has the least log loss on natural held-out leads."""
        losses = self.natural.figures["all"]["log_loss"]
        return min(losses.keys() & {NATURAL, TREES_NATURAL, SCOUT_NATURAL}, key=losses.__getitem__)

    @property
    def natural_rise(self) -> float:
        """Log loss of the candidate that is worse on natural held-out leads over that of `best_natural`, minus 1."""
        losses = self.natural.figures["all"]["log_loss"]
        return max(losses[name] for name in CANDIDATES) / losses[self.best_natural] - 1

    @cached_property
    def held_out_gap(self) -> Interval:
        """How many times as far from the oracle the hardened scout is on held-out families as on seen ones."""
        return self._gap(self.judged.part == PARTS[1])

    @cached_property
    def unlike_gap(self) -> Interval:
        """The same on those of the held-out families that are like no seen one."""
        unlike = [each.name for each in families(held_out=True) if not each.like]
        return self._gap(np.isin(self.judged.truth["family"].to_numpy(str), unlike))

    def _gap(self, held_out: np.ndarray) -> Interval:
        far = divergence(self._chance, self.logits[SCOUT])
        return ratio_interval(far, held_out, self.judged.part == PARTS[0], groups=self.judged.groups, seed=self.seed)

    @cached_property
    def beyond_half_of_trees(self) -> Interval | None:
        """The hardened scout's KL from the oracle minus half of the hardened trees'; None without trees."""
        if TREES not in self.logits:
            return None
        scout, trees = (divergence(self._chance, self.logits[name]) for name in (SCOUT, TREES))
        return mean_interval(scout - trees / 2, groups=self.judged.groups, seed=self.seed)

    @property
    def _chance(self) -> np.ndarray:
        return self.judged.truth["reply_probability"].to_numpy()

    def strength(self, leads: int, budgets: Sequence[int] = BUDGETS, *, times: int = 1) -> dict[str, list[float]]:
        """What the oracle expects each contestant to lose on the same leads, by how many edits a search against itself
        may make, in nats; times: how many times as many edits it tries as the judged searches do."""
        source, texts, targets = self.arena
        targets = {name: each._replace(width=times * each.width) for name, each in targets.items()}
        return strength(source, targets, texts, leads=leads, budgets=budgets, seed=self.seed)

    def worst(self, metric: str, name: str) -> tuple[str, float]:
        """The part of the judged leads, searches and single families among them, or the search against itself, where a
        contestant's figure is worst; figures that are not defined are left out, unless none is."""
        found = {part: figures[metric][name] for part, figures in self.check.figures.items() if part != "all"}
        found |= {family: of.figures[metric][name] for family, of in self.families.items()}
        found.pop(f"search: {name}", None)
        found["own search"] = self.own[name][metric]
        known = [each for each in found.items() if not np.isnan(each[1])]
        return max(known or found.items(), key=lambda each: each[1])

    def fall_at_worst(self, metric: str, name: str) -> float:
        """How far a contestant's worst figure is below the worst one of the yardstick that is better at its worst."""
        worst = np.array([self.worst(metric, each)[1] for each in YARDSTICKS])
        better = np.min(worst, where=~np.isnan(worst), initial=np.inf)
        return 1 - self.worst(metric, name)[1] / better if np.isfinite(better) else float("nan")

    def to_json(self) -> dict[str, Any]:
        """The figures for json.dumps."""
        worst = {metric: {name: self.worst(metric, name) for name in self.own} for metric in RULE}
        found = {
            "seed": self.seed,
            "judged": self.check.to_json(),
            "natural": self.natural.to_json(),
            "natural_rise": self.natural_rise,
            "held_out_gap": self.held_out_gap.to_dict(),
            "unlike_gap": self.unlike_gap.to_dict(),
            "beyond_half_of_trees": self.beyond_half_of_trees and self.beyond_half_of_trees.to_dict(),
            "own": self.own,
            "own_beside": {name: dicts(each) for name, each in self.own_beside.items()},
            "families": {
                name: {"figures": each.figures, **each.beside.to_json()} for name, each in self.families.items()
            },
            "worst": worst,
            "hardened_on": self.hardened_on,
            "chosen": self.chosen,
        }
        return defined(found)


def pools_of(seed: int, settings: TrialSettings, *, progress: Progress | None = None) -> Pools:
    """The leads of a trial before any search: training, validation and judged ones."""
    written = settings.judged // 2
    return make_pools(seed, leads=settings.leads, judged=written, progress=progress)


def run(pools: Pools, settings: TrialSettings, *, progress: Progress | None = None) -> Trial:
    """Harden and judge. The same pools and settings give the same figures on the same machine."""
    seed = pools.seed
    hardened = harden(pools, settings.harden, progress=progress)
    scores, scouts, fitted = contestants(pools, hardened, settings, progress)
    rng, source = np.random.default_rng([seed, 18]), pools.test.natural.tables
    texts, searched = Texts.of(source, rng), {}
    judges = [name for name in SEARCHED if name in scores]
    arena = Arena(source, texts, targets(scores, scouts, source, texts))
    for number, (name, (score, proposer, *_)) in enumerate(arena.targets.items()):
        size = settings.judged // (2 * len(judges)) if name in judges else settings.own
        searched[name] = attack_model(
            f"search: {name}", source, score, texts, rng, number=size, proposer=proposer, steps=settings.steps
        )
        if progress:
            progress("searches to judge on", number + 1, len(scores))
    judged = judged_leads(pools, [searched[name] for name in judges], rng)
    logits = {name: score(judged.tables) for name, score in scores.items()}
    natural = Judged(pools.test.natural.tables, pools.test.natural.truth, np.full(len(source), "natural"))
    of_natural = {name: score(natural.tables) for name, score in scores.items()}
    rule = {"yardsticks": YARDSTICKS, "candidates": CANDIDATES, "seed": seed}
    found = check(judged, logits, **rule)
    own, own_beside = {}, {}
    for name in scores:
        if (part := f"search: {name}") in found.figures:
            own[name] = {metric: found.figures[part][metric][name] for metric in RULE}
            own_beside[name] = found.differences[part].of[name]
            continue
        tables = searched[name].world.tables
        drawn = _drawn(tables, {each: scores[each](tables) for each in (*YARDSTICKS, name)}, seed)
        own[name] = {metric: drawn.value[metric][name] for metric in RULE}
        own_beside[name] = Differences.among(drawn, YARDSTICKS, [name]).of[name]
    return Trial(
        seed=seed,
        check=found,
        natural=check(natural, of_natural, **rule),
        own=own,
        own_beside=own_beside,
        families=_by_family(judged, logits, seed),
        judged=judged,
        logits=logits,
        hardened_on={
            "natural": len(pools.train.natural.tables),
            **_families(hardened.train.attacked),
            **hardened.more,
        },
        chosen={name: each.choice for name, each in fitted.items()},
        scout=scouts[SCOUT],
        yardsticks={name: each for name, each in fitted.items() if name in YARDSTICKS and isinstance(each, Logistic)},
        arena=arena,
    )


def contestants(
    pools: Pools, hardened: Hardened, settings: TrialSettings, progress: Progress | None = None
) -> tuple[dict[str, Score], dict[str, Stack], dict[str, Logistic | Trees]]:
    """Every contestant's score by name, which of them are scouts, and the others.

    All hardened ones are calibrated on the same leads, the searched ones of which mislead each of `SEARCHED` alike.
    """
    train = pools.train.natural.tables
    natural, ground = Ground.natural(train, pools.valid.natural.tables), hardened.ground(pools.seed)
    scout = unhardened(train, settings.natural, pools.seed, progress)
    fitted: dict[str, Logistic | Trees] = {
        NATURAL: Logistic.fit(natural),
        HARDENED: Logistic.fit(ground),
        CAREFUL: Logistic.fit(ground, "careful"),
    }
    for name, on in ((TREES_NATURAL, natural), (TREES, ground)) if settings.trials else ():
        fitted[name] = Trees.fit(on, trials=settings.trials, seed=pools.seed, progress=progress)

    scores = {name: each.logits for name, each in fitted.items()} | {SCOUT: score_of(hardened.scout)}
    misled = {name: scores[name] for name in SEARCHED if name in scores}
    rng = np.random.default_rng([pools.seed, 22])
    valid = validation_leads(pools.valid, misled, {SCOUT: hardened.scout}, rng, steps=settings.steps)
    for name in fitted.keys() & {HARDENED, CAREFUL, TREES}:
        fitted[name] = calibrated_score(fitted[name], valid)
    sure = calibrated(hardened.scout, valid)
    scouts = {SCOUT_NATURAL: scout, SCOUT: sure, INT8: replace(sure, dtype="int8")}
    scores = {name: each.logits for name, each in fitted.items()}
    scores |= {name: score_of(each) for name, each in scouts.items()}
    return scores, scouts, fitted


def unhardened(train: LeadTables, settings: ScoutSettings, seed: int, progress: Progress | None = None) -> Stack:
    """A scout that learns natural leads alone, for the whole of its schedule: nothing stops it early."""
    learning, whole = settings.model_copy(update={"seed": seed}), [1.0] * settings.members
    return Stack.refit(train, np.arange(len(train)), learning, l2=L2, shares=whole, progress=progress)


def judged_leads(pools: Pools, searched: Sequence[Attacked], rng: np.random.Generator) -> Judged:
    """Written families, seen and held out, and searches, as one set of leads."""
    attacked = concatenate([pools.test.attacked, *searched], rng)
    part = attacked.world.truth["family"].to_numpy(str).astype(object)
    for name, held_out in zip(PARTS, (False, True), strict=True):
        part[np.isin(part, [each.name for each in families(held_out=held_out)])] = name
    return Judged(attacked.world.tables, attacked.world.truth, part.astype(str))


def _drawn(tables: LeadTables, logits: Mapping[str, np.ndarray], seed: int) -> Resampled:
    groups = tables.leads["lead_id"].to_numpy(str)
    return resample(tables.labels, logits, metrics=METRICS, groups=groups, seed=seed)


def _by_family(judged: Judged, logits: Mapping[str, np.ndarray], seed: int) -> dict[str, OfFamily]:
    """Every contestant on the judged leads of each written family."""
    family, found = judged.truth["family"].to_numpy(str), {}
    everyone = {**logits, ORACLE: judged.oracle}
    for name in [each.name for each in families() if (family == each.name).any()]:
        rows = np.flatnonzero(family == name)
        drawn = _drawn(judged.tables.take(rows), {each: logit[rows] for each, logit in everyone.items()}, seed)
        found[name] = OfFamily(drawn.value, Differences.among(drawn, YARDSTICKS, logits))
    return found


def _families(attacked: Attacked) -> dict[str, int]:
    """How many leads each search made, written families taken together."""
    family = attacked.world.truth["family"].astype(str)
    return family.where(family.str.startswith("search"), PARTS[0]).value_counts().to_dict()
