"""Kinds of leads without labels: planted ones are found, by what goes together and not by what has many values."""

import numpy as np
import pytest

from tinyscout.models.latent_classes import LatentClasses
from tinyscout.tokenizer import Tokens, Vocabulary

ROLES, SIZES, CAMPAIGNS, REGIONS, SIGNALS = range(5, 9), 9, range(11, 31), range(31, 35), (35, 36)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    fields = [
        ("role", "category", ["a", "b", "role=<missing>", "role=<unseen>"]),
        ("employees", "number", ["employees", "employees=<missing>"]),
        ("campaign", "category", [f"c{i}" for i in range(18)] + ["campaign=<missing>", "campaign=<unseen>"]),
        ("region", "category", ["n", "s", "region=<missing>", "region=<unseen>"]),
    ]
    return Vocabulary([], fields, ["visit", "call"])


def leads(n: int, seed: int, tells: float = 0.95) -> tuple[Tokens, np.ndarray]:
    """Two kinds: role, employees and, half as well, region tell them apart; the campaign and signals do not."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    role = np.where(rng.random(n) < tells, kind, 1 - kind) + ROLES[0]
    region = np.where(rng.random(n) < (1 + tells) / 3, kind, 1 - kind) + REGIONS[0]
    size = np.clip(np.where(kind, 0.5, -0.5) + rng.normal(0, 0.2, n), -1, 1)
    ids = [
        np.array([a, SIZES, rng.choice(CAMPAIGNS), b, *rng.choice(SIGNALS, rng.integers(0, 9)), 1])
        for a, b in zip(role, region, strict=True)
    ]
    values = [np.where(each == SIZES, v, 0) for each, v in zip(ids, size, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in ids])])
    flat = np.concatenate(ids).astype(np.int32)
    nothing = np.full(len(flat), np.nan, np.float32)
    return Tokens(flat, np.concatenate(values).astype(np.float32), nothing, offsets, np.zeros(n, np.int32)), kind


def agreement(found: np.ndarray, kind: np.ndarray) -> float:
    """Share that is right, whichever class is called which."""
    return max(np.mean(found == kind), np.mean(found != kind))


def test_planted_kinds_are_found_in_later_leads(vocabulary: Vocabulary) -> None:
    classes = LatentClasses.fit(leads(1500, 0)[0], vocabulary, 2)
    later, kind = leads(500, 1)
    assert agreement(classes.predict(later), kind) > 0.97
    assert np.exp(classes.log_share).sum(axis=1) == pytest.approx(1)
    assert np.exp(classes.log_prior).sum() == pytest.approx(1)


def test_a_number_tells_where_nothing_else_does(vocabulary: Vocabulary) -> None:
    tokens, kind = leads(1500, 2, tells=0.8)
    found = LatentClasses.fit(tokens, vocabulary, 2).predict(tokens)
    assert agreement(found, kind) > agreement(tokens.ids[tokens.offsets[:-1]] - ROLES[0], kind) + 0.1


def test_signals_are_not_looked_at(vocabulary: Vocabulary) -> None:
    tokens, _ = leads(600, 3)
    classes = LatentClasses.fit(tokens, vocabulary, 3)
    others = np.where(np.isin(tokens.ids, SIGNALS), SIGNALS[0], tokens.ids).astype(np.int32)
    changed = Tokens(others, tokens.values, tokens.ages, tokens.offsets, tokens.dropped)
    np.testing.assert_array_equal(classes.predict(changed), classes.predict(tokens))


def test_a_field_left_out_is_not_looked_at(vocabulary: Vocabulary) -> None:
    tokens, _ = leads(600, 6)
    dealt = tokens.ids.copy()
    roles = np.isin(dealt, ROLES)
    dealt[roles] = np.random.default_rng(7).permutation(dealt[roles])
    changed = Tokens(dealt, tokens.values, tokens.ages, tokens.offsets, tokens.dropped)
    for without, same in ((["role"], True), ([], False)):
        one, other = (LatentClasses.fit(each, vocabulary, 3, without=without) for each in (tokens, changed))
        assert np.array_equal(one.log_share, other.log_share) == same
        assert np.array_equal(one.predict(tokens), other.predict(changed)) == same
        assert np.array_equal(one.predict(tokens), one.predict(changed)) == same


def test_the_same_leads_and_seed_give_the_same_classes(vocabulary: Vocabulary) -> None:
    tokens, _ = leads(400, 4)
    one, other = (LatentClasses.fit(tokens, vocabulary, 3, seed=5).log_share for _ in range(2))
    assert one.tobytes() == other.tobytes()
