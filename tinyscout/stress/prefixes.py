"""Prefixes: what the oracle says of a lead of which only the newest signals were there, for each number of them.

A lead has one label, and a scout must find out from it which of a dozen signals and fifty words brought it. A scout
that reads the newest signal first has at each signal read a shorter lead to its end, which has a label of its own: a
dozen labels for the work of one reading (deep supervision along the sequence, as next-token training has it). Who
reads a lead only whole is given some of those shorter leads as leads.
"""

from dataclasses import replace

import numpy as np

from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.tokenizer import Tokens, Vocabulary
from tinyscout.tokenizer.tokens import offsets_of, spans

AT_ONCE = 10_000  # leads, of a dozen prefixes of half a dozen signals each
ONE_IN = 3  # one lead in so many is also cut short: three times as many took another 0.001 from the logistic's loss


def prefix_probability(tables: LeadTables) -> np.ndarray:
    """For each signal (S,) float64: the probability of a reply, were it and the newer ones the lead's only ones."""
    seen = oracle.observe(tables)
    parts = [_of_some(seen, first, first + AT_ONCE) for first in range(0, len(tables), AT_ONCE)]
    return np.concatenate([np.zeros(0), *parts])


def _of_some(seen: oracle.Observed, first: int, end: int) -> np.ndarray:
    """`prefix_probability` of the signals of the leads first to end - 1."""
    offsets = seen.offsets[first : end + 1]
    row = first + np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    start = np.arange(offsets[0], offsets[-1])
    lengths = seen.offsets[1:][row] - start
    kept = spans(start, lengths)
    signals = (each[kept] for each in (seen.kind, seen.age, seen.meaning, seen.delay))
    return oracle.probability(oracle.Observed(seen.profile[row], seen.persona[row], offsets_of(lengths), *signals))


def drawn_labels(tables: LeadTables, rng: np.random.Generator) -> np.ndarray:
    """A label for each signal (S,) float32: of the lead that it and the newer ones make, drawn from the oracle."""
    chance = prefix_probability(tables)
    return (rng.random(len(chance)) < chance).astype(np.float32)


def on_tokens(drawn: np.ndarray, tables: LeadTables, tokens: Tokens, vocabulary: Vocabulary) -> np.ndarray:
    """The labels drawn (S,) for the signals of `tables`, at their tokens: (N,) float32, NaN for other tokens.

    tokens: of the same leads, newest first. Raises ValueError where they stand oldest first.
    """
    if not tokens.newest:
        raise ValueError("prefixes.on_tokens: the tokens stand oldest first; needs them newest first")
    at = np.flatnonzero(vocabulary.is_signal(tokens.ids))
    lead = tokens.lead[at]
    nth = np.arange(len(at)) - np.searchsorted(lead, lead)  # from the newest, 0
    labels = np.full(len(tokens.ids), np.nan, np.float32)
    labels[at] = drawn[tables.offsets[1:][lead] - 1 - nth]
    return labels


def cut_short(drawn: np.ndarray, tables: LeadTables, rng: np.random.Generator) -> LeadTables:
    """A third of the leads with their newest signals alone, one at least and not all, and the label drawn (S,) for it.

    What additive scores and trees, which have no place to hear of a prefix in the middle, learn of prefixes.
    """
    lengths = np.diff(tables.offsets)
    rows = np.flatnonzero(lengths > 1)
    rows = np.sort(rng.choice(rows, len(rows) // ONE_IN, replace=False))
    left = rng.integers(1, lengths[rows])
    oldest = tables.offsets[1:][rows] - left  # signal that is left
    some = tables.take(rows)
    kept = np.arange(len(some.signals)) >= np.repeat(some.offsets[1:] - left, lengths[rows])
    return replace(
        some,
        leads=some.leads.assign(label=drawn[oldest].astype(np.float64)),
        signals=some.signals[kept].reset_index(drop=True),
        offsets=offsets_of(left),
    )
