"""Fixtures that several test files share: a small world, a scout fitted on it, and the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from tinyscout.cli import main
from tinyscout.leads import LeadTables
from tinyscout.leads.world import World, make_world
from tinyscout.scout import Scout
from tinyscout.settings import FitSettings, ModelSettings, ScoutSettings

settings.register_profile("tinyscout", deadline=None)  # no test fails for its time
settings.load_profile("tinyscout")

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
def model(small_scout: Scout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the small scout; nobody may change it."""
    folder = tmp_path_factory.mktemp("model")
    small_scout.save(folder)
    return folder


@pytest.fixture
def signals_of() -> Callable[..., LeadTables]:
    """The first lead of the tables with these signals: hours before contact, kind, text."""

    def made(tables: LeadTables, *given: tuple[float, str, str | None]) -> LeadTables:
        one = tables.take(np.array([0]))
        at = [one.leads["contacted_at"].iloc[0] - pd.Timedelta(hours=hours) for hours, _, _ in given]
        signals = pd.DataFrame(
            {
                "row": np.zeros(len(given), np.int64),
                "at": pd.Series(at),
                "kind": pd.Categorical([kind for _, kind, _ in given]),
                "text": pd.Series([text for _, _, text in given], dtype="str"),
            }
        )
        return LeadTables.from_frames(one.leads, signals, one.schema)

    return made


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    def refused(self, *said: str) -> None:
        """Exit code 2, one line on standard error, and that line says what it should."""
        assert self.code == 2 and len(self.err.strip().splitlines()) == 1 and self.err.isascii(), self.err
        for words in said:
            assert words in self.err, self.err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Ran:
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data beside the repository; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data in {SHARED_DATA}")
    return SHARED_DATA
