"""Contestants learn from the leads they are given, choose what attacked leads count, and predict."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.metrics import log_loss
from tinyscout.models.calibrators import Platt
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.contestants import UNCALIBRATED, Logistic, Trees, calibrated_score
from tinyscout.stress.ground import WEIGHTS, Ground, spread
from tinyscout.stress.validation import validation_leads


@pytest.fixture(scope="module")
def grounds(pools) -> dict[str, Ground]:
    return {
        NATURAL: Ground.natural(pools.train.natural.tables, pools.valid.natural.tables, ("baseline",)),
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


@pytest.mark.parametrize("many", [1, 5])
def test_a_weight_is_of_all_attacked_leads_together_however_many_there_are(grounds, many):
    hardened = grounds[HARDENED]
    some = np.flatnonzero(~hardened.attacked | (np.arange(len(hardened.y)) % many == 0))
    fewer = replace(hardened, attacked=hardened.attacked[some], y=hardened.y[some])
    weights = fewer.weights(4.0)
    assert weights.mean() == pytest.approx(1) and len(weights) == len(some)
    assert weights[fewer.attacked].sum() == pytest.approx(4 * weights[~fewer.attacked].sum())
    assert not fewer.weights(0.0)[fewer.attacked].any()


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


def test_hardened_contestants_are_as_sure_as_they_are_right_and_natural_ones_stay(pools, grounds, yardsticks, trees):
    for contestant in (yardsticks[NATURAL], *trees.values()):
        assert contestant.calibrator == UNCALIBRATED
    valid = grounds[HARDENED].valid
    for contestant in (yardsticks[HARDENED], calibrated_score(trees[HARDENED], valid)):
        again = Platt.fit(contestant.logits(valid), valid.labels)
        assert (again.slope, again.shift) == pytest.approx((1.0, 0.0), abs=0.02)
        assert contestant.calibrator != UNCALIBRATED


@pytest.mark.parametrize("kind", [Logistic, Trees])
def test_hardened_contestants_are_not_fitted_to_what_they_are_calibrated_on(grounds, kind, monkeypatch):
    monkeypatch.setattr("tinyscout.stress.ground.WEIGHTS", (1.0,))
    ground, how = grounds[HARDENED], {"grid": (10.0,)} if kind is Logistic else {"trials": 1}
    y = np.random.default_rng(0).permutation(ground.valid.labels)
    valid = replace(ground.valid, leads=ground.valid.leads.assign(label=y))
    true, dealt = (kind.fit(each, **how) for each in (ground, replace(ground, valid=valid)))
    raw = [each.model.decision_function(_of_valid(each, ground)) for each in (true, dealt)]
    np.testing.assert_array_equal(*raw)
    assert calibrated_score(dealt, valid).calibrator.slope < 0.3 < calibrated_score(true, ground.valid).calibrator.slope


def test_natural_contestants_are_fitted_to_the_validation_leads_too(grounds):
    ground = grounds[NATURAL]
    y = np.random.default_rng(0).permutation(ground.valid.labels)
    valid = replace(ground.valid, leads=ground.valid.leads.assign(label=y))
    true, dealt = (Logistic.fit(each, grid=(10.0,)) for each in (ground, replace(ground, valid=valid)))
    assert (true.model.coef_ != dealt.model.coef_).any()


def test_weight_and_penalty_are_chosen_together(grounds, monkeypatch):
    """The pair of least loss on the validation leads, each fitted as if it were the only one."""
    monkeypatch.setattr("tinyscout.stress.ground.WEIGHTS", (1.0, 20.0))
    ground, grid, losses = grounds[HARDENED], (1_000.0, 1.0), {}
    found = Logistic.fit(ground, grid=grid)
    for weight in (1.0, 20.0):
        monkeypatch.setattr("tinyscout.stress.ground.WEIGHTS", (weight,))
        for l2 in grid:
            one = Logistic.fit(ground, grid=(l2,))
            losses[weight, l2] = log_loss(ground.valid.labels, one.logits(ground.valid))
    assert (found.choice["weight"], found.choice["l2"]) == min(losses, key=losses.__getitem__)


def test_validation_leads_are_made_as_judged_ones_are(pools, yardsticks):
    """Half of them natural; of the others half written and the rest searched, in equal shares against each score."""
    scores = {"one": yardsticks[NATURAL].logits, "other": yardsticks[HARDENED].logits}
    valid = validation_leads(pools.valid, scores, {}, np.random.default_rng(0), steps=4)
    natural = pools.valid.natural.tables
    ids = valid.leads["contact_id"].to_numpy(str)
    attacked = ~np.isin(ids, natural.leads["contact_id"].to_numpy(str))
    assert (~attacked).sum() == len(natural) and attacked.sum() == pytest.approx(len(natural), rel=0.05)
    assert set(valid.leads["lead_id"]) <= set(natural.leads["lead_id"])
    part = valid.take(np.flatnonzero(attacked))
    for score in scores.values():  # each is misled by its own leads more than by what was there
        assert log_loss(part.labels, score(part)) > log_loss(natural.labels, score(natural)) + 0.2


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


def _of_valid(contestant, ground):
    return ground.X_valid["baseline"] if isinstance(contestant, Logistic) else ground.X_valid
