"""Contributions in words: the three subjects that moved a lead's score most, each with its evidence.

A subject is a profile field, a kind of signal, a text, or how recent and many the signals are. What tokens and wide
features say of one subject is added up first. The words state only what the lead's own data say.
"""

import numpy as np

from tinyscout.explain.contributions import Contributions
from tinyscout.explain.wording import Subjects, Wording
from tinyscout.leads.tables import LeadTables
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples
from tinyscout.tokenizer import SalesTokenizer, Vocabulary

Features = BaselineFeatures | CarefulFeatures


def top_reasons(
    parts: Contributions,
    examples: Examples,
    tables: LeadTables,
    tokenizer: SalesTokenizer,
    features: Features,
    *,
    top: int = 3,
) -> list[list[str]]:
    """For each lead up to `top` reasons, the strongest first, such as `pricing_page x3, latest 2 h ago (+0.82)`.

    The number is what the subject adds to the log-odds; it stands last, because a spreadsheet takes a cell that starts
    with a plus sign for a formula. examples must be the ones `parts` was made from.
    """
    subjects = Subjects(tokenizer)
    lead, subject, amount = _by_subject(parts, examples, tokenizer.vocabulary, features, subjects)
    amount = amount - _typical(parts, features, subjects)[np.minimum(subject, subjects.recency)]
    order = np.lexsort((-np.abs(amount), lead))
    lead, subject, amount = lead[order], subject[order], amount[order]
    place = np.arange(len(lead)) - np.searchsorted(lead, lead)
    chosen = np.flatnonzero((place < top) & (np.abs(amount) >= 0.005))
    lead, subject, amount = lead[chosen], subject[chosen], amount[chosen]
    words = Wording(examples, tables, tokenizer, subjects).of(lead, subject)
    reasons: list[list[str]] = [[] for _ in range(len(examples))]
    for row, log_odds, evidence in zip(lead.tolist(), amount.tolist(), words.tolist(), strict=True):
        reasons[row].append(f"{evidence} ({log_odds:+.2f})")
    return reasons


def _by_subject(
    parts: Contributions,
    examples: Examples,
    vocabulary: Vocabulary,
    features: Features,
    subjects: Subjects,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lead, subject, log-odds) of every pair that occurs, sorted by lead then subject."""
    tokens = examples.tokens
    # A text is known by the place of the signal or field that says it.
    of_text = subjects.first_text + tokens.said_by(vocabulary)
    token_subject = np.where(vocabulary.is_word(tokens.ids), of_text, subjects.of_id[tokens.ids])
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


def _typical(parts: Contributions, features: Features, subjects: Subjects) -> np.ndarray:
    """What each profile field contributes to a typical lead, and 0 for signals and recency: (recency + 1,).

    Every lead has every field, so only the difference from the usual value is a reason.
    """
    ids = feature_ids(features)
    subject = np.where(ids < 0, subjects.recency, subjects.of_id[ids])
    of_field = (subject >= 0) & (subject < len(subjects.fields))
    return np.bincount(subject[of_field], parts.typical[of_field], subjects.recency + 1)


def feature_ids(features: Features) -> np.ndarray:
    """The token id each wide feature speaks of (F,); -1 for the three on recency. A cross speaks of its signal."""
    if isinstance(features, CarefulFeatures):
        return np.concatenate([feature_ids(features.baseline), features.signal_of_extra]).astype(np.int64)
    signals = np.arange(features.signal_start, features.n_ids)
    profile = np.arange(features.profile_start, features.signal_start)
    return np.concatenate([profile, signals, signals, [-1, -1, -1], features.words]).astype(np.int64)


def _word_features(parts: Contributions, examples: Examples, vocabulary: Vocabulary, features: Features) -> np.ndarray:
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
