"""Contrast leads: random edits that nobody's score guides, and where they led, told by the oracle.

A contrast set (Gardner et al. 2020) by machine: decoys and sleepers were made by the same moves from the same leads, so
that what tells them apart is what matters. Each lead walks to where its reply is to be expected, or not to be, and is
kept several times on its way: neighbours on it differ by a few edits, and now and then in all that counts.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tinyscout.errors import InputError
from tinyscout.leads.tables import LeadTables
from tinyscout.stress.families import Attacked, concatenate, told
from tinyscout.stress.moves import any_place, propose_at
from tinyscout.stress.search import TRIES, Proposer, Sources, lead_away
from tinyscout.stress.threat import BUDGET
from tinyscout.stress.timelines import Texts, Timelines
from tinyscout.stress.wordings import scrambled

STOPS = (4, 4, 4)  # edits tried before a lead is kept, once more, and again
SLACK = 0.6  # of twice the oracle's log-odds: how far an edit may lead away from where the lead is to go
LEAST_BUDGET = 2  # each lead has a budget of its own, from this to the threat model's
AT_ONCE = 8_000  # leads edited together


@dataclass(frozen=True)
class Reworder:
    """Proposes random edits, of which a share scrambles a text: words decide much, and there are more of them to know.

    Scrambled texts are scrambled again, so that they stray further from the world's sentences than any list of texts.
    """

    texts: Texts
    share: float = 0.6

    def __call__(self, made: Timelines, sign: np.ndarray, width: int, rng: np.random.Generator) -> Timelines:
        """`width` changed copies of each timeline, (M * width)."""
        tried = made.take(np.repeat(np.arange(len(made)), width))
        at, spoken = any_place(tried.text > 0, rng)
        said = spoken & (rng.random(len(tried)) < self.share)
        for place in np.flatnonzero(said).tolist():
            old = int(tried.text[place, at[place]])
            tried.text[place, at[place]] = self.texts.add(scrambled(str(self.texts.texts[old]), rng), old)
        tried.spent[said] += 1
        propose_at(tried, np.flatnonzero(~said), self.texts, rng)
        return tried


def contrast(
    tables: LeadTables,
    texts: Texts,
    rng: np.random.Generator,
    *,
    number: int,
    name: str = "contrast",
    proposer: Proposer | None = None,
) -> Attacked:
    """About `number` randomly edited variants of leads in `tables`, half of them decoys and half sleepers.

    proposer: what proposes the edits; random moves where None.
    Raises InputError where no lead is mature, or none can be led to both sides.
    """
    sources, parts = Sources(tables), []
    for _ in range(TRIES + number // 1_000):
        missing = number - sum(len(part.world.tables) for part in parts)
        if missing <= 0:
            break
        walks = min(AT_ONCE, max(200, round(1.3 * missing / len(STOPS))))
        made = _walk(tables, sources, texts, rng, walks, missing, proposer)
        parts.append(told(name, tables, *made, rng=rng))
    found = concatenate(parts, rng)
    if not len(found.world.tables):
        raise InputError(f"stress: of {len(tables):,} leads none could be led to both sides; give more leads")
    return found


def _walk(
    tables: LeadTables,
    sources: Sources,
    texts: Texts,
    rng: np.random.Generator,
    walks: int,
    most: int,
    proposer: Proposer | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of at most about `most` stops of so many walks, half of them on either side."""
    made = Timelines.of(tables, sources.draw(walks, rng), texts)
    sleeper, budget = rng.random(walks) < 0.5, rng.integers(LEAST_BUDGET, BUDGET + 1, walks)
    kept, last = [], np.zeros(walks, np.int64)
    how = {"proposer": proposer, "width": 1, "slack": SLACK, "budget": budget}
    for steps in STOPS:
        lead_away(made, tables, sleeper, None, texts, rng, steps=steps, **how)
        moved = np.flatnonzero(made.spent > last)
        kept.append(made.take(moved))
        last = made.spent.copy()
    every = Timelines.concatenate(kept)
    expected = every.reply_probability(tables, texts) > 0.5
    each = min(int(expected.sum()), int((~expected).sum()), most // 2 + 1)
    chosen = [rng.permutation(np.flatnonzero(expected == side))[:each] for side in (False, True)]
    return every.take(np.sort(np.concatenate(chosen))).frames(tables, texts)
