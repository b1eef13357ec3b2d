"""Score-guided search: random edits, kept where they lead a model's score away from the truth.

It needs nothing of a model but its scores. Each lead is to become a decoy (the oracle says no, the model yes) or a
sleeper; of some random edits a round the one that misleads most is kept (greedy, as in Ebrahimi et al. 2018, section 4,
with random proposals in the place of gradients).
"""

from collections.abc import Callable

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.stress.families import Attacked, told
from tinyscout.stress.moves import propose
from tinyscout.stress.threat import BUDGET, LONGEST
from tinyscout.stress.timelines import Texts, Timelines

Score = Callable[[LeadTables], np.ndarray]
Proposer = Callable[[Timelines, np.ndarray, int, np.random.Generator], Timelines]
SURE = 3.0  # log-odds from which on neither the truth nor the score need become clearer
ROUNDS, WIDTH = 14, 8
TRIES = 8  # searches until there are enough
OVERDRAWN = 1.4  # leads begun with for each that is wanted: some never become what they were to become


class Sources:
    """The leads of `tables` that a search may begin at: with a known label, and room for more signals."""

    def __init__(self, tables: LeadTables):
        short = tables.mature & (np.diff(tables.offsets) <= LONGEST - BUDGET)
        expected = oracle.reply_probability(tables) > 0.5
        sides = np.flatnonzero(short & expected), np.flatnonzero(short & ~expected)
        self.pools = [rows for rows in sides if len(rows)]
        if not self.pools:
            raise InputError(f"stress: none of {len(tables):,} leads has a known label; a search needs mature leads")

    def draw(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Rows (number,), half of them of leads whose reply the oracle expects."""
        one, other = (rng.choice(rows, number) for rows in (self.pools[0], self.pools[-1]))
        return np.where(rng.random(number) < 0.5, one, other)


def attack_model(
    name: str,
    tables: LeadTables,
    score: Score,
    texts: Texts,
    rng: np.random.Generator,
    *,
    number: int,
    proposer: Proposer | None = None,
    rounds: int = ROUNDS,
    width: int = WIDTH,
) -> Attacked:
    """At most `number` variants of leads in `tables` that mislead `score`, half of them decoys and half sleepers.

    Half of the source leads are ones whose reply the oracle expects: few leads of the world are, and what makes them so
    is what there is to trick. A lead that did not become what it was to become is left out.
    """
    sources = Sources(tables)
    kept: dict[bool, list[Timelines]] = {False: [], True: []}
    for _ in range(TRIES):
        lacking = {kind: number // 2 - sum(map(len, parts)) for kind, parts in kept.items()}
        if max(lacking.values()) <= 0:
            break
        wanted = np.repeat([False, True], [max(round(OVERDRAWN * lacking[kind]), 0) for kind in (False, True)])
        rows = sources.draw(len(wanted), rng)
        made = search(tables, rows, wanted, score, texts, rng, proposer=proposer, rounds=rounds, width=width)
        is_sleeper = made.reply_probability(tables, texts) > 0.5
        for kind, parts in kept.items():
            done = (wanted == kind) & (is_sleeper == kind) & (made.spent > 0)
            parts.append(made.take(np.flatnonzero(done)[: max(lacking[kind], 0)]))
    least = min(sum(map(len, parts)) for parts in kept.values())
    made = Timelines.concatenate([part for parts in kept.values() for part in parts])
    chosen = np.concatenate([np.arange(least), len(made) - 1 - np.arange(least)])
    return told(name, tables, *made.take(chosen).frames(tables, texts), rng=rng)


def search(
    tables: LeadTables,
    rows: np.ndarray,
    sleeper: np.ndarray,
    score: Score,
    texts: Texts,
    rng: np.random.Generator,
    *,
    proposer: Proposer | None = None,
    rounds: int = ROUNDS,
    width: int = WIDTH,
    slack: float = 0.0,
    budget: int | np.ndarray = BUDGET,
) -> Timelines:
    """The leads `rows` (M,) as edited to mislead `score`: those of `sleeper` (M,) bool downwards, the others upwards.

    score: tables -> log-odds (M,) of a reply. proposer: (leads, 1 where the score is to fall and else -1, width) ->
    `width` changed copies of each; random moves where None. slack: by how much a kept edit may mislead less than what
    was there; budget: edits of all leads, or of each (M,).
    """
    made = Timelines.of(tables, rows, texts)
    how = {"proposer": proposer, "rounds": rounds, "width": width, "slack": slack, "budget": budget}
    lead_away(made, tables, sleeper, score, texts, rng, **how)
    return made


def lead_away(
    made: Timelines,
    tables: LeadTables,
    sleeper: np.ndarray,
    score: Score | None,
    texts: Texts,
    rng: np.random.Generator,
    *,
    proposer: Proposer | None = None,
    rounds: int = ROUNDS,
    width: int = WIDTH,
    slack: float = 0.0,
    budget: int | np.ndarray = BUDGET,
) -> None:
    """`search` from timelines (M,) as they stand, in place; without a score, to where the oracle is to be led alone."""
    sign = np.where(sleeper, 1.0, -1.0)
    nobody_yet, budget = np.full(len(made), -np.inf), np.broadcast_to(budget, len(made))
    found = _misled(made, sign, tables, texts, score, nobody_yet)
    for _ in range(rounds):
        places = np.flatnonzero(made.spent < budget)
        if proposer is None:
            tried = made.take(np.repeat(places, width))
            propose(tried, texts, rng)
        else:
            tried = proposer(made.take(places), sign[places], width, rng)
        fits = (
            (tried.spent <= np.repeat(budget[places], width))
            & (tried.spent > np.repeat(made.spent[places], width))
            & tried.plausible()
        )
        value = np.full(len(tried), -np.inf)
        kept = np.flatnonzero(fits)
        least = (found[places] - slack).repeat(width)[kept]
        value[kept] = _misled(tried.take(kept), sign[places].repeat(width)[kept], tables, texts, score, least)
        best = value.reshape(-1, width).argmax(axis=1) + width * np.arange(len(places))
        better = value[best] > found[places] - slack
        made.put(places[better], tried.take(best[better]))
        found[places[better]] = value[best[better]]


def _misled(
    made: Timelines, sign: np.ndarray, tables: LeadTables, texts: Texts, score: Score | None, least: np.ndarray
) -> np.ndarray:
    """How far the score is from the truth, in the direction wanted, (M,) log-odds.

    It is -inf, and the score is not asked, where the truth alone says that it can't be more than `least` (M,).
    """
    chance = np.clip(made.reply_probability(tables, texts), 1e-9, 1 - 1e-9)
    truth = 2 * sign * np.clip(np.log(chance / (1 - chance)), -SURE, SURE)
    if score is None:
        return truth
    value = np.full(len(made), -np.inf)
    open_ = np.flatnonzero(truth + SURE > least)
    if len(open_):
        said = score(made.take(open_).tables(tables, texts))
        value[open_] = truth[open_] - sign[open_] * np.clip(said, -SURE, SURE)
    return value
