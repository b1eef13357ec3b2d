"""Hardening: training on attacks, the last of them against what was learnt so far (Madry et al. 2018, section 3).

Attacked leads come from three sources: written families that are not held out, contrast leads that nobody's score
guides, and searches against scores that had learnt the first two. A contrast lead costs a fiftieth of a searched one,
and is read once: what a model has not seen before teaches it most. A scout learns from each attacked lead also what its
newest signals alone would have come to (prefixes.py). It is attacked again and again, half along its gradient, and goes
on each time from where it stood, with fresh contrast leads that it alone reads; all others are every contestant's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinyscout.leads.tables import LeadTables
from tinyscout.models.calibrators import Platt
from tinyscout.models.lead_scout import LeadScout
from tinyscout.settings import Count, FitSettings, ModelSettings, ScoutSettings, Settings, TokenizerSettings
from tinyscout.stress.contestants import Ground, Logistic, balanced
from tinyscout.stress.families import Attacked, concatenate
from tinyscout.stress.hotflip import HotFlip
from tinyscout.stress.pools import Part, Pools
from tinyscout.stress.search import ROUNDS, Score, attack_model
from tinyscout.stress.supply import Supply, TrainingSet, unguided
from tinyscout.stress.timelines import Texts
from tinyscout.stress.variants import join
from tinyscout.training import Stack, fit
from tinyscout.training.fit import Progress
from tinyscout.training.stack import blank_contact_time

L2 = 30.0  # of the logistic regression that a scout starts from, and of the one that is attacked for hardening


class HardenSettings(Settings):
    """How many leads to harden on, and how a scout learns from them.

    contrast: contrast leads; reworded: more of them, whose texts are scrambled above all; searched: leads of a search
    against each score, a round; steps: of each search; rounds: how often the scout is attacked and goes on;
    again_contrast, again_reworded: new contrast leads for each round; processes: that make them while the scout trains,
    1 for none; often, again_often: how often all other leads are read for each time a contrast lead is, before the
    rounds and in each; scout: sizes, and the training before the rounds; again: the training in each.
    """

    contrast: Count = 100_000
    reworded: Count = 200_000
    searched: Count = 3_000
    steps: Count = ROUNDS
    rounds: Count = 6
    again_contrast: Count = 40_000
    again_reworded: Count = 80_000
    processes: Count = 2
    often: Count = 4
    again_often: Count = 2
    scout: ScoutSettings = ScoutSettings(
        members=2,
        wide="careful",
        tokenizer=TokenizerSettings(newest_first=True),
        model=ModelSettings(ngram=7, dropout=0.0),
        fit=FitSettings(epochs=1, prefix_weight=4.0, learning_rate=3e-3, weight_decay=0.3, final_rate=0.1),
    )
    again: FitSettings = FitSettings(
        epochs=1, prefix_weight=4.0, learning_rate=1.5e-3, weight_decay=0.3, final_rate=0.2
    )


@dataclass(frozen=True)
class Hardened:
    """A scout after hardening, and the leads that all contestants are hardened on.

    fresh: contrast leads that the scout read besides, more of what is among those in `train`.
    """

    scout: Stack
    train: Part
    valid: Part
    fresh: int

    def ground(self, seed: int) -> Ground:
        """Read for the other contestants."""
        return Ground.hardened(self.train, self.valid, np.random.default_rng([seed, 17]))


def harden(pools: Pools, settings: HardenSettings, *, progress: Progress | None = None) -> Hardened:
    """Harden a scout on the training leads of `pools`, and collect what it was hardened on."""
    rng = np.random.default_rng([pools.seed, 16])
    train, valid = pools.train, pools.valid
    source, texts = train.natural.tables, Texts.of(train.natural.tables, rng)
    say = progress or (lambda what, done, total: None)
    many, steps = settings.searched, settings.steps

    say("attacks to harden on", 0, 2 + settings.rounds)
    contrasts = unguided(source, texts, rng, settings.contrast, settings.reworded)
    first = replace(train, attacked=concatenate([train.attacked, contrasts[0]], rng))
    logistic = Logistic.fit(Ground.hardened(first, valid, rng, ("baseline",)), grid=(L2,))
    searched = [attack_model("search: logistic", source, logistic.logits, texts, rng, number=many, rounds=steps)]
    later = _attacks_on_valid(valid, logistic.logits, rng, steps)
    say("attacks to harden on", 1, 2 + settings.rounds)

    known = [train.attacked.world.tables, *_tables(searched)]
    tables, _ = join([source, *known, contrasts[0].world.tables], rng)
    scout = Stack.refit(tables, np.arange(len(tables)), settings.scout, l2=L2, shares=[])
    sizes = settings.again_contrast, settings.again_reworded, settings.processes
    supply = Supply(source, scout, pools.seed, *sizes)
    coming, fresh = supply.start(0), 0

    old = [TrainingSet.of(source, scout), *(TrainingSet.of(each, scout, rng) for each in known)]
    new = [TrainingSet.of(each, scout, rng) for each in _tables(contrasts)]
    scout = replace(scout, members=[scout.new_member(i, settings.scout) for i in range(settings.scout.members)])
    _train(scout, [*new, *settings.often * old], settings.scout.fit, settings.scout.seed, progress)
    for number in range(settings.rounds):
        half = -(-many // 2)
        attacks = [
            attack_scout(scout, source, texts, rng, number=half, rounds=steps),
            attack_model("search: scout", source, score_of(scout), texts, rng, number=half, rounds=steps),
        ]
        searched += attacks
        old += [TrainingSet.of(each, scout, rng) for each in _tables(attacks)]
        say("attacks to harden on", 2 + number, 2 + settings.rounds)
        new = list(coming)
        fresh += sum(len(each.labels) for each in new)
        if number + 1 < settings.rounds:
            coming = supply.start(number + 1)
        seed = settings.scout.seed + (1 + number) * len(scout.members)
        _train(scout, [*new, *settings.again_often * old], settings.again, seed, progress)
        scout = replace(scout)  # packed anew
    for member in scout.members:
        blank_contact_time(member, old[0].examples.tokens, scout.tokenizer)
    of_valid, quarter = valid.natural.tables, len(valid.natural.tables) // 4
    later.append(attack_scout(scout, of_valid, Texts.of(of_valid, rng), rng, number=quarter, rounds=steps))
    say("attacks to harden on", 2 + settings.rounds, 2 + settings.rounds)
    valid = replace(valid, attacked=concatenate([valid.attacked, *later], rng))
    train = replace(train, attacked=concatenate([train.attacked, *contrasts, *searched], rng))
    return Hardened(calibrated(scout, valid, rng), train, valid, fresh)


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


def calibrated(scout: Stack, valid: Part, rng: np.random.Generator) -> Stack:
    """The scout as sure as it is right on validation leads, natural and attacked, as all contestants (Platt 1999)."""
    tables, attacked = valid.mixed(rng)
    rows = balanced(tables, attacked)
    fitted = Platt.fit(score_of(scout)(tables.take(rows)), tables.labels[rows])
    members = [LeadScout.from_state(member.to_state(), member.state_dict()) for member in scout.members]
    for member in members:
        member.recalibrate(fitted.slope, fitted.shift)
    return replace(scout, members=members)


def _attacks_on_valid(valid: Part, score: Score, rng: np.random.Generator, steps: int) -> list[Attacked]:
    """Contrast leads and searched ones of the validation leads, a fourth of the natural ones each."""
    source = valid.natural.tables
    texts, each = Texts.of(source, rng), len(source) // 4
    return [
        *unguided(source, texts, rng, each, each),
        attack_model("search: logistic", source, score, texts, rng, number=each, rounds=steps),
    ]


def _train(
    scout: Stack, parts: Sequence[TrainingSet], settings: FitSettings, seed: int, progress: Progress | None
) -> None:
    """Every member goes on from where it stands, seeded seed, seed + 1, ..."""
    examples, labels = TrainingSet.concatenate(parts)
    for place, member in enumerate(scout.members):
        fit(member, examples, labels, settings, seed=seed + place, progress=progress)


def _tables(attacks: Sequence[Attacked]) -> list[LeadTables]:
    return [each.world.tables for each in attacks]
