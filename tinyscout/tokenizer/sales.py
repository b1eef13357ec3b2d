"""SalesTokenizer: a lead becomes tokens (id, value, age): profile, signals with their words oldest first, `<score>`.

All it knows comes from the training rows. At scoring time nothing in a known column is an error: an unknown category
or kind of signal has its own id, so has a missing value, and text is bytes.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tinyscout.errors import InputError
from tinyscout.leads.tables import LeadTables
from tinyscout.tokenizer.bpe import BPE
from tinyscout.tokenizer.fields import CategoryCoder, Coder, NumberCoder, TextCoder, as_numbers, coder_from_state
from tinyscout.tokenizer.signals import SignalCoder
from tinyscout.tokenizer.tokens import Tokens, offsets_of, spans
from tinyscout.tokenizer.vocabulary import SCORE, Vocabulary

HOURS = [f"{hour:02d}" for hour in range(24)]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CONTACT_TIME = ("hour", "weekday")  # types of the fields that are read from contacted_at


@dataclass(frozen=True)
class Field:
    """A profile field: its column (or contact_hour, contact_weekday, both UTC), its type and what makes its ids."""

    name: str
    type: str  # number, category, text, date; hour and weekday are read from contacted_at
    coder: Coder


class Words(NamedTuple):
    """Word ids of R texts, one text after another; how many each has, and how many more its cap cut off."""

    ids: np.ndarray  # (sum of lengths,) int32
    lengths: np.ndarray  # (R,) int64
    dropped: np.ndarray  # (R,) int64


class SalesTokenizer:
    """Make one with `SalesTokenizer.fit(training tables)`; `vocabulary` names its ids."""

    def __init__(self, bpe: BPE, fields: tuple[Field, ...], signals: SignalCoder, cap: int, *, fold_case: bool = False):
        self.bpe = bpe
        self.fields = fields
        self.signals = signals
        self.max_words_per_text = cap
        self.fold_case = fold_case
        self.vocabulary = Vocabulary(
            bpe.words,
            [(field.name, field.type, field.coder.token_names(field.name)) for field in fields],
            signals.token_names(),
        )

    @classmethod
    def fit(
        cls,
        tables: LeadTables,
        *,
        merges: int = 512,
        max_words_per_text: int = 32,
        min_count: int = 5,
        max_tokens: int = 128,
        fold_case: bool = False,
        writing: Iterable[str] = (),
    ) -> "SalesTokenizer":
        """Learn words, quantiles, categories and kinds of signals from the training rows.

        A category or kind that comes fewer than min_count times counts as unseen. Texts of the profile are cut so that
        the profile fills at most half of max_tokens. fold_case: all texts are read in small letters. `writing`: texts
        that a model is to write, whose words are learnt beside those of the leads.
        Raises InputError when the profile's columns alone leave max_tokens no room for a signal.
        """
        names = [(name, tables.schema.columns[name]) for name in tables.schema.profile]
        if tables.schema.has_time:
            names.append(("contact_weekday", "weekday"))
        if tables.schema.has_hour:
            names.append(("contact_hour", "hour"))
        cap = _profile_text_cap(names, max_tokens, max_words_per_text)
        fields: list[Field] = []
        texts: Counter[str] = Counter()
        for name, type_ in names:
            column = profile_column(tables, name, type_)
            if type_ == "text":
                texts.update(_text_counts(column, fold_case))
                fields.append(Field(name, type_, TextCoder(cap)))
            elif isinstance(column, pd.Series):
                fields.append(Field(name, type_, CategoryCoder.fit(column, min_count)))
            else:
                fields.append(Field(name, type_, NumberCoder.fit(column)))
        if "text" in tables.signals:
            texts.update(_text_counts(pd.Series(tables.signals["text"]), fold_case))
        texts.update(_as_read(text, fold_case) for text in writing)
        signals = SignalCoder.fit(tables.signals, min_count)
        return cls(BPE.train(texts, merges), tuple(fields), signals, max_words_per_text, fold_case=fold_case)

    def encode(self, tables: LeadTables) -> Tokens:
        """All tokens of every lead, before truncation; `dropped` counts the words past the cap of their text.

        Raises InputError when a profile column of the training rows is not in `tables`.
        """
        profile = [
            self._encode_field(tables, field, owned.start)  # (ids, values, words)
            for field, owned in zip(self.fields, self.vocabulary.fields, strict=True)
        ]
        signals = self.vocabulary.signal_start + self.signals.encode(tables.signals)  # (S,)
        words = self._signal_words(tables.signals)
        lead = np.repeat(np.arange(len(tables)), np.diff(tables.offsets))  # (S,)

        blocks = offsets_of(1 + words.lengths)  # (S + 1,): a signal and its words
        history = np.diff(blocks[tables.offsets])  # (B,)
        lengths = len(profile) + sum((text.lengths for *_, text in profile if text), history) + 1
        offsets = offsets_of(lengths)
        ids = np.full(offsets[-1], SCORE, np.int32)
        values = np.zeros(offsets[-1], np.float32)
        ages = np.full(offsets[-1], np.nan, np.float32)

        at = offsets[:-1].copy()  # (B,): where each lead's next token goes
        for field_ids, field_values, text in profile:
            ids[at], values[at] = field_ids, field_values
            at += 1
            if text:
                ids[spans(at, text.lengths)] = text.ids
                at += text.lengths
        at = at[lead] + blocks[:-1] - blocks[tables.offsets[lead]]  # (S,)
        age = tables.signals["age_hours"].to_numpy(np.float32)
        ids[at], ages[at] = signals, age
        at_words = spans(at + 1, words.lengths)
        ids[at_words], ages[at_words] = words.ids, np.repeat(age, words.lengths)
        # ids[offsets[1:] - 1] is <score> still

        dropped = np.bincount(lead, words.dropped, len(tables)) + sum(text.dropped for *_, text in profile if text)
        return Tokens(ids, values, ages, offsets, dropped.astype(np.int32))

    def encode_text(self, text: str) -> list[int]:
        """The word ids of a text, all of it, as a lead's are read, but for the cap.

        No text makes a special: "<end>" becomes the words that spell it.
        """
        return [self.vocabulary.words_start + word for word in self.bpe.encode(_as_read(text, self.fold_case))]

    def decode_text(self, ids: Iterable[int]) -> str:
        """The text that word ids spell; ids of other kinds are left out."""
        words = range(self.vocabulary.words_start, self.vocabulary.n_language)
        return self.bpe.decode(int(i) - self.vocabulary.words_start for i in ids if i in words)

    def _encode_field(
        self, tables: LeadTables, field: Field, start: int
    ) -> tuple[np.ndarray, np.ndarray, Words | None]:
        column = profile_column(tables, field.name, field.type)
        if isinstance(field.coder, TextCoder):
            words = self._words(column, field.coder.max_words)
            missing = words.lengths + words.dropped == 0
            return start + missing, np.zeros(len(tables), np.float32), words
        ids, values = field.coder.encode(column)
        return start + ids, values, None

    def _signal_words(self, signals: pd.DataFrame) -> Words:
        if "text" in signals:
            return self._words(pd.Series(signals["text"]), self.max_words_per_text)
        return Words(np.zeros(0, np.int32), np.zeros(len(signals), np.int64), np.zeros(len(signals), np.int64))

    def _words(self, column: pd.Series, cap: int) -> Words:
        """Each distinct text is encoded once and gathered."""
        codes, texts = pd.factorize(column)
        encoded = [self.bpe.encode(_as_read(text, self.fold_case)) for text in texts]
        encoded.append([])  # the last, so that a code of -1 (no text) finds it
        full = np.asarray([len(words) for words in encoded])
        kept = np.minimum(full, cap)
        flat = np.fromiter((word for words in encoded for word in words[:cap]), np.int32, int(kept.sum()))
        chosen = spans(offsets_of(kept)[:-1][codes], kept[codes])
        return Words(self.vocabulary.words_start + flat[chosen], kept[codes], (full - kept)[codes])

    def to_state(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return {
            "merges": [list(pair) for pair in self.bpe.merges],
            "fields": [
                {"name": field.name, "type": field.type, "coder": field.coder.to_state()} for field in self.fields
            ],
            "signals": self.signals.to_state(),
            "max_words_per_text": self.max_words_per_text,
            "fold_case": self.fold_case,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "SalesTokenizer":
        """The tokenizer that `to_state` described; it gives the same ids."""
        return cls(
            BPE(state["merges"]),
            tuple(Field(each["name"], each["type"], coder_from_state(each["coder"])) for each in state["fields"]),
            SignalCoder.from_state(state["signals"]),
            state["max_words_per_text"],
            fold_case=state.get("fold_case", False),  # a model of before it could be asked for
        )


def profile_column(tables: LeadTables, name: str, type_: str) -> Any:
    """One profile field of all leads (B,): float64 array for numbers and dates (days before contact), else a Series.

    A date after the contact, which nobody knew then, is missing. Without contact times a date counts from 1970.
    Hour and weekday of a contact that is still to come are missing.
    """
    contacted_at = pd.Series(tables.leads["contacted_at"])
    if type_ in CONTACT_TIME:
        known = contacted_at.mask(tables.leads["not_contacted"]) if "not_contacted" in tables.leads else contacted_at
        return _from_codes(known.dt.hour, HOURS) if type_ == "hour" else _from_codes(known.dt.day_of_week, WEEKDAYS)
    if name not in tables.leads:
        raise InputError(
            f'the leads have no column "{name}", which the tokenizer was fitted with; add it (empty cells are fine) or '
            "fit again without it"
        )
    column = pd.Series(tables.leads[name])
    if type_ == "number":
        return as_numbers(column)
    if type_ == "date":
        date = pd.to_datetime(column, utc=True)
        if not tables.schema.has_time:
            return ((pd.Timestamp(0, tz="UTC") - date) / pd.Timedelta(days=1)).to_numpy(np.float64)
        days = ((contacted_at - date) / pd.Timedelta(days=1)).to_numpy(np.float64)
        return np.where(days >= 0, days, np.nan)
    return column


def _from_codes(numbers: pd.Series, names: list[str]) -> pd.Series:
    codes = numbers.fillna(-1).to_numpy(np.int8)
    return pd.Series(pd.Categorical.from_codes(codes, names))


def _as_read(text: object, fold_case: bool) -> str:
    return str(text).lower() if fold_case else str(text)


def _text_counts(column: pd.Series, fold_case: bool) -> Counter[str]:
    codes, texts = pd.factorize(column)
    found: Counter[str] = Counter()
    for text, count in zip(texts, np.bincount(codes[codes >= 0], minlength=len(texts)), strict=True):
        found[_as_read(text, fold_case)] += int(count)
    return found


def _profile_text_cap(names: list[tuple[str, str]], max_tokens: int, max_words_per_text: int) -> int:
    """Words a profile text may have so that the profile fills at most half of max_tokens."""
    needed = len(names) + 2  # every field has a token, then one signal and <score>
    if needed > max_tokens:
        raise InputError(
            f"max_tokens is {max_tokens}, and the profile has {len(names)} fields of a token each, which are never "
            f"dropped: set max_tokens to at least {needed} (twice that leaves room for signals), or leave columns out"
        )
    texts = sum(type_ == "text" for _, type_ in names)
    return min(max_words_per_text, max(0, (max_tokens // 2 - len(names)) // max(texts, 1)))
