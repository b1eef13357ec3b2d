"""Hardening: training on attacks, the last of them against what was learnt so far (Madry et al. 2018, section 3).

Attacked leads come from three sources: written families that are not held out, contrast leads, and searches against
scores that had learnt the first two. A contrast lead costs a fiftieth of a searched one, and is read once: what a model
has not seen before teaches it most, and of that what it is most wrong about. A scout learns from each attacked lead
also what its newest signals alone would have come to (prefixes.py). It is attacked again and again, half along its
gradient, and goes on each time from where it stood, with fresh contrast leads. All of these leads are every
contestant's in the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from tinyscout.leads.tables import LeadTables
from tinyscout.models.calibrators import Platt
from tinyscout.models.lead_scout import Examples, LeadScout
from tinyscout.settings import Count, FitSettings, ModelSettings, ScoutSettings, Settings, TokenizerSettings
from tinyscout.stress.contestants import Logistic, calibrated_score
from tinyscout.stress.families import Attacked, concatenate
from tinyscout.stress.ground import Ground, Rows
from tinyscout.stress.hotflip import HotFlip
from tinyscout.stress.pools import Part, Pools
from tinyscout.stress.search import STEPS, Score, attack_model
from tinyscout.stress.supply import Supply, TrainingSet, unguided
from tinyscout.stress.timelines import Texts
from tinyscout.stress.validation import validation_leads
from tinyscout.stress.variants import join
from tinyscout.training import Stack, fit
from tinyscout.training.fit import Progress
from tinyscout.training.stack import blank_contact_time

READ = 10  # contrast leads for each of which one more is made first, to learn words and features from
L2 = 30.0  # of the logistic regression that a scout starts from, and of the one that is attacked for hardening


class HardenSettings(Settings):
    """How many leads to harden on, and how a scout learns from them.

    contrast: contrast leads; reworded: more of them, whose texts are scrambled above all; searched: leads of a search
    against each score, a round; steps: of each search; rounds: how often the scout is attacked and goes on;
    again_contrast, again_reworded: new contrast leads for each round; choice: how many are made for each of these;
    processes: that make contrast leads and train members, 1 for none; often, again_often: how often all other leads are
    read for each time a contrast lead is, before the rounds and in each; scout: sizes, and the training before the
    rounds; again: the training in each.
    """

    contrast: Count = 60_000
    reworded: Count = 120_000
    searched: Count = 6_000
    steps: Count = STEPS
    rounds: Count = 8
    again_contrast: Count = 20_000
    again_reworded: Count = 40_000
    choice: Count = 3
    processes: Count = 2
    often: Count = 2
    again_often: Count = 1
    scout: ScoutSettings = ScoutSettings(
        members=2,
        wide="careful",
        tokenizer=TokenizerSettings(newest_first=True, fold_case=True),
        model=ModelSettings(ngram=7, dropout=0.0),
        fit=FitSettings(epochs=1, prefix_weight=4.0, learning_rate=3e-3, weight_decay=0.3, final_rate=0.1, threads=1),
    )
    again: FitSettings = FitSettings(
        epochs=1, prefix_weight=4.0, learning_rate=1.5e-3, weight_decay=0.3, final_rate=0.2, threads=1
    )


@dataclass(frozen=True)
class Hardened:
    """A scout after hardening, and the leads that all contestants are hardened on.

    scout: not calibrated yet; train: natural, written and searched leads; valid: leads to choose by; natural, attacked:
    what others are told of those in `train`, of contrast leads and of leads cut short; more: how many there are of
    these two.
    """

    scout: Stack
    train: Part
    valid: LeadTables
    natural: Rows
    attacked: Rows
    more: dict[str, int]

    def ground(self, seed: int) -> Ground:
        """What the other contestants are fitted on."""
        rng = np.random.default_rng([seed, 17])
        return Ground.of_rows(self.scout, self.natural, self.attacked, self.valid, rng)


def harden(pools: Pools, settings: HardenSettings, *, progress: Progress | None = None) -> Hardened:
    """Harden a scout on the training leads of `pools`, and collect what it was hardened on."""
    say = progress or (lambda what, done, total: None)
    say("hardening", 0, 2 + settings.rounds)
    lessons = _Lessons(pools, settings)
    lessons.begin()
    for number in range(settings.rounds):
        say("hardening", 1 + number, 2 + settings.rounds)
        lessons.go_on(number)
    say("hardening", 1 + settings.rounds, 2 + settings.rounds)
    found = lessons.finish()
    say("hardening", 2 + settings.rounds, 2 + settings.rounds)
    return found


class _Lessons:
    """A scout while it is hardened, and the leads so far: those of `known`, natural ones first, it reads again."""

    def __init__(self, pools: Pools, settings: HardenSettings):
        self.pools, self.settings = pools, settings
        self.rng = np.random.default_rng([pools.seed, 16])
        self.source = pools.train.natural.tables
        self.texts = Texts.of(self.source, self.rng)
        self.known: list[TrainingSet] = []
        self.searched: list[Attacked] = []
        self.rows: list[Rows] = []
        self.cut_short: list[Rows] = []
        self.contrast = 0
        self.learning = settings.scout.model_copy(update={"seed": pools.seed})

    def begin(self) -> None:
        """The first training: on written leads, contrast leads, and a search against a logistic of those."""
        settings, source, rng = self.settings, self.source, self.rng
        few = unguided(source, self.texts, rng, *(-(-size // READ) for size in (settings.contrast, settings.reworded)))
        written, fresh = self.pools.train.attacked.world.tables, [each.world.tables for each in few]
        tables, _ = join([source, written, *fresh], rng)
        self.scout = Stack.refit(tables, np.arange(len(tables)), self.learning, l2=L2, shares=[])
        self.supply = Supply(source, self.scout, self.pools.seed, settings.processes)
        coming = self.supply.start(0, settings.contrast, settings.reworded)
        self.known = [TrainingSet.of(source, self.scout), self._heard(TrainingSet.of(written, self.scout, rng))]
        new = self._fresh(TrainingSet.of(each, self.scout, rng) for each in fresh)

        attacked = Rows.concatenate(self.rows)
        valid = self.pools.valid.mixed(rng)[0]
        ground = Ground.of_rows(self.scout, self.known[0].rows, attacked, valid, rng, ("baseline",))
        self.logistic = calibrated_score(Logistic.fit(ground, grid=(L2,)), valid).logits
        number, steps = settings.searched, settings.steps
        self._know(attack_model("search: logistic", source, self.logistic, self.texts, rng, number=number, steps=steps))

        new += self._fresh(coming)
        members = [self.scout.new_member(number, self.learning) for number in range(self.learning.members)]
        self._train(members, [*new, *settings.often * self.known], self.learning.fit, self.learning.seed)

    def go_on(self, number: int) -> None:
        """Attack the scout as it is now, and train it on that and on contrast leads made meanwhile.

        It is attacked by its members in turn, at half the cost: what misleads one misleads the others.
        """
        settings, members = self.settings, self.scout.members
        sizes = settings.again_contrast, settings.again_reworded
        coming = self.supply.start(1 + number, *sizes, pupil=self.scout, choice=settings.choice)
        one = replace(self.scout, members=[members[number % len(members)]])
        half, steps, on = -(-settings.searched // 2), settings.steps, (self.texts, self.rng)
        self._know(attack_scout(one, self.source, *on, number=half, steps=steps))
        self._know(attack_model("search: scout", self.source, score_of(one), *on, number=half, steps=steps))
        sets = [*self._fresh(coming), *settings.again_often * self.known]
        self._train(members, sets, settings.again, self.learning.seed + (1 + number) * len(members))

    def finish(self) -> Hardened:
        """The scout and all leads."""
        pools, rng = self.pools, self.rng
        for member in self.scout.members:
            blank_contact_time(member, self.known[0].examples.tokens, self.scout.tokenizer)
        scores = {"logistic": self.logistic, "scout": score_of(self.scout)}
        valid = validation_leads(pools.valid, scores, {"scout": self.scout}, rng, steps=self.settings.steps)
        train = replace(pools.train, attacked=concatenate([pools.train.attacked, *self.searched], rng))
        natural, short = self.known[0].rows, sum(len(part.y) for part in self.cut_short)
        attacked = Rows.concatenate([*self.rows, *self.cut_short])
        more = {"contrast": self.contrast, "cut short": short}
        return Hardened(self.scout, train, valid, natural, attacked, more)

    def _fresh(self, sets: Iterable[TrainingSet]) -> list[TrainingSet]:
        """These contrast leads, which are read once."""
        new = [self._heard(each) for each in sets]
        self.contrast += sum(len(each.rows.y) for each in new)
        return new

    def _know(self, found: Attacked) -> None:
        """Read these leads from now on."""
        self.searched.append(found)
        self.known.append(self._heard(TrainingSet.of(found.world.tables, self.scout, self.rng)))

    def _heard(self, attacked: TrainingSet) -> TrainingSet:
        """The set, of which all other contestants are to hear."""
        self.rows.append(attacked.rows)
        self.cut_short += [] if attacked.cut_short is None else [attacked.cut_short]
        return attacked

    def _train(
        self, members: Sequence[LeadScout], sets: Sequence[TrainingSet], settings: FitSettings, seed: int
    ) -> None:
        """Every member goes on from where it stands, seeded seed, seed + 1, ..., in a process of its own."""
        examples = Examples.concatenate([each.examples for each in sets])
        labels = np.concatenate([each.rows.y for each in sets])
        tasks = [
            delayed(_trained)(member.to_state(), member.state_dict(), examples, labels, settings, seed + place)
            for place, member in enumerate(members)
        ]
        weights: Any = Parallel(n_jobs=min(self.settings.processes, len(members)), max_nbytes=None)(tasks)
        states = [member.to_state() for member in members]
        members = [LeadScout.from_state(*each) for each in zip(states, weights, strict=True)]
        self.scout = replace(self.scout, members=members)


def attack_scout(
    scout: Stack,
    source: LeadTables,
    texts: Texts,
    rng: np.random.Generator,
    *,
    number: int,
    steps: int = STEPS,
) -> Attacked:
    """White-box: edits along the scout's own gradient beside random ones, at three times the cost of random ones."""
    along = HotFlip(scout, source, texts)
    return attack_model(
        "search: scout", source, score_of(scout), texts, rng, number=number, proposer=along, steps=steps
    )


def score_of(scout: Stack) -> Score:
    """The score of a scout's members."""
    return lambda tables: scout.member_logits(scout.examples(tables))


def calibrated(scout: Stack, tables: LeadTables) -> Stack:
    """The scout as sure as it is right on these leads, which it was not trained on, as all contestants (Platt 1999)."""
    fitted = Platt.fit(score_of(scout)(tables), tables.labels)
    members = [LeadScout.from_state(member.to_state(), member.state_dict()) for member in scout.members]
    for member in members:
        member.recalibrate(fitted.slope, fitted.shift)
    return replace(scout, members=members)


def _trained(
    state: dict[str, Any],
    weights: dict[str, np.ndarray],
    examples: Examples,
    labels: np.ndarray,
    settings: FitSettings,
    seed: int,
) -> dict[str, np.ndarray]:
    """The weights of a member after more training."""
    member = LeadScout.from_state(state, weights)
    fit(member, examples, labels, settings, seed=seed)
    return member.state_dict()
