"""Contributions in words: the three subjects that moved a lead's score most, each with its evidence.

A subject is a profile field, a kind of signal, a text, or how recent and many the signals are. What tokens and wide
features say of one subject is added up first. The words state only what the lead's own data say.
"""

import numpy as np

from tinyscout.explain.contributions import Contributions
from tinyscout.leads.tables import LeadTables
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples
from tinyscout.tokenizer import SalesTokenizer, Vocabulary

TEXT_CHARACTERS = 60


class _Subjects:
    """Numbers every subject: profile fields, then kinds of signals, then recency, then one a text by its position."""

    def __init__(self, vocabulary: Vocabulary):
        self.fields = [field.name for field in vocabulary.fields]
        kinds = [name.removeprefix("signal=").split("@")[0] for name in vocabulary.names[vocabulary.signal_start :]]
        self.kinds = list(dict.fromkeys(kinds))
        self.recency = len(self.fields) + len(self.kinds)
        self.first_text = self.recency + 1
        self.of_id = np.full(len(vocabulary), -1)  # subject of each id that has one by itself
        for number, field in enumerate(vocabulary.fields):
            self.of_id[field.start : field.stop] = number
        place = {kind: len(self.fields) + i for i, kind in enumerate(self.kinds)}
        self.of_id[vocabulary.signal_start :] = [place[kind] for kind in kinds]


def top_reasons(
    parts: Contributions,
    examples: Examples,
    tables: LeadTables,
    tokenizer: SalesTokenizer,
    features: BaselineFeatures,
    *,
    top: int = 3,
) -> list[list[str]]:
    """For each lead up to `top` reasons, the strongest first, such as `+0.82 pricing_page x3, latest 2 h ago`.

    The number is what the subject adds to the log-odds. examples must be the ones `parts` was made from.
    """
    subjects = _Subjects(tokenizer.vocabulary)
    lead, subject, amount = _by_subject(parts, examples, tokenizer.vocabulary, features, subjects)
    amount = amount - _typical(parts, features, subjects)[np.minimum(subject, subjects.recency)]
    order = np.lexsort((-np.abs(amount), lead))
    lead, subject, amount = lead[order], subject[order], amount[order]
    place = np.arange(len(lead)) - np.searchsorted(lead, lead)
    chosen = np.flatnonzero((place < top) & (np.abs(amount) >= 0.005))
    wording = _Wording(examples, tables, tokenizer, subjects)
    reasons: list[list[str]] = [[] for _ in range(len(examples))]
    for i in chosen:
        reasons[lead[i]].append(f"{amount[i]:+.2f} {wording.of(int(lead[i]), int(subject[i]))}")
    return reasons


def _by_subject(
    parts: Contributions,
    examples: Examples,
    vocabulary: Vocabulary,
    features: BaselineFeatures,
    subjects: _Subjects,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lead, subject, log-odds) of every pair that occurs, sorted by lead then subject."""
    tokens = examples.tokens
    is_word = vocabulary.is_word(tokens.ids)
    # The text a word belongs to is known by the place of the signal or field that it follows.
    opener = np.maximum.accumulate(np.where(is_word, 0, np.arange(len(tokens.ids))))
    token_subject = np.where(is_word, subjects.first_text + opener, subjects.of_id[tokens.ids])
    amounts = parts.tokens + _word_features(parts, examples, vocabulary, features)
    known = token_subject >= 0  # <score> itself is no subject

    wide = parts.features.tocoo()
    id_of_feature = feature_ids(features)[wide.col]
    wide_subject = np.where(id_of_feature < 0, subjects.recency, subjects.of_id[id_of_feature])
    not_word = wide_subject >= 0

    lead = np.concatenate([tokens.lead[known], wide.row[not_word]])
    subject = np.concatenate([token_subject[known], wide_subject[not_word]])
    amount = np.concatenate([amounts[known], wide.data[not_word]])
    span = subjects.first_text + len(tokens.ids)
    keys, inverse = np.unique(lead * span + subject, return_inverse=True)
    return keys // span, keys % span, np.bincount(inverse, amount)


def _typical(parts: Contributions, features: BaselineFeatures, subjects: _Subjects) -> np.ndarray:
    """What each profile field contributes to a typical lead, and 0 for signals and recency: (recency + 1,).

    Every lead has every field, so only the difference from the usual value is a reason.
    """
    ids = feature_ids(features)
    subject = np.where(ids < 0, subjects.recency, subjects.of_id[ids])
    of_field = (subject >= 0) & (subject < len(subjects.fields))
    return np.bincount(subject[of_field], parts.typical[of_field], subjects.recency + 1)


def feature_ids(features: BaselineFeatures) -> np.ndarray:
    """The token id each baseline feature speaks of (F,); -1 for the three on recency."""
    signals = np.arange(features.signal_start, features.n_ids)
    profile = np.arange(features.profile_start, features.signal_start)
    return np.concatenate([profile, signals, signals, [-1, -1, -1], features.words]).astype(np.int64)


def _word_features(
    parts: Contributions, examples: Examples, vocabulary: Vocabulary, features: BaselineFeatures
) -> np.ndarray:
    """The wide contribution of each word shared out evenly over its tokens in the lead (N,)."""
    tokens = examples.tokens
    amounts = np.zeros(len(tokens.ids))
    wide = parts.features.tocoo()
    ids = feature_ids(features)[wide.col]
    at = np.flatnonzero(vocabulary.is_word(ids))
    places = np.flatnonzero(vocabulary.is_word(tokens.ids))
    if not len(at) or not len(places):
        return amounts
    span = len(vocabulary)
    token_keys = tokens.lead[places] * span + tokens.ids[places]
    keys, inverse, counts = np.unique(token_keys, return_inverse=True, return_counts=True)
    wide_keys = wide.row[at].astype(np.int64) * span + ids[at]
    slot = np.minimum(np.searchsorted(keys, wide_keys), len(keys) - 1)
    found = keys[slot] == wide_keys  # a word whose text was truncated away has no token to go to
    per_key = np.bincount(slot[found], wide.data[at][found], len(keys))
    amounts[places] = (per_key / counts)[inverse]
    return amounts


class _Wording:
    """Evidence for a subject of a lead, from the lead's own data."""

    def __init__(self, examples: Examples, tables: LeadTables, tokenizer: SalesTokenizer, subjects: _Subjects):
        self.tokens = examples.tokens
        self.tables = tables
        self.tokenizer = tokenizer
        self.subjects = subjects
        self.kind_names = tables.signals["kind"].astype(str).to_numpy()
        self.ages = tables.signals["age_hours"].to_numpy(np.float64)
        self.columns = {name: tables.leads[name].to_numpy() for name in subjects.fields if name in tables.leads}

    def of(self, lead: int, subject: int) -> str:
        subjects = self.subjects
        if subject >= subjects.first_text:
            return self._text(subject - subjects.first_text)
        if subject == subjects.recency:
            ages = self._ages(lead, slice(None))
            return (
                f"{_times(len(ages), 'signal')}, latest {age_in_words(ages.min())} ago" if len(ages) else "no signals"
            )
        if subject >= len(subjects.fields):
            return self._signal(lead, subjects.kinds[subject - len(subjects.fields)])
        return self._profile(lead, subject)

    def _ages(self, lead: int, which: slice | np.ndarray) -> np.ndarray:
        start, stop = self.tables.offsets[lead : lead + 2]
        return self.ages[start:stop][which]

    def _signal(self, lead: int, kind: str) -> str:
        start, stop = self.tables.offsets[lead : lead + 2]
        ages = self._ages(lead, self.kind_names[start:stop] == kind)
        if not len(ages):
            return "a kind of signal not seen in training"
        return f"{kind} x{len(ages)}, latest {age_in_words(ages.min())} ago"

    def _profile(self, lead: int, number: int) -> str:
        vocabulary = self.tokenizer.vocabulary
        field = vocabulary.fields[number]
        start, stop = self.tokens.offsets[lead : lead + 2]
        ids = self.tokens.ids[start:stop]
        name = vocabulary.names[ids[(ids >= field.start) & (ids < field.stop)][0]]
        value = name.partition("=")[2]
        if value in ("", "<text>", "<unseen>") and field.name in self.columns:
            seen = self.columns[field.name][lead]
            shown = f"{seen:g}" if isinstance(seen, float) else str(seen)[:TEXT_CHARACTERS]
            return f"{field.name} is {shown}" + (" (not seen in training)" if value == "<unseen>" else "")
        return f"{field.name} is {'missing' if value == '<missing>' else value}"

    def _text(self, opener: int) -> str:
        lead = int(np.searchsorted(self.tokens.offsets, opener, side="right")) - 1
        end = opener + 1
        vocabulary = self.tokenizer.vocabulary
        while end < self.tokens.offsets[lead + 1] and bool(vocabulary.is_word(self.tokens.ids[end])):
            end += 1
        words = self.tokenizer.bpe.decode(self.tokens.ids[opener + 1 : end] - vocabulary.words_start)
        words = " ".join(words.split())
        shown = words if len(words) <= TEXT_CHARACTERS else words[: TEXT_CHARACTERS - 3] + "..."
        source = vocabulary.names[self.tokens.ids[opener]].removeprefix("signal=").removesuffix("=<text>")
        age = self.tokens.ages[opener]
        when = "" if np.isnan(age) else f" {age_in_words(float(age))} ago"
        return f'{source}{when} says "{shown}"'


def age_in_words(hours: float) -> str:
    """An age in the largest unit that it fills: 90 s -> `2 min`, 50 h -> `2 d`."""
    for unit, size in (("d", 24.0), ("h", 1.0)):
        if hours >= size:
            return f"{hours / size:.0f} {unit}"
    return f"{max(1, round(hours * 60))} min"


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
