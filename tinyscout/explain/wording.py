"""Evidence in words: what a lead's own data say of a profile field, a kind of signal, a text, or all its signals.

Half a million leads have a million and a half reasons, so each kind of subject is worded for many leads at once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinyscout.leads.tables import LeadTables
from tinyscout.models.lead_scout import Examples
from tinyscout.tokenizer import SalesTokenizer

TEXT_CHARACTERS = 60


class Subjects:
    """Numbers every subject: profile fields, then kinds of signals, then recency, then one a text by its position."""

    def __init__(self, tokenizer: SalesTokenizer):
        vocabulary = tokenizer.vocabulary
        self.fields = [field.name for field in vocabulary.fields]
        kinds = [*(kind for kind, _ in tokenizer.signals.pairs), "<unseen>"]  # of each signal id
        self.kinds = list(dict.fromkeys(kinds))
        self.recency = len(self.fields) + len(self.kinds)
        self.first_text = self.recency + 1
        self.of_id = np.full(len(vocabulary), -1)  # subject of each id that has one by itself
        for number, field in enumerate(vocabulary.fields):
            self.of_id[field.start : field.stop] = number
        place = {kind: len(self.fields) + i for i, kind in enumerate(self.kinds)}
        self.of_id[vocabulary.signal_start :] = [place[kind] for kind in kinds]


class Wording:
    """Words for subjects of the leads of one `tables`, whose tokens are `examples`."""

    def __init__(self, examples: Examples, tables: LeadTables, tokenizer: SalesTokenizer, subjects: Subjects):
        self.tokens = examples.tokens
        self.tables = tables
        self.tokenizer = tokenizer
        self.subjects = subjects
        self.ages = tables.signals["age_hours"].to_numpy(np.float64)

    def of(self, lead: np.ndarray, subject: np.ndarray) -> np.ndarray:
        """lead (R,), subject (R,) -> (R,) str objects, such as `pricing_page x3, latest 2 h ago`."""
        subjects = self.subjects
        bounds = [len(subjects.fields), subjects.recency, subjects.first_text]
        kind = np.searchsorted(bounds, subject, side="right")  # (R,): 0 field, 1 kind of signal, 2 recency, 3 text
        words = np.empty(len(lead), dtype=object)
        say: list[Callable[[np.ndarray, np.ndarray], list[str]]] = [
            self._profile,
            self._signals_of_a_kind,
            self._all_signals,
            self._texts,
        ]
        for number, say_kind in enumerate(say):
            places = np.flatnonzero(kind == number)
            if len(places):
                words[places] = say_kind(lead[places], subject[places])
        return words

    def _profile(self, lead: np.ndarray, subject: np.ndarray) -> list[str]:
        vocabulary, n_fields = self.tokenizer.vocabulary, len(self.subjects.fields)
        of_token = self.subjects.of_id[self.tokens.ids]
        has_field = (of_token >= 0) & (of_token < n_fields)
        ids = self.tokens.ids[has_field].reshape(-1, n_fields)[lead, subject]  # every lead has each field once
        words = np.empty(len(lead), dtype=object)
        for token in np.unique(ids).tolist():
            places = np.flatnonzero(ids == token)
            name = self.subjects.fields[subject[places[0]]]
            value = vocabulary.names[token][len(name) + 1 :]  # behind the "="; a number's id has its name alone
            if value in ("", "<text>", "<unseen>") and name in self.tables.leads:
                unseen = " (not seen in training)" if value == "<unseen>" else ""
                column = self.tables.leads[name].take(lead[places])
                words[places] = [f"{name} is {_shown(each)}{unseen}" for each in column.tolist()]
            else:
                words[places] = f"{name} is {'missing' if value == '<missing>' else value}"
        return words.tolist()

    def _signals_of_a_kind(self, lead: np.ndarray, subject: np.ndarray) -> list[str]:
        subjects, n_kinds = self.subjects, len(self.subjects.kinds)
        column = self.tables.signals["kind"].astype("category").cat
        place = {kind: i for i, kind in enumerate(subjects.kinds)}
        kind_of_code = np.array([*(place.get(str(name), n_kinds) for name in column.categories), n_kinds])
        row = np.repeat(np.arange(len(self.tables)), np.diff(self.tables.offsets))
        keys = row * (n_kinds + 1) + kind_of_code[column.codes.to_numpy()]  # the last kind is all that have no subject
        order = np.argsort(keys, kind="stable")
        wanted = lead * (n_kinds + 1) + subject - len(subjects.fields)
        first, last = (np.searchsorted(keys[order], wanted, side=side) for side in ("left", "right"))
        # Signals of a lead come oldest first, so the latest is the last of its group.
        latest = self.ages[order][np.maximum(last, 1) - 1] if len(order) else np.zeros(len(lead))
        names = [subjects.kinds[i] for i in (subject - len(subjects.fields)).tolist()]
        return [
            f"{name} x{count}, latest {age_in_words(age)} ago" if count else "a kind of signal not seen in training"
            for name, count, age in zip(names, (last - first).tolist(), latest.tolist(), strict=True)
        ]

    def _all_signals(self, lead: np.ndarray, subject: np.ndarray) -> list[str]:
        first, last = self.tables.offsets[lead], self.tables.offsets[lead + 1]
        latest = self.ages[np.maximum(last, 1) - 1] if len(self.ages) else np.zeros(len(lead))
        return [
            f"{_times(count, 'signal')}, latest {age_in_words(age)} ago" if count else "no signals"
            for count, age in zip((last - first).tolist(), latest.tolist(), strict=True)
        ]

    def _texts(self, lead: np.ndarray, subject: np.ndarray) -> list[str]:
        """What is said by the token that each text belongs to."""
        vocabulary, tokens = self.tokenizer.vocabulary, self.tokens
        speaker = subject - self.subjects.first_text
        words = np.flatnonzero(vocabulary.is_word(tokens.ids))
        said_by = tokens.said_by(vocabulary)[words]  # ascending, as texts stand in the order of who says them
        bounds = [np.searchsorted(said_by, speaker, side=side).tolist() for side in ("left", "right")]
        ids = tokens.ids[words] - vocabulary.words_start
        found = []
        for place, age, start, stop in zip(speaker.tolist(), tokens.ages[speaker].tolist(), *bounds, strict=True):
            text = " ".join(self.tokenizer.bpe.decode(ids[start:stop]).split())
            shown = text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - 3] + "..."
            source = vocabulary.names[tokens.ids[place]].removeprefix("signal=").removesuffix("=<text>")
            when = "" if np.isnan(age) else f" {age_in_words(age)} ago"
            found.append(f'{source}{when} says "{shown}"')
        return found


def age_in_words(hours: float) -> str:
    """An age in the largest unit that it fills: 90 s -> `2 min`, 50 h -> `2 d`."""
    if hours >= 24:
        return f"{hours / 24:.0f} d"
    if hours >= 1:
        return f"{hours:.0f} h"
    return f"{max(1, round(hours * 60))} min"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)[:TEXT_CHARACTERS]


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
