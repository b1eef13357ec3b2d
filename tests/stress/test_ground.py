"""The ground that contestants stand on: all leads in order of time, as the scout's own features tell of them."""

import numpy as np
import pytest

from tinyscout.settings import ScoutSettings, TokenizerSettings
from tinyscout.stress.ground import Ground
from tinyscout.stress.supply import TrainingSet
from tinyscout.training import Stack


@pytest.fixture(scope="module")
def reader(pools) -> Stack:
    settings = ScoutSettings(wide="careful", tokenizer=TokenizerSettings(newest_first=True))
    tables = pools.train.natural.tables
    return Stack.refit(tables, np.arange(len(tables)), settings, l2=30.0, shares=[])


@pytest.fixture(scope="module")
def sets(pools, reader) -> list[TrainingSet]:
    every = pools.train.attacked.world.tables
    few = every.take(np.arange(0, len(every), 10))
    return [TrainingSet.of(pools.train.natural.tables, reader), TrainingSet.of(few, reader, np.random.default_rng(0))]


def test_leads_stand_in_order_of_time_each_with_its_label_and_features(pools, reader, sets):
    (natural, attacked), valid = (each.rows for each in sets), pools.valid.natural.tables
    ground = Ground.of_rows(reader, natural, attacked, valid, np.random.default_rng(0))
    assert (~ground.attacked).sum() == len(natural.y) and ground.attacked.sum() == len(attacked.y)
    for rows, chosen in ((natural, ~ground.attacked), (attacked, ground.attacked)):
        np.testing.assert_array_equal(np.sort(ground.y[chosen]), np.sort(rows.y))
        assert ground.X["careful"][chosen].sum() == pytest.approx(rows.X.sum(), rel=1e-5)
    at = np.flatnonzero(~ground.attacked)  # of natural leads few are contacted at one moment
    alone = np.flatnonzero(np.unique(natural.contacted, return_counts=True)[1] == 1)
    assert len(alone) > 0.9 * len(at)
    order = np.argsort(natural.contacted, kind="stable")
    np.testing.assert_array_equal(ground.y[at[alone]], natural.y[order[alone]])
    assert (ground.X["careful"][at[alone]] != natural.X[order[alone]]).nnz == 0
    first, last = (set(ground.attacked[half]) for half in np.array_split(np.arange(len(ground.y)), 2))
    assert first == last == {True, False}


def test_the_baseline_has_its_own_features_alone(pools, reader, sets):
    (natural, attacked), valid = (each.rows for each in sets), pools.valid.natural.tables
    ground = Ground.of_rows(reader, natural, attacked, valid, np.random.default_rng(0))
    for kind in ("baseline", "careful"):
        tokens = ground.tokenizer.encode(ground.valid)
        known = ground.features[kind].transform(tokens).astype(np.float32)
        assert ground.X[kind].shape[1] == len(ground.features[kind].names)
        assert abs(ground.X_valid[kind] - known).max() < 1e-5
    assert ground.X["baseline"].shape[1] < ground.X["careful"].shape[1]
    alone = Ground.of_rows(reader, natural, attacked, valid, np.random.default_rng(0), ("baseline",))
    assert list(alone.X) == ["baseline"]


def test_a_reader_of_the_baselines_features_knows_too_little(pools, sets):
    tables = pools.train.natural.tables
    reader = Stack.refit(tables, np.arange(len(tables)), ScoutSettings(), l2=30.0, shares=[])
    with pytest.raises(ValueError, match="careful"):
        Ground.of_rows(reader, sets[0].rows, sets[1].rows, pools.valid.natural.tables, np.random.default_rng(0))
