"""Contestants learn from the leads they are given, choose what attacked leads count, and predict."""

import numpy as np
import pytest

from tinyscout.metrics import log_loss
from tinyscout.stress import contestants
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.contestants import WEIGHTS, Ground, Trees, spread


@pytest.fixture(scope="module")
def grounds(pools) -> dict[str, Ground]:
    return {
        NATURAL: Ground.natural(pools.train, pools.valid, ("baseline",)),
        HARDENED: Ground.hardened(pools.train, pools.valid, np.random.default_rng(0), ("baseline",)),
    }


def test_a_ground_says_which_leads_are_attacked(pools, grounds):
    natural, hardened = grounds[NATURAL], grounds[HARDENED]
    assert not natural.attacked.any() and natural.choices == (0.0,)
    assert hardened.attacked.sum() == len(pools.train.attacked.world.tables) and hardened.choices == WEIGHTS
    assert len(hardened.attacked) == len(hardened.train) == hardened.X["baseline"].shape[0]
    weight, of_valid = hardened.weights(4.0)
    assert set(weight) == {1.0, 4.0} and (weight == 4).sum() == hardened.attacked.sum()
    assert len(of_valid) == len(hardened.valid)


def test_hardening_helps_an_additive_score_on_attacked_leads_and_not_on_natural_ones(pools, yardsticks):
    judged, natural = pools.test.attacked.world.tables, pools.test.natural.tables
    losses = {name: log_loss(judged.labels, each.logits(judged)) for name, each in yardsticks.items()}
    assert losses[HARDENED] < losses[NATURAL] - 0.1
    assert yardsticks[NATURAL].weight == 0 < yardsticks[HARDENED].weight
    on_natural = {name: log_loss(natural.labels, each.logits(natural)) for name, each in yardsticks.items()}
    assert on_natural[NATURAL] < on_natural[HARDENED]


def test_trees_learn_from_the_same_ground(pools, grounds, monkeypatch):
    monkeypatch.setattr(contestants, "WEIGHTS", (1.0,))
    judged = pools.test.attacked.world.tables
    losses = {
        name: log_loss(judged.labels, Trees.fit(ground, trials=1).logits(judged)) for name, ground in grounds.items()
    }
    assert losses[HARDENED] < losses[NATURAL] - 0.1


def test_spread_rows_are_even_and_all_where_there_are_few():
    np.testing.assert_array_equal(spread(5, 9), np.arange(5))
    assert len(spread(1_000, 10)) == 10 and spread(1_000, 10)[-1] == 999
