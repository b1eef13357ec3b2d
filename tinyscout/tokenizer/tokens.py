"""Tokens: many leads as ragged arrays of (id, value, age), and Padded: some of them as a rectangle.

A lead's tokens stand in one order: profile, then signals each followed by its words, oldest first, then `<score>`;
or, where a model is to look back on what came later, signals newest first and each behind its words (`newest_first`).
What is to be written to the lead follows that (chat.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from tinyscout.errors import InputError
from tinyscout.tokenizer.vocabulary import PAD, SCORE, Vocabulary

COLUMNS = ("ids", "values", "ages", "dropped")  # of Tokens, which stand one after another


@dataclass(frozen=True)
class Padded:
    """A batch as a rectangle: T is the longest lead's length; what lies past a lead's length is `<pad>`, 0 and NaN."""

    ids: np.ndarray  # (B, T) int32
    values: np.ndarray  # (B, T) float32
    ages: np.ndarray  # (B, T) float32 hours, NaN = no age
    lengths: np.ndarray  # (B,) int32

    @property
    def positions(self) -> np.ndarray:
        """(T,) int64: how many tokens of the lead stand before each."""
        return np.arange(self.ids.shape[1])


@dataclass(frozen=True)
class Tokens:
    """B leads with N tokens in all; lead i owns tokens offsets[i]:offsets[i + 1].

    `dropped` counts, a lead, the words past a text's cap and the tokens that `truncate` took away. `newest`: the order.
    """

    ids: np.ndarray  # (N,) int32
    values: np.ndarray  # (N,) float32 in [-1, 1], 0 where unused
    ages: np.ndarray  # (N,) float32 hours, NaN = no age
    offsets: np.ndarray  # (B + 1,) int64
    dropped: np.ndarray  # (B,) int32
    newest: bool | np.ndarray = False  # an array of none but itself where it was stored as one

    def __post_init__(self) -> None:
        n_tokens = int(self.offsets[-1])
        if not len(self.ids) == len(self.values) == len(self.ages) == n_tokens:
            raise ValueError(
                f"Tokens: ids, values and ages have {len(self.ids)}, {len(self.values)} and {len(self.ages)} rows; "
                f"offsets end at {n_tokens}: all four must agree"
            )
        if len(self.dropped) != len(self):
            raise ValueError(f"Tokens: dropped has {len(self.dropped)} rows; there are {len(self)} leads")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(B,) int64 number of tokens a lead."""
        return np.diff(self.offsets)

    @property
    def lead(self) -> np.ndarray:
        """(N,) int64: which lead each token belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def positions(self) -> np.ndarray:
        """(N,) int64: how many tokens of the lead stand before each."""
        return spans(np.zeros(len(self)), self.lengths)

    def take(self, rows: np.ndarray) -> "Tokens":
        """The leads `rows` (indices, in the order given; repeats allowed)."""
        rows = np.asarray(rows, dtype=np.int64)
        lengths = self.lengths[rows]
        source = spans(self.offsets[rows], lengths)
        return self._of(source, offsets_of(lengths), self.dropped[rows])

    @classmethod
    def concatenate(cls, parts: Sequence["Tokens"]) -> "Tokens":
        """All leads of several, one part after another. Raises ValueError where their orders differ."""
        if len({bool(part.newest) for part in parts}) > 1:
            raise ValueError("Tokens.concatenate: some have their signals newest first and some oldest first")
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
        offsets = offsets_of(np.concatenate([part.lengths for part in parts]))
        return cls(**columns, offsets=offsets, newest=parts[0].newest)

    def append(self, tails: Sequence[Sequence[int]]) -> "Tokens":
        """Every lead with the ids of its tail after its own tokens, without value or age; tails (B,) of any length."""
        if len(tails) != len(self):
            raise ValueError(f"Tokens.append: got {len(tails)} tails for {len(self)} leads; needs one a lead")
        added = np.fromiter((len(tail) for tail in tails), np.int64, len(tails))
        offsets = offsets_of(self.lengths + added)
        at, end = spans(offsets[:-1], self.lengths), spans(offsets[1:] - added, added)
        ids = np.empty(offsets[-1], np.int32)
        values = np.zeros(offsets[-1], np.float32)
        ages = np.full(offsets[-1], np.nan, np.float32)
        ids[at], values[at], ages[at] = self.ids, self.values, self.ages
        ids[end] = np.fromiter(chain.from_iterable(tails), np.int32, len(end))
        return Tokens(ids, values, ages, offsets, self.dropped, self.newest)

    def newest_first(self, vocabulary: Vocabulary) -> "Tokens":
        """The same leads with their signals newest first, each behind its words; a profile's texts stay as they are.

        To be done after `truncate`. A token that looks back then sees what came later, as what voids or revives it, and
        a signal sees what is said by it.
        """
        owner, index = self.said_by(vocabulary), np.arange(len(self.ids))
        of_signal = vocabulary.is_signal(self.ids[owner])
        part = np.where(of_signal, 1, np.where(index >= self.offsets[self.lead + 1] - 1, 2, 0))
        order = np.lexsort((of_signal & (owner == index), np.where(of_signal, -owner, 0), part, self.lead))
        return replace(self._of(order, self.offsets, self.dropped), newest=True)

    def said_by(self, vocabulary: Vocabulary) -> np.ndarray:
        """(N,) int64: for each word the place of the signal or field that says it, for other tokens their own."""
        index = np.arange(len(self.ids))
        is_word = vocabulary.is_word(self.ids)
        before = np.maximum.accumulate(np.where(is_word, 0, index))
        if not self.newest:
            return before
        last = len(index) - 1
        behind = np.minimum.accumulate(np.where(is_word, last, index)[::-1])[::-1]
        return np.where(is_word & np.isfinite(self.ages), behind, before)  # a profile's words have no age

    def truncate(self, max_tokens: int, vocabulary: Vocabulary) -> "Tokens":
        """At most max_tokens a lead: whole signals (with their words) go, oldest first; profile and `<score>` stay.

        Raises InputError when a profile and `<score>` alone are longer than max_tokens.
        """
        if not len(self) or self.lengths.max() <= max_tokens:
            return self
        if self.newest:
            raise ValueError("Tokens.truncate: signals stand newest first; truncate before newest_first")
        lead = self.lead
        index = np.arange(len(self.ids))
        latest_signal = np.maximum.accumulate(np.where(vocabulary.is_signal(self.ids), index, -1))
        score = np.flatnonzero(self.ids == SCORE)
        if len(score) != len(self) or np.any(lead[score] != np.arange(len(self))):
            raise ValueError("Tokens.truncate: every lead needs exactly one <score>")
        history = (latest_signal >= self.offsets[lead]) & (index < score[lead])  # signals and their words
        always = np.bincount(lead[~history], minlength=len(self))  # (B,)
        if always.max() > max_tokens:
            raise InputError(
                f"max_tokens is {max_tokens}, and the longest profile alone has {always.max()} tokens, which are "
                f"never dropped: set max_tokens to at least {always.max()}, or leave profile columns out"
            )
        keep = ~history | (always[lead] + score[lead] - latest_signal <= max_tokens)
        lengths = np.bincount(lead[keep], minlength=len(self))
        dropped = (self.dropped + self.lengths - lengths).astype(np.int32)
        return self._of(keep, offsets_of(lengths), dropped)

    def _of(self, places: np.ndarray, offsets: np.ndarray, dropped: np.ndarray) -> "Tokens":
        """The tokens at some places, as leads of these offsets."""
        ids, values, ages = self.ids[places], self.values[places], self.ages[places]
        return Tokens(ids, values, ages, offsets, dropped, self.newest)

    def pad(self, rows: np.ndarray | None = None) -> Padded:
        """The leads `rows` (all of them when None) as a rectangle as wide as the longest."""
        tokens = self if rows is None else self.take(rows)
        lengths = tokens.lengths
        width = int(lengths.max(initial=0))
        inside = np.arange(width) < lengths[:, None]  # (B, T)
        ids = np.full(inside.shape, PAD, np.int32)
        values = np.zeros(inside.shape, np.float32)
        ages = np.full(inside.shape, np.nan, np.float32)
        ids[inside], values[inside], ages[inside] = tokens.ids, tokens.values, tokens.ages
        return Padded(ids, values, ages, lengths.astype(np.int32))


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Lengths (B,) -> offsets (B + 1,) int64."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The integers starts[i] ... starts[i] + lengths[i] - 1 for every i, one after another: (sum of lengths,) int64."""
    shift = np.asarray(starts, np.int64) - offsets_of(lengths)[:-1]
    return np.arange(int(np.sum(lengths))) + np.repeat(shift, lengths)


def length_sorted_batches(
    lengths: np.ndarray, batch_size: int, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """Rows in batches of like length, so that little is padding. Every row comes exactly once.

    Without rng: shortest first, ties in row order. With rng: rows of equal length are shuffled among themselves, and
    so are the batches, which is what an epoch of training wants.
    """
    ties = np.arange(len(lengths)) if rng is None else rng.permutation(len(lengths))
    order = np.lexsort((ties, lengths))
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if rng is not None:
        rng.shuffle(batches)
    return batches
