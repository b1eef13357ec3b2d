"""LatentClasses: kinds of leads found without labels, which teach a router what kind of lead its tokens belong to.

A mixture of multinomials over the profile alone, or a part of it: each class has its own shares of every field's
values. A field that others go along with, such as a role that comes with a size of company, is what tells classes
apart; one that goes with nothing, such as a campaign, is not, however many values it has.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from tinyscout.tokenizer import Tokens, Vocabulary

BINS = 8
"""Equal parts of the range of a number's value, each a value of its own; values are scaled by training quantiles."""
PRIOR = 0.1  # counts of every value that each class starts with
MOST = 20_000  # leads that classes are fitted on, evenly spaced among all


@dataclass(frozen=True)
class LatentClasses:
    """log_share (C, M) of each value of the profile in each class, log_prior (C,); M = vocabulary + numbers * BINS.

    without: names of fields that are left out, where kinds must not know them.
    """

    vocabulary: Vocabulary
    log_share: np.ndarray
    log_prior: np.ndarray
    without: frozenset[str] = frozenset()

    @classmethod
    def fit(
        cls,
        tokens: Tokens,
        vocabulary: Vocabulary,
        classes: int,
        *,
        without: Collection[str] = (),
        seed: int = 0,
        tries: int = 6,
        steps: int = 40,
    ) -> "LatentClasses":
        """Expectation maximisation (Nigam et al. 2000, section 3) from `tries` random starts; the likeliest is kept."""
        rows = np.unique(np.linspace(0, len(tokens) - 1, MOST).astype(np.int64)) if len(tokens) else np.arange(0)
        counts = _counts(tokens.take(rows), vocabulary, without)
        rng = np.random.default_rng(seed)
        found = [_maximise(counts, rng.dirichlet(np.ones(classes), len(rows)), steps) for _ in range(tries)]
        _, log_share, log_prior = max(found, key=lambda each: each[0])
        return cls(vocabulary, log_share, log_prior, frozenset(without))

    def predict(self, tokens: Tokens) -> np.ndarray:
        """The likeliest class of each lead (N,)."""
        return (_counts(tokens, self.vocabulary, self.without) @ self.log_share.T + self.log_prior).argmax(axis=1)


def _maximise(counts: sparse.csr_matrix, belongs: np.ndarray, steps: int) -> tuple[float, np.ndarray, np.ndarray]:
    """From what belongs (N, C) to each class: mean log likelihood, log shares (C, M), log prior (C,)."""
    likelihood = -np.inf
    share, prior = np.empty(0), np.empty(0)
    for _ in range(steps):
        share = np.log((counts.T @ belongs).T + PRIOR)
        share -= logsumexp(share, axis=1, keepdims=True)
        prior = np.log(belongs.mean(axis=0) + 1e-12)
        joint = counts @ share.T + prior  # (N, C)
        total = logsumexp(joint, axis=1)
        belongs, likelihood = np.exp(joint - total[:, None]), float(total.mean())
    return likelihood, share, prior


def _counts(tokens: Tokens, vocabulary: Vocabulary, without: Collection[str]) -> sparse.csr_matrix:
    """How often each value stands in each profile (N, M), but those of the fields left out."""
    profile = vocabulary.is_profile(tokens.ids)
    for field in vocabulary.fields:
        if field.name in without:
            profile &= (tokens.ids < field.start) | (tokens.ids >= field.stop)
    lead, value = np.repeat(np.arange(len(tokens)), tokens.lengths)[profile], tokens.ids[profile].astype(np.int64)
    part = np.clip((tokens.values[profile] + 1) / 2 * BINS, 0, BINS - 1).astype(np.int64)
    numbers = [field.start for field in vocabulary.fields if field.is_number]
    for i, number in enumerate(numbers):
        here = tokens.ids[profile] == number
        value[here] = len(vocabulary) + i * BINS + part[here]
    shape = len(tokens), len(vocabulary) + len(numbers) * BINS
    return sparse.csr_matrix((np.ones(len(lead)), (lead, value)), shape=shape)
