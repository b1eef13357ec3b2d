"""Hardening: training on attacks, the last of them against what was learnt so far (Madry et al. 2018, section 3).

Attacked leads come from three sources: written families that are not held out, contrast leads that nobody's score
guides, and searches against scores that had learnt the first two. All contestants are hardened on the same leads; the
scout is attacked again and again, half along its gradient, and goes on each time from where it stood.
"""

from dataclasses import dataclass, replace

import numpy as np

from tinyscout.leads.tables import LeadTables
from tinyscout.models.calibrators import Platt
from tinyscout.models.lead_scout import LeadScout
from tinyscout.settings import Count, FitSettings, ModelSettings, ScoutSettings, Settings
from tinyscout.stress.contestants import Ground, Logistic
from tinyscout.stress.contrast import contrast
from tinyscout.stress.families import Attacked, concatenate
from tinyscout.stress.hotflip import HotFlip
from tinyscout.stress.pools import Part, Pools
from tinyscout.stress.search import ROUNDS, Score, attack_model
from tinyscout.stress.timelines import Texts
from tinyscout.training import Stack, fit
from tinyscout.training.fit import Progress

L2 = 30.0  # of the logistic regression that a scout starts from, and of the one that is attacked for hardening


class HardenSettings(Settings):
    """How many leads to harden on, and how a scout learns from them.

    contrast: contrast leads; searched: leads of a search against each score, a round; steps: of each search; rounds:
    how often the scout is attacked and goes on; scout: sizes, and the training before the first round; again: the
    training after each.
    """

    contrast: Count = 60_000
    searched: Count = 3_000
    steps: Count = ROUNDS
    rounds: Count = 4
    scout: ScoutSettings = ScoutSettings(
        wide="careful",
        model=ModelSettings(ngram=4),
        fit=FitSettings(epochs=4, learning_rate=3e-3, weight_decay=0.3, final_rate=0.3),
    )
    again: FitSettings = FitSettings(epochs=1, learning_rate=2e-3, weight_decay=0.3, final_rate=0.1)


@dataclass(frozen=True)
class Hardened:
    """A scout after hardening, and the leads that all contestants are hardened on."""

    scout: Stack
    train: Part
    valid: Part

    def ground(self, seed: int) -> Ground:
        """Read for the other contestants."""
        return Ground.hardened(self.train, self.valid, np.random.default_rng([seed, 17]))


def harden(pools: Pools, settings: HardenSettings, *, progress: Progress | None = None) -> Hardened:
    """Harden a scout on the training leads of `pools`, and collect what it was hardened on."""
    rng = np.random.default_rng([pools.seed, 16])
    train, valid = pools.train, pools.valid
    source, texts = train.natural.tables, texts_of(train.natural.tables, rng)
    say = progress or (lambda what, done, total: None)

    say("attacks to harden on", 0, 3 + settings.rounds)
    attacks = [train.attacked, contrast(source, texts, rng, number=settings.contrast)]
    say("attacks to harden on", 1, 3 + settings.rounds)
    first = replace(train, attacked=concatenate(attacks, rng))
    logistic = Logistic.fit(Ground.hardened(first, valid, rng, ("baseline",)), grid=(L2,))
    many, steps = settings.searched, settings.steps
    attacks.append(attack_model("search: logistic", source, logistic.logits, texts, rng, number=many, rounds=steps))
    say("attacks to harden on", 2, 3 + settings.rounds)
    later = _attacks_on_valid(valid, logistic.logits, rng, steps)

    tables, _ = replace(train, attacked=concatenate(attacks, rng)).mixed(rng)
    scout = Stack.refit(tables, np.arange(len(tables)), settings.scout, l2=L2, shares=[1.0], progress=progress)
    member = scout.members[0]
    for number in range(settings.rounds):
        half = -(-many // 2)
        attacks.append(attack_scout(scout, source, texts, rng, number=half, rounds=steps))
        attacks.append(attack_model("search: scout", source, score_of(scout), texts, rng, number=half, rounds=steps))
        say("attacks to harden on", 3 + number, 3 + settings.rounds)
        tables, _ = replace(train, attacked=concatenate(attacks, rng)).mixed(rng)
        seed = settings.scout.seed + 1 + number
        fit(member, scout.examples(tables), tables.labels, settings.again, seed=seed, progress=progress)
        scout = replace(scout)  # packed anew
    of_valid = valid.natural.tables
    later.append(attack_scout(scout, of_valid, texts_of(of_valid, rng), rng, number=len(of_valid) // 4, rounds=steps))
    say("attacks to harden on", 3 + settings.rounds, 3 + settings.rounds)
    valid = replace(valid, attacked=concatenate([valid.attacked, *later], rng))
    return Hardened(calibrated(scout, valid, rng), replace(train, attacked=concatenate(attacks, rng)), valid)


def attack_scout(
    scout: Stack,
    source: LeadTables,
    texts: Texts,
    rng: np.random.Generator,
    *,
    number: int,
    name: str = "search: scout",
    rounds: int = ROUNDS,
) -> Attacked:
    """White-box: edits along the scout's own gradient beside random ones, at three times the cost of random ones."""
    along = HotFlip(scout, source, texts)
    return attack_model(name, source, score_of(scout), texts, rng, number=number, proposer=along, rounds=rounds)


def score_of(scout: Stack) -> Score:
    """The score of a scout's members."""
    return lambda tables: scout.member_logits(scout.examples(tables))


def texts_of(tables: LeadTables, rng: np.random.Generator) -> Texts:
    """The texts of these leads, sentences of the world, and what is close to them."""
    return Texts(set(tables.signals["text"].dropna()), rng)


def calibrated(scout: Stack, valid: Part, rng: np.random.Generator) -> Stack:
    """The scout as sure as it is right on validation leads, natural and attacked (Platt 1999).

    The attacked ones count as much, all together, as the natural ones.
    """
    tables, attacked = valid.mixed(rng)
    few, many = np.flatnonzero(~attacked), np.flatnonzero(attacked)
    rows = np.concatenate([few, rng.choice(many, len(few), replace=len(few) > len(many))])
    fitted = Platt.fit(score_of(scout)(tables.take(rows)), tables.labels[rows])
    members = [LeadScout.from_state(member.to_state(), member.state_dict()) for member in scout.members]
    for member in members:
        member.recalibrate(fitted.slope, fitted.shift)
    return replace(scout, members=members)


def _attacks_on_valid(valid: Part, score: Score, rng: np.random.Generator, steps: int) -> list[Attacked]:
    """Contrast leads and searched ones of the validation leads, a fourth of the natural ones each."""
    source = valid.natural.tables
    texts, each = texts_of(source, rng), len(source) // 4
    return [
        contrast(source, texts, rng, number=each),
        attack_model("search: logistic", source, score, texts, rng, number=each, rounds=steps),
    ]
