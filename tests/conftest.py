"""Fixtures that several test files share: a small world, and a scout fitted on it."""

from pathlib import Path

import pytest

from tinyscout.leads import LeadTables
from tinyscout.leads.world import World, make_world
from tinyscout.scout import Scout
from tinyscout.settings import FitSettings, ModelSettings, ScoutSettings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SMALL = ScoutSettings(
    minimum_repliers=20,
    members=1,
    model=ModelSettings(width=16, depth=1, heads=2),
    fit=FitSettings(epochs=2, learning_rate=5e-3, threads=1),
)


@pytest.fixture(scope="session")
def small_settings() -> ScoutSettings:
    """Settings that fit a real, if tiny, transformer in about a second."""
    return SMALL


@pytest.fixture(scope="session")
def small_world() -> World:
    """3,000 synthetic leads; nobody may change them."""
    return make_world(3_000, 11)


@pytest.fixture(scope="session")
def small_tables(small_world: World) -> LeadTables:
    return small_world.tables


@pytest.fixture(scope="session")
def small_scout(small_tables: LeadTables) -> Scout:
    """A scout whose transformer ships, whatever the calibration slice said, so that tests reach all of it."""
    scout = Scout.fit(small_tables, SMALL)
    scout.ships = "scout"
    return scout


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data beside the repository; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data in {SHARED_DATA}")
    return SHARED_DATA
