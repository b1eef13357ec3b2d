"""Contrast leads by the hundred thousand: made in pieces by other processes, kept as what a scout reads of them.

They are made while the scout trains on those before. As tables a hundred thousand leads take 600 MB, as tokens and
features 125. Each piece has a seed of its own: the same settings give the same leads, whoever makes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from tinyscout.leads.tables import LeadTables
from tinyscout.models.lead_scout import Examples
from tinyscout.stress.contrast import Reworder, contrast
from tinyscout.stress.families import Attacked
from tinyscout.stress.prefixes import prefix_labels
from tinyscout.stress.timelines import Texts
from tinyscout.training import Stack

PIECE = 50_000  # leads at most


class TrainingSet(NamedTuple):
    """What a scout trains on: N leads as it reads them, and their labels (N,)."""

    examples: Examples
    labels: np.ndarray

    @classmethod
    def of(cls, tables: LeadTables, reader: Stack, rng: np.random.Generator | None = None) -> "TrainingSet":
        """Leads as `reader` reads them; with rng and signals newest first, attacked leads with prefix labels."""
        examples = reader.examples(tables)
        if rng is not None and reader.newest_first:
            vocabulary = reader.tokenizer.vocabulary
            known = prefix_labels(tables, examples.tokens, vocabulary, rng)
            examples = Examples(examples.tokens, examples.features, known)
        return cls(examples, tables.labels)

    @classmethod
    def concatenate(cls, parts: Sequence["TrainingSet"]) -> "TrainingSet":
        """All of several, one part after another."""
        return cls(
            Examples.concatenate([part.examples for part in parts]), np.concatenate([part.labels for part in parts])
        )


@dataclass(frozen=True)
class Supply:
    """Contrast leads of `source`, as `reader`, a scout of which no members are needed, reads them.

    contrast, reworded: how many at a time by random moves, and by scrambled texts above all; processes: that make them
    in the background, or 1 for none: they are then made when they are asked for.
    """

    source: LeadTables
    reader: Stack
    seed: int
    contrast: int
    reworded: int
    processes: int = 2

    def start(self, number: int) -> Iterator[TrainingSet]:
        """Pieces of the supply of this number, in order; several processes start to make them at once."""
        pieces = min(-(-(self.contrast + self.reworded) // PIECE), self.contrast, self.reworded)
        sizes = zip(_shares(self.contrast, pieces), _shares(self.reworded, pieces), strict=True)
        tasks = [
            delayed(_piece)(self.source, self.reader, [self.seed, 19, number, place], *size)
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


def _piece(source: LeadTables, reader: Stack, seed: Sequence[int], number: int, reworded: int) -> TrainingSet:
    rng = np.random.default_rng(seed)
    made = [each.world.tables for each in unguided(source, Texts.of(source, rng), rng, number, reworded)]
    return TrainingSet.concatenate([TrainingSet.of(each, reader, rng) for each in made])


def _shares(number: int, parts: int) -> list[int]:
    """The number as so many like parts."""
    return [number // parts + (i < number % parts) for i in range(parts)]
