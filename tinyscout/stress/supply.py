"""Contrast leads by the hundred thousand: made in pieces by other processes, kept as what contestants read of them.

As tables a hundred thousand leads take 600 MB, as tokens and features 125. Each piece has a seed of its own: the same
settings give the same leads, whoever makes them.

A scout that has learnt from many is right about two thirds of the next ones, which teach it nothing. More are then made
than are kept: those that it is furthest from the oracle on (hard examples, Shrivastava et al. 2016, section 4). What
counts is the oracle's probability and not the label drawn from it, so that labels stay true to the world.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from tinyscout.leads.tables import LeadTables, microseconds
from tinyscout.leads.world import World
from tinyscout.models.lead_scout import Examples
from tinyscout.stress.check import divergence
from tinyscout.stress.contrast import Reworder, contrast
from tinyscout.stress.families import Attacked
from tinyscout.stress.ground import Rows
from tinyscout.stress.prefixes import cut_short, drawn_labels, on_tokens
from tinyscout.stress.timelines import Texts
from tinyscout.training import Stack

PIECE = 30_000  # leads at most


class TrainingSet(NamedTuple):
    """N leads as a scout and all others read them.

    examples: tokens, features, and labels of the prefixes; rows: features and labels; cut_short: shorter leads, of
    which a scout knows by those labels of prefixes and others must be told; None where there are none.
    """

    examples: Examples
    rows: Rows
    cut_short: Rows | None = None

    @classmethod
    def of(cls, tables: LeadTables, reader: Stack, rng: np.random.Generator | None = None) -> "TrainingSet":
        """Leads as `reader` reads them; with rng and signals newest first, attacked leads with their prefixes."""
        examples = reader.examples(tables)
        rows = _rows(tables, examples)
        if rng is None or not reader.newest_first:
            return cls(examples, rows)
        drawn = drawn_labels(tables, rng)
        known = on_tokens(drawn, tables, examples.tokens, reader.tokenizer.vocabulary)
        short = cut_short(drawn, tables, rng)
        return cls(Examples(examples.tokens, examples.features, known), rows, _rows(short, reader.examples(short)))

    @classmethod
    def concatenate(cls, parts: Sequence["TrainingSet"]) -> "TrainingSet":
        """All of several, one part after another."""
        cut = [part.cut_short for part in parts if part.cut_short is not None]
        return cls(
            Examples.concatenate([part.examples for part in parts]),
            Rows.concatenate([part.rows for part in parts]),
            Rows.concatenate(cut) if cut else None,
        )


@dataclass(frozen=True)
class Supply:
    """Contrast leads of `source`, as `reader`, a scout of which no members are needed, reads them.

    processes: that make them in the background, or 1 for none: they are then made when they are asked for.
    """

    source: LeadTables
    reader: Stack
    seed: int
    processes: int = 2

    def start(
        self, number: int, by_moves: int, by_texts: int, *, pupil: Stack | None = None, choice: int = 1
    ) -> Iterator[TrainingSet]:
        """Pieces of the supply of this number, in order, about so many leads by random moves, and by scrambled texts
        above all; several processes start to make them at once. With a pupil, `choice` times as many are made, and
        those are kept that it is furthest from the oracle on, whichever of the two they are."""
        choice = 1 if pupil is None else choice
        pieces = min(-(-choice * (by_moves + by_texts) // PIECE), by_moves, by_texts)
        sizes = zip(_shares(by_moves, pieces), _shares(by_texts, pieces), strict=True)
        known = None if pupil is None else (pupil.to_state(), pupil.weights())  # what is compiled can't be sent
        tasks = [
            delayed(_piece)(self.source, self.reader, [self.seed, 19, number, place], *size, known, choice)
            for place, size in enumerate(sizes)
        ]
        made: Any = Parallel(n_jobs=min(self.processes, pieces), return_as="generator", max_nbytes=None)(tasks)
        return made


def unguided(source: LeadTables, texts: Texts, rng: np.random.Generator, number: int, reworded: int) -> list[Attacked]:
    """Contrast leads by random moves, and by scrambled texts above all."""
    return [
        contrast(source, texts, rng, number=number),
        contrast(source, texts, rng, number=reworded, name="contrast, reworded", proposer=Reworder(texts)),
    ]


def _piece(
    source: LeadTables,
    reader: Stack,
    seed: Sequence[int],
    number: int,
    reworded: int,
    pupil: tuple[dict[str, Any], dict[str, np.ndarray]] | None,
    choice: int,
) -> TrainingSet:
    rng = np.random.default_rng(seed)
    found = unguided(source, Texts.of(source, rng), rng, choice * number, choice * reworded)
    made = [each.world for each in found]
    kept = (
        [each.tables for each in made] if pupil is None else _hardest(made, Stack.from_state(*pupil), number + reworded)
    )
    return TrainingSet.concatenate([TrainingSet.of(each, reader, rng) for each in kept])


def _hardest(made: Sequence[World], pupil: Stack, number: int) -> list[LeadTables]:
    """Of all of these leads the `number` that the pupil is furthest from the oracle on, in nats."""
    far = [
        divergence(each.truth["reply_probability"].to_numpy(), pupil.member_logits(pupil.examples(each.tables)))
        for each in made
    ]
    least = np.sort(np.concatenate(far))[-number:][0]
    return [each.tables.take(np.flatnonzero(one >= least)) for each, one in zip(made, far, strict=True)]


def _rows(tables: LeadTables, examples: Examples) -> Rows:
    return Rows(examples.features, tables.labels, microseconds(tables.leads["contacted_at"]))


def _shares(number: int, parts: int) -> list[int]:
    """The number as so many like parts."""
    return [number // parts + (i < number % parts) for i in range(parts)]
