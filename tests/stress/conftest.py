import numpy as np
import pytest

from tinyscout.leads import world
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import World
from tinyscout.settings import FitSettings, ModelSettings, ScoutSettings, TokenizerSettings
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.contestants import Logistic, calibrated_score
from tinyscout.stress.families import Attacked, attack, families
from tinyscout.stress.ground import Ground
from tinyscout.stress.harden import HardenSettings
from tinyscout.stress.pools import Pools, make_pools
from tinyscout.stress.timelines import Texts


@pytest.fixture(scope="session")
def natural() -> World:
    return world.make_world(9_000, 1100)


@pytest.fixture(scope="session")
def tables(natural) -> LeadTables:
    return natural.tables


@pytest.fixture(scope="module")
def texts(tables) -> Texts:
    """A search adds to them, so that no module sees another's."""
    return Texts(tables.signals["text"].dropna(), np.random.default_rng(0), more=300)


@pytest.fixture(scope="session")
def attacked(tables) -> dict[str, Attacked]:
    """About 50 pairs of every written family."""
    return {each.name: attack(each, tables, pairs=50, rng=np.random.default_rng(7)) for each in families()}


@pytest.fixture(scope="session")
def pools() -> Pools:
    return make_pools(1103, leads=5_000, judged=1_000)


@pytest.fixture(scope="session")
def yardsticks(pools) -> dict[str, Logistic]:
    """Fitted with few penalties to choose from."""
    natural = Ground.natural(pools.train.natural.tables, pools.valid.natural.tables, ("baseline",))
    ground = Ground.hardened(pools.train, pools.valid, np.random.default_rng(0), ("baseline",))
    return {
        NATURAL: Logistic.fit(natural, grid=(10.0,)),
        HARDENED: calibrated_score(Logistic.fit(ground, grid=(10.0,)), ground.valid),
    }


@pytest.fixture(scope="session")
def small() -> HardenSettings:
    """One reading, one round, few leads made: settings to harden with in seconds."""
    once = ScoutSettings(
        wide="careful",
        tokenizer=TokenizerSettings(newest_first=True, fold_case=True),
        model=ModelSettings(ngram=3),
        fit=FitSettings(epochs=1, threads=1),
    )
    new = {"contrast": 100, "reworded": 100, "again_contrast": 40, "again_reworded": 40, "processes": 1}
    return HardenSettings(**new, searched=40, steps=6, rounds=1, scout=once, again=once.fit)
