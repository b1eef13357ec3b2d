"""Models with weights that matter everywhere, and leads of every length for them."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens

VOCABULARY, LANGUAGE, WIDE, MAX_TOKENS = 300, 101, 40, 40
NUMBERS = tuple(range(280, 300))


@pytest.fixture(scope="session")
def make_model() -> Callable[..., LeadScout]:
    """A model whose gains, biases and reply head are not what a fresh one starts from."""

    def make(width: int = 32, depth: int = 2, heads: int = 4, **sizes: int) -> LeadScout:
        config = LeadScoutConfig(VOCABULARY, LANGUAGE, NUMBERS, WIDE, width, depth, heads, MAX_TOKENS, 0.1, **sizes)
        rng = np.random.default_rng(1)
        model = LeadScout(config, rng=rng)
        for parameter in model.parameters():
            if parameter.data.std() == 0:
                parameter.data += rng.normal(0, 0.2, parameter.shape).astype(np.float32)
        return model

    return make


@pytest.fixture(scope="session")
def make_examples() -> Callable[..., Examples]:
    """Leads of the given lengths: a quarter of the tokens carry an amount (some out of range), two thirds an age."""

    def make(lengths, seed: int = 0) -> Examples:
        rng = np.random.default_rng(seed)
        n = int(np.sum(lengths))
        number = rng.random(n) < 0.25
        ids = np.where(number, rng.choice(NUMBERS, n), rng.integers(0, VOCABULARY, n))
        ages = np.where(rng.random(n) < 2 / 3, rng.exponential(200.0, n), np.nan)
        again = np.flatnonzero(rng.random(n - 1) < 0.3)  # the words of one text share an age
        ages[again + 1] = ages[again]
        tokens = Tokens(
            ids.astype(np.int32),
            np.where(number, rng.uniform(-1.2, 1.2, n), 0).astype(np.float32),
            ages.astype(np.float32),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.zeros(len(lengths), np.int32),
        )
        features = sparse.random_array((len(lengths), WIDE), density=0.2, dtype=np.float32, rng=rng)
        return Examples(tokens, sparse.csr_matrix(features))

    return make


@pytest.fixture(scope="session")
def reply_feed() -> Callable[[Examples], dict[str, np.ndarray]]:
    """Leads as inputs of the reply head, by name and in their order: all in one ragged batch."""

    def feed(examples: Examples) -> dict[str, np.ndarray]:
        batch = examples.tokens.pad()
        return {
            "ids": batch.ids.astype(np.int64),
            "values": batch.values,
            "ages": batch.ages,
            "lengths": batch.lengths.astype(np.int64),
            "features": examples.features.toarray(),
        }

    return feed
