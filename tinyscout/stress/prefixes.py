"""Prefixes: what the oracle says of a lead of which only the newest signals were there, for each number of them.

A lead has one label, and a scout must find out from it which of a dozen signals and fifty words brought it. A scout
that reads the newest signal first has at each signal read a shorter lead to its end, which has a label of its own: a
dozen labels for the work of one reading (deep supervision along the sequence, as next-token training has it).
"""

import numpy as np

from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.tokenizer import Tokens, Vocabulary
from tinyscout.tokenizer.tokens import offsets_of, spans

AT_ONCE = 10_000  # leads, of a dozen prefixes of half a dozen signals each


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


def prefix_labels(tables: LeadTables, tokens: Tokens, vocabulary: Vocabulary, rng: np.random.Generator) -> np.ndarray:
    """A label for each token (N,) float32 that is a signal, drawn from `prefix_probability`; NaN for other tokens.

    tokens: of the leads in `tables`, newest first. Raises ValueError where they stand oldest first.
    """
    if not tokens.newest:
        raise ValueError("prefix_labels: the tokens stand oldest first; needs them newest first")
    chance = prefix_probability(tables)
    drawn = (rng.random(len(chance)) < chance).astype(np.float32)
    at = np.flatnonzero(vocabulary.is_signal(tokens.ids))
    lead = tokens.lead[at]
    nth = np.arange(len(at)) - np.searchsorted(lead, lead)  # from the newest, 0
    labels = np.full(len(tokens.ids), np.nan, np.float32)
    labels[at] = drawn[tables.offsets[1:][lead] - 1 - nth]
    return labels
