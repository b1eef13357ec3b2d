"""Contestants learn from the leads they are given, choose what attacked leads count, and predict."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.metrics import log_loss
from tinyscout.models.calibrators import Platt
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.contestants import Trees
from tinyscout.stress.ground import WEIGHTS, Ground, balanced, spread


@pytest.fixture(scope="module")
def grounds(pools) -> dict[str, Ground]:
    return {
        NATURAL: Ground.natural(pools.train, pools.valid, ("baseline",)),
        HARDENED: Ground.hardened(pools.train, pools.valid, np.random.default_rng(0), ("baseline",)),
    }


@pytest.fixture(scope="module")
def trees(grounds) -> dict[str, Trees]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinyscout.stress.ground.WEIGHTS", (1.0,))
        return {name: Trees.fit(ground, trials=1) for name, ground in grounds.items()}


def test_a_ground_says_which_leads_are_attacked(pools, grounds):
    natural, hardened = grounds[NATURAL], grounds[HARDENED]
    assert not natural.attacked.any() and natural.choices == (0.0,)
    assert hardened.attacked.sum() == len(pools.train.attacked.world.tables) and hardened.choices == WEIGHTS
    assert len(hardened.attacked) == len(hardened.y) == hardened.X["baseline"].shape[0]
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


def test_trees_learn_from_the_same_ground(pools, grounds, trees):
    judged = pools.test.attacked.world.tables
    losses = {name: log_loss(judged.labels, each.logits(judged)) for name, each in trees.items()}
    assert losses[HARDENED] < losses[NATURAL] - 0.1


def test_as_many_attacked_leads_as_natural_ones_are_calibrated_on_the_same_in_any_order(pools):
    found, orders, few = [], [], len(pools.valid.natural.tables)
    for seed in (0, 1):
        tables, attacked = pools.valid.mixed(np.random.default_rng(seed))
        rows, ids = balanced(tables, attacked), tables.leads["contact_id"].to_numpy(str)
        assert len(rows) == 2 * few and attacked[rows].sum() == few == len(set(rows[~attacked[rows]]))
        found.append(sorted(ids[rows]))
        orders.append(list(ids))
    assert orders[0] != orders[1] and found[0] == found[1]
    some = np.flatnonzero(~attacked | (np.arange(len(tables)) % 8 == 0))  # fewer attacked ones: each of them again
    rows = balanced(tables.take(some), attacked[some])
    assert len(rows) == 2 * few and set(rows) == set(range(len(some)))


def test_hardened_contestants_are_as_sure_as_they_are_right_and_natural_ones_stay(pools, grounds, yardsticks, trees):
    for contestant in (yardsticks[NATURAL], trees[NATURAL]):
        assert contestant.calibrator == Platt(1.0, 0.0)
    valid, rows = grounds[HARDENED].valid, balanced(grounds[HARDENED].valid, grounds[HARDENED].attacked_valid)
    y = valid.labels[rows]
    logit = trees[HARDENED].logits(valid)[rows]
    again = Platt.fit(logit, y)
    assert (again.slope, again.shift) == pytest.approx((1.0, 0.0), abs=0.02)
    for contestant in (yardsticks[HARDENED], trees[HARDENED]):
        assert abs(contestant.calibrator.slope - 1) > 0.02
        sure = contestant.calibrator
        raw = (contestant.logits(valid)[rows] - sure.shift) / sure.slope
        assert log_loss(y, sure.transform(raw)) < log_loss(y, raw)


def test_hardened_trees_are_calibrated_on_leads_that_they_were_not_fitted_to(grounds, trees, monkeypatch):
    monkeypatch.setattr("tinyscout.stress.ground.WEIGHTS", (1.0,))
    ground = grounds[HARDENED]
    y = np.random.default_rng(0).permutation(ground.valid.labels)
    valid = replace(ground.valid, leads=ground.valid.leads.assign(label=y))
    found = Trees.fit(replace(ground, valid=valid), trials=1)  # of one candidate there is none to choose
    raw = [each.model.decision_function(ground.X_valid) for each in (found, trees[HARDENED])]
    np.testing.assert_array_equal(*raw)
    assert found.calibrator.slope < 0.3 < trees[HARDENED].calibrator.slope


def test_thinned_leads_stand_for_all_of_them(grounds):
    hardened = grounds[HARDENED]
    every, natural = len(hardened.attacked), (~hardened.attacked).sum()
    rows, times = hardened.thinned(100)
    assert len(rows) == natural + 100 and (np.diff(rows) > 0).all() and times.sum() == pytest.approx(every)
    assert set(times[~hardened.attacked[rows]]) == {1.0}
    rows, times = hardened.thinned(10**6)
    np.testing.assert_array_equal(rows, np.arange(every))
    assert (times == 1).all()
    rows, _ = grounds[NATURAL].thinned(100)
    np.testing.assert_array_equal(rows, np.arange(len(grounds[NATURAL].attacked)))


def test_spread_rows_are_even_and_all_where_there_are_few():
    np.testing.assert_array_equal(spread(5, 9), np.arange(5))
    assert len(spread(1_000, 10)) == 10 and spread(1_000, 10)[-1] == 999
