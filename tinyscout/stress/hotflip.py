"""HotFlip: which single changes mislead our own model most, read off its gradient (Ebrahimi et al. 2018, eq. 1-3).

One backward pass gives the gradient of a lead's logit with respect to every token's vector. How much another kind of
signal, age, word or value of the profile would move the logit is then, to first order, a product of that gradient and
the difference of two vectors: all changes are ranked at the price of one pass, and only the best are tried for real.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tinyscout.autograd import no_grad
from tinyscout.explain.contributions import token_gradients
from tinyscout.leads.oracle_weights import KIND, KINDS
from tinyscout.leads.tables import HOUR_US, LeadTables
from tinyscout.leads.world_profiles import STACKS
from tinyscout.leads.world_signals import CHANNELS
from tinyscout.models.batches import batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import Examples, LeadScout
from tinyscout.stress.moves import propose_at
from tinyscout.stress.threat import CHANNELS_OF, EDITABLE, EMPLOYEES_FACTOR, PLAN_FIT_POINTS, WITH_TEXT
from tinyscout.stress.timelines import SECOND, Texts, Timelines
from tinyscout.tokenizer import Tokens
from tinyscout.tokenizer.fields import CategoryCoder, NumberCoder
from tinyscout.tokenizer.sales import Field
from tinyscout.tokenizer.tokens import spans
from tinyscout.training import Stack

AGES = np.geomspace(0.5, 200 * 24, 32)  # hours that a signal may move to
_STEPS = np.linspace(-1, 1, 9)  # of what the threat model lets a number move
_PAIRS = [(kind, channel) for kind in KINDS if kind not in WITH_TEXT for channel in CHANNELS_OF[kind]]
_SILENT = np.array([kind not in WITH_TEXT for kind in KINDS])


AGE, KIND_OF, WORD, FIELD = range(4)  # what a flip changes


class Flips(NamedTuple):
    """C single changes: of lead (C,), at column (C,) of its timeline, what (C,), to value (C,), gain (C,) in log-odds.

    value: a place in AGES, in the pairs of kind and channel, in the whole words, or in what a field may become; word
    (C,): which word of the text, or which of EDITABLE.
    """

    lead: np.ndarray
    column: np.ndarray
    what: np.ndarray
    value: np.ndarray
    word: np.ndarray
    gain: np.ndarray

    def take(self, places: np.ndarray) -> "Flips":
        return Flips(*(each[places] for each in self))


@dataclass
class HotFlip:
    """Proposes changes to timelines along the gradient of a stack's members, and random ones for the rest.

    share: of the proposals that come from the gradient. Random moves also add and remove signals, which a flip can't.
    """

    stack: Stack
    original: LeadTables
    texts: Texts
    share: float = 0.75

    def __post_init__(self) -> None:
        vocabulary, signals = self.stack.tokenizer.vocabulary, self.stack.tokenizer.signals
        frame = pd.DataFrame(_PAIRS, columns=["kind", "channel"])
        self.kind_ids = vocabulary.signal_start + signals.encode(frame)  # (P,)
        words = self.stack.tokenizer.bpe.words
        whole = [i for i, word in enumerate(words) if word[:1] == b" " and word[1:].isalpha() and len(word) > 2]
        self.word_ids = vocabulary.words_start + np.array(whole, np.int64)  # (W,)

    def __call__(self, made: Timelines, sign: np.ndarray, width: int, rng: np.random.Generator) -> Timelines:
        """`width` changed copies of each timeline, (M * width): sign (M,) is 1 where the score is to fall."""
        tried = made.take(np.repeat(np.arange(len(made)), width))
        flips = self.best(made, sign, round(width * self.share))
        rank = np.arange(len(flips.lead)) - np.searchsorted(flips.lead, flips.lead)
        flipped = flips.lead * width + rank
        self.apply(tried, flipped, flips)
        propose_at(tried, np.setdiff1d(np.arange(len(tried)), flipped), self.texts, rng)
        return tried

    def best(self, made: Timelines, sign: np.ndarray, most: int) -> Flips:
        """Up to `most` flips of each timeline that move its score most, by first order, the best first."""
        flips = self._every(made, sign)
        flips = flips.take(np.lexsort((-flips.gain, flips.lead)))
        rank = np.arange(len(flips.lead)) - np.searchsorted(flips.lead, flips.lead)
        return flips.take(np.flatnonzero(rank < most))

    def apply(self, tried: Timelines, places: np.ndarray, flips: Flips) -> None:
        """Change timeline `places[i]` in place by flip i."""
        for what in (AGE, KIND_OF, WORD, FIELD):
            some = np.flatnonzero(flips.what == what)
            where, value = (places[some], flips.column[some]), flips.value[some]
            if what == AGE:
                tried.ago[where] = (AGES[value] * HOUR_US).astype(np.int64) // SECOND * SECOND
                tried.fresh[where] = True
            elif what == FIELD:
                self._describe(tried, places[some], flips.word[some], value)
            elif what == KIND_OF:
                tried.kind[where] = [KIND[_PAIRS[i][0]] for i in value]
                tried.channel[where] = [CHANNELS.index(_PAIRS[i][1]) for i in value]
                tried.fresh[where] = True
            else:
                said = zip(tried.text[where], flips.word[some], value, strict=True)
                tried.text[where] = [self._reworded(*each) for each in said]
            tried.spent[places[some]] += 2 if what == KIND_OF else 1  # a kind: one is taken away and another added

    def _describe(self, tried: Timelines, places: np.ndarray, field: np.ndarray, value: np.ndarray) -> None:
        for number, column in enumerate((tried.employees, tried.plan_fit, tried.stack)):
            some = field == number
            column[places[some]] = _choices(tried, number)[places[some], value[some]]
            tried.described[places[some], number] = True

    def _reworded(self, text: int, word: int, value: int) -> int:
        """The number of a text after one of its tokens became another whole word."""
        ids = self.stack.tokenizer.encode_text(str(self.texts.texts[text]))
        ids[word] = int(self.word_ids[value])
        return self.texts.add(self.stack.tokenizer.decode_text(ids).strip(), text)

    def _every(self, made: Timelines, sign: np.ndarray) -> Flips:
        """The best age and kind for every signal and the best word for every word, with what each gains."""
        examples = self.stack.examples(made.tables(self.original, self.texts))
        tokens, vocabulary = examples.tokens, self.stack.tokenizer.vocabulary
        at = np.flatnonzero(vocabulary.is_signal(tokens.ids))  # tokens of signals that were not truncated, (S,)
        at = at[np.lexsort((-at if tokens.newest else at, tokens.lead[at]))]  # oldest first
        lead, column = _latest(*made.by_time(), np.bincount(tokens.lead[at], minlength=len(made)))  # (S,)
        signal_at = np.full(len(tokens.ids), -1)
        signal_at[at] = np.arange(len(at))
        group = signal_at[tokens.said_by(vocabulary)]  # each token's signal
        aged = np.flatnonzero(group >= 0)
        first = np.full(len(at), len(tokens.ids))  # where each signal's text begins
        np.minimum.at(first, group[aged], np.where(vocabulary.is_word(tokens.ids[aged]), aged, len(tokens.ids)))
        words = aged[np.isin(tokens.ids[aged], self.word_ids)]  # (W',)
        silent = np.flatnonzero(_SILENT[made.kind[lead, column]])

        by_age = np.zeros((len(at), len(AGES)))
        by_kind, by_word = np.zeros((len(silent), len(self.kind_ids))), np.zeros((len(words), len(self.word_ids)))
        gradients = [_gradients(member, examples) for member in self.stack.members]  # (N, D) each
        for member, gradient in zip(self.stack.members, gradients, strict=True):
            with no_grad():
                then, now = member.age(AGES.astype(np.float32)).data, member.age(tokens.ages[aged]).data
            change = gradient[aged] @ then.T - np.einsum("nd,nd->n", gradient[aged], now)[:, None]
            np.add.at(by_age, group[aged], change)  # a signal's words are as old as it
            for found, places, ids in ((by_kind, at[silent], self.kind_ids), (by_word, words, self.word_ids)):
                found += _exchanged(member, gradient, tokens, places, ids)

        parts = []
        for what, change, signal in ((AGE, by_age, np.arange(len(at))), (KIND_OF, by_kind, silent)):
            parts.append(_best_of(change, what, signal, lead, column, np.zeros(len(signal), np.int64), sign))
        signal = group[words]
        parts.append(_best_of(by_word, WORD, signal, lead, column, words - first[signal], sign))
        for field, owned in zip(self.stack.tokenizer.fields, vocabulary.fields, strict=True):
            if field.name in EDITABLE:
                parts.append(self._of_field(field, owned.start, made, tokens, gradients, sign))
        return Flips(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _of_field(
        self, field: Field, start: int, made: Timelines, tokens: Tokens, gradients: list[np.ndarray], sign: np.ndarray
    ) -> Flips:
        """The best other value of a field of the profile, whose ids begin at `start`, of each lead that has one there
        and was not described anew yet."""
        number, coder = EDITABLE.index(field.name), field.coder
        known = len(coder.values) if isinstance(coder, CategoryCoder) else 1
        at = np.flatnonzero((tokens.ids >= start) & (tokens.ids < start + known))
        at = at[~made.described[tokens.lead[at], number]]
        lead, choices = tokens.lead[at], _choices(made, number)
        change = np.zeros((len(at), choices.shape[1]))
        for member, gradient in zip(self.stack.members, gradients, strict=True):
            if isinstance(coder, NumberCoder):
                change += _resized(member, gradient, tokens, at, coder.scale(choices[lead]))
            elif isinstance(coder, CategoryCoder):
                change += _exchanged(member, gradient, tokens, at, start + coder.encode(pd.Series(STACKS))[0])
        none, which = np.zeros(len(at), np.int64), np.full(len(at), number)
        return _best_of(change, FIELD, np.arange(len(at)), lead, none, which, sign)


def _choices(made: Timelines, number: int) -> np.ndarray:
    """What field `number` of EDITABLE may become within the threat model, (M, C); NaN stays missing."""
    if number == 2:
        return np.broadcast_to(np.arange(len(STACKS), dtype=np.int8), (len(made), len(STACKS)))
    if number == 1:
        return np.clip(made.plan_fit[:, None] + PLAN_FIT_POINTS * _STEPS, 0, 100)
    return np.maximum(1, np.round(made.employees[:, None] * EMPLOYEES_FACTOR**_STEPS))


def _resized(
    member: LeadScout, gradient: np.ndarray, tokens: Tokens, places: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """First-order change of the logit where the number at each place (P,) becomes each value (P, C): (P, C)."""
    pull = gradient[places] @ member.amount.knots.weight.data.T  # (P, knots)

    def told(value: np.ndarray) -> np.ndarray:
        (left, below), (right, above) = member.amount.places(tokens.ids[places], value)
        own = np.arange(len(places))
        return below * pull[own, left] + above * pull[own, right]

    return np.stack([told(value) for value in values.T], axis=1) - told(tokens.values[places])[:, None]


def _exchanged(
    member: LeadScout, gradient: np.ndarray, tokens: Tokens, places: np.ndarray, ids: np.ndarray
) -> np.ndarray:
    """First-order change of the logit where the token at each place (P,) becomes each id (C,): (P, C).

    A token's id is read at its own place and, by a model of n-grams, at the next ones of its lead.
    """
    change = np.zeros((len(places), len(ids)))
    lead = np.append(tokens.lead, np.full(len(member.before), -1))
    for ahead, table in enumerate([member.token, *member.before]):
        vectors, own = table.weight.data, np.flatnonzero(lead[places + ahead] == lead[places])
        pull = gradient[places[own] + ahead]  # (P', D)
        now = np.einsum("nd,nd->n", pull, vectors[tokens.ids[places[own]]])
        change[own] += pull @ vectors[ids].T - now[:, None]
    return change


def _best_of(
    change: np.ndarray,
    what: int,
    signal: np.ndarray,
    lead: np.ndarray,
    column: np.ndarray,
    word: np.ndarray,
    sign: np.ndarray,
) -> Flips:
    """Of each row of first-order changes (C, choices) the one that leads the score furthest where it is wanted; nothing
    where there is no choice, as of words for a model that knows none."""
    if not change.shape[1]:
        nothing = np.zeros(0, np.int64)
        return Flips(nothing, nothing, nothing, nothing, nothing, np.zeros(0))
    gains = -sign[lead[signal], None] * change
    value = gains.argmax(axis=1)
    gain = gains[np.arange(len(value)), value]
    return Flips(lead[signal], column[signal], np.full(len(value), what), value, word, gain)


def _latest(lead: np.ndarray, column: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of signals by lead and time, lead and column (S,), the latest `kept` (M,) of each lead."""
    every = np.bincount(lead, minlength=len(kept))
    place = np.arange(len(lead)) - (np.cumsum(every) - every)[lead]
    some = np.flatnonzero(place >= (every - kept)[lead])
    return lead[some], column[some]


def _gradients(member: LeadScout, examples: Examples) -> np.ndarray:
    """Gradient of each lead's logit with respect to the vectors of its tokens, (N, D) float32."""
    found = np.zeros((len(examples.tokens.ids), member.config.width), np.float32)

    def add(rows: np.ndarray) -> None:
        lengths = examples.tokens.lengths[rows]
        found[spans(examples.tokens.offsets[rows], lengths)] = token_gradients(member, examples.take(rows))[1]

    with member.eval().frozen():
        for_each_batch(add, batches_of_tokens(examples.tokens.lengths))
    return found
