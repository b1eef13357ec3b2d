"""Score-guided search: random edits, kept where they lead a model's score away from the truth.

It needs nothing of a model but its scores. Each lead is to become a decoy (the oracle says no, the model yes) or a
sleeper; of some random edits a round the best are kept: one, which is greedy, or as many as the beam holds (Ebrahimi et
al. 2018, sections 3 and 4, with random proposals in the place of gradients). Phase 15 prints both: with as many edits
tried, the greedy search misleads more, so that is what hardens and judges.
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
STEPS, WIDTH = 14, 8
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
    steps: int = STEPS,
    width: int = WIDTH,
    beam: int = 1,
) -> Attacked:
    """At most `number` variants of leads in `tables` that mislead `score`, half of them decoys and half sleepers.

    Half of the source leads are ones whose reply the oracle expects: few leads of the world are, and what makes them so
    is what there is to trick. A lead that did not become what it was to become is left out. Raises InputError for a
    number below 2, of which no half is a lead, and for a score that is not a log-odds of each lead.
    """
    if number < 2:
        raise InputError(f"{name}: number of leads is {number}; needs 2 or more, a decoy and a sleeper")
    sources = Sources(tables)
    kept: dict[bool, list[Timelines]] = {False: [], True: []}
    for _ in range(TRIES):
        lacking = {kind: number // 2 - sum(map(len, parts)) for kind, parts in kept.items()}
        if max(lacking.values()) <= 0:
            break
        wanted = np.repeat([False, True], [max(round(OVERDRAWN * lacking[kind]), 0) for kind in (False, True)])
        rows = sources.draw(len(wanted), rng)
        made = search(tables, rows, wanted, score, texts, rng, proposer=proposer, steps=steps, width=width, beam=beam)
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
    steps: int = STEPS,
    width: int = WIDTH,
    beam: int = 1,
    budget: int | np.ndarray = BUDGET,
) -> Timelines:
    """The leads `rows` (M,) as edited to mislead `score`: those of `sleeper` (M,) bool downwards, the others upwards.

    score: tables -> log-odds (M,) of a reply. proposer: (leads, 1 where the score is to fall and else -1, width) ->
    `width` changed copies of each; random moves where None. budget: edits of all leads, or of each (M,).
    """
    made = Timelines.of(tables, rows, texts)
    how = {"proposer": proposer, "steps": steps, "width": width, "beam": beam, "budget": budget}
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
    steps: int = STEPS,
    width: int = WIDTH,
    beam: int = 1,
    slack: float = 0.0,
    budget: int | np.ndarray = BUDGET,
) -> None:
    """`search` from timelines (M,) as they stand, in place; without a score, to where the oracle is to be led alone.

    slack: by how much an edit that is kept may mislead less than what was there.
    """
    sign, budget = np.where(sleeper, 1.0, -1.0), np.broadcast_to(budget, len(made))
    held, lead = made.take(np.arange(len(made))), np.arange(len(made))
    value = _misled(held, sign, tables, texts, score, np.full(len(held), -np.inf))
    for _ in range(steps):
        places = np.flatnonzero(held.spent < budget[lead])
        whose, spent = lead[places].repeat(width), held.spent[places].repeat(width)
        if proposer is None:
            tried = held.take(np.repeat(places, width))
            propose(tried, texts, rng)
        else:
            tried = proposer(held.take(places), sign[lead[places]], width, rng)
        fits = np.flatnonzero((tried.spent <= budget[whose]) & (tried.spent > spent) & tried.plausible())
        tried, whose = tried.take(fits), whose[fits]
        least = _least(value - slack, lead, beam, len(made))[whose]
        found = _misled(tried, sign[whose], tables, texts, score, least)
        lead, value = np.append(lead, whose), np.append(value, found)
        kept = _best(np.append(value[: len(held)] - slack, found), lead, beam)
        held, lead, value = Timelines.concatenate([held, tried]).take(kept), lead[kept], value[kept]
    first = np.unique(lead, return_index=True)[1]
    made.put(np.arange(len(made)), held.take(first))


def _best(value: np.ndarray, lead: np.ndarray, beam: int) -> np.ndarray:
    """Places of the `beam` highest values (S,) of each lead (S,), the highest first; of equal ones the first alone."""
    order = np.lexsort((-value, lead))
    own, high = lead[order], value[order]
    again = np.append(False, (own[1:] == own[:-1]) & (high[1:] == high[:-1]))
    order = order[~again & (high > -np.inf)]
    rank = np.arange(len(order)) - np.searchsorted(lead[order], lead[order])
    return order[rank < beam]


def _least(value: np.ndarray, lead: np.ndarray, beam: int, leads: int) -> np.ndarray:
    """(leads,) what a new variant has to exceed to be kept: the lowest value (H,) of a lead that holds `beam`."""
    least = np.full(leads, np.inf)
    np.minimum.at(least, lead, value)
    return np.where(np.bincount(lead, minlength=leads) < beam, -np.inf, least)


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
        said = np.asarray(score(made.take(open_).tables(tables, texts)))
        if said.shape != open_.shape or np.isnan(said).any():
            came = "NaN" if said.shape == open_.shape else f"shape {said.shape}"
            raise InputError(
                f"search: the score gave {came}; needs the log-odds of a reply of each lead, {open_.shape}"
            )
        value[open_] = truth[open_] - sign[open_] * np.clip(said, -SURE, SURE)
    return value
