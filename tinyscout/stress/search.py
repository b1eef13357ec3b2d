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
    short = tables.mature & (np.diff(tables.offsets) <= LONGEST - BUDGET)
    expected = oracle.reply_probability(tables) > 0.5
    pools = [pool for pool in (np.flatnonzero(short & expected), np.flatnonzero(short & ~expected)) if len(pool)]
    if not pools:
        raise InputError(f"stress: none of {len(tables):,} leads has a known label; a search needs mature leads")
    kept: dict[bool, list[Timelines]] = {False: [], True: []}
    for _ in range(TRIES):
        lacking = {kind: number // 2 - sum(map(len, parts)) for kind, parts in kept.items()}
        if max(lacking.values()) <= 0:
            break
        wanted = np.repeat([False, True], [max(2 * lacking[kind], 0) for kind in (False, True)])
        rows = np.where(
            rng.random(len(wanted)) < 0.5, rng.choice(pools[0], len(wanted)), rng.choice(pools[-1], len(wanted))
        )
        made = search(tables, rows, wanted, score, texts, rng, proposer=proposer, rounds=rounds, width=width)
        is_sleeper = oracle.reply_probability(made.tables(tables, texts)) > 0.5
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
    budget: int = BUDGET,
) -> Timelines:
    """The leads `rows` (M,) as edited to mislead `score`: those of `sleeper` (M,) bool downwards, the others upwards.

    score: tables -> log-odds (M,) of a reply. proposer: (leads, 1 where the score is to fall and else -1, width) ->
    `width` changed copies of each; random moves where None.
    """
    made = Timelines.of(tables, rows, texts)
    sign = np.where(sleeper, 1.0, -1.0)
    found = _misled(made, sign, tables, texts, score)
    for _ in range(rounds):
        places = np.flatnonzero(made.spent < budget)
        if proposer is None:
            tried = made.take(np.repeat(places, width))
            propose(tried, texts, rng)
        else:
            tried = proposer(made.take(places), sign[places], width, rng)
        fits = (tried.spent <= budget) & (tried.spent > np.repeat(made.spent[places], width)) & tried.plausible()
        value = np.full(len(tried), -np.inf)
        kept = np.flatnonzero(fits)
        value[kept] = _misled(tried.take(kept), sign[places].repeat(width)[kept], tables, texts, score)
        best = value.reshape(-1, width).argmax(axis=1) + width * np.arange(len(places))
        better = value[best] > found[places]
        made.put(places[better], tried.take(best[better]))
        found[places[better]] = value[best[better]]
    return made


def _misled(made: Timelines, sign: np.ndarray, tables: LeadTables, texts: Texts, score: Score) -> np.ndarray:
    """How far the score is from the truth, in the direction wanted, (M,) log-odds."""
    read = made.tables(tables, texts)
    chance = np.clip(oracle.reply_probability(read), 1e-9, 1 - 1e-9)
    truth = np.clip(np.log(chance / (1 - chance)), -SURE, SURE)
    return sign * (2 * truth - np.clip(score(read), -SURE, SURE))
