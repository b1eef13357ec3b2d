"""Fixtures of the tests of drafts: the writer that ships, leads to write to, a writer that says what it is told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.drafting import Drafted
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads import LeadTables
from tinyscout.leads.outreach_allowed import REST_DAYS, Talk
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_stops import last_stop
from tinyscout.leads.world import World, export
from tinyscout.scout import Scout
from tinyscout.training.writer import Writer


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer.shipped()


@pytest.fixture(scope="module")
def some(small_tables: LeadTables) -> LeadTables:
    """Leads that may be written to, whose signals hold texts that neither refuse nor take anything back."""
    book = FactBook(small_tables)
    silent = pd.Series(small_tables.signals["text"]).isna().to_numpy()
    rows = []
    for row in range(0, 3000):
        mine = range(small_tables.offsets[row], small_tables.offsets[row + 1])
        says = {book.meaning(i) for i in mine}
        leaves = any(book.kinds[i] in book.leaving for i in mine)
        talk = Talk.of(book, row)
        free = book.of(row).stop is None and last_stop(book, row) is None
        quiet = free and talk.reply < 0 and min(talk.written, talk.met) >= 24 * REST_DAYS["email"]
        if quiet and not leaves and "refuse" not in says and not all(silent[i] for i in mine):
            rows.append(row)
    return small_tables.take(np.array(rows[:6]))


class Drawing:
    """A writer that gives these texts, one a call, to everybody."""

    def __init__(self, *given: str):
        self.given, self.asked = list(given), []

    def write(self, prompts: Sequence[str], sampler: SamplerSettings, *, streams: Sequence[int]) -> list[str]:
        self.asked.append(list(streams))
        return [self.given[min(len(self.asked), len(self.given)) - 1]] * len(prompts)


@pytest.fixture
def drawing() -> type[Drawing]:
    return Drawing


@pytest.fixture
def bare() -> str:
    """A message that says nothing of anybody."""
    return "Subject: a short question\nHello,\nA short note from me. What would be of use to you now?\nThanks"


@pytest.fixture
def why(small_scout: Scout, drawing: type[Drawing], bare: str) -> Callable[..., str]:
    """Why the first lead of some tables gets no message by a channel; empty where it does."""

    def asked(channel: str, tables: LeadTables, **options) -> str:
        how = Instruction(channel, "warm", "short")
        return small_scout.write(tables, how, writer=drawing(bare), **options)[0].why_not

    return asked


@pytest.fixture
def lead(small_tables: LeadTables, signals_of: Callable[..., LeadTables]) -> Callable[..., LeadTables]:
    """One lead with these signals."""
    return lambda *given: signals_of(small_tables, *given)


@pytest.fixture
def reason(why: Callable[..., str], lead: Callable[..., LeadTables]) -> Callable[..., str]:
    """Why a lead with these signals, and these columns in its row, gets no message by a channel."""

    def asked(channel: str, *given: tuple[float, str, str | None], **columns: object) -> str:
        tables = lead(*given)
        return why(channel, replace(tables, leads=tables.leads.assign(**columns)))

    return asked


@pytest.fixture
def placed() -> str:
    """A message that leaves a place for an offer."""
    return "Subject: a short question\nHi,\nI can help if you wish. OFFER. Shall we talk?\nThanks"


@pytest.fixture
def texts() -> Callable[[Sequence[Drafted]], list[str]]:
    """All texts of some drafts."""
    return lambda drafted: [draft.text for each in drafted for draft in each.drafts]


@pytest.fixture
def nobody() -> Callable[[LeadTables], LeadTables]:
    """One lead of which nothing is known at all."""

    def made(tables: LeadTables) -> LeadTables:
        bare = tables.take(np.array([0]))
        leads = bare.leads.copy()
        for name, kind in bare.schema.columns.items():
            leads[name] = np.nan if kind == "number" else pd.Categorical([None])
        signals = bare.signals.iloc[:0]
        return replace(bare, leads=leads, signals=signals, offsets=np.zeros(2, np.int64))

    return made


@pytest.fixture(scope="module")
def frames(small_world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    leads, signals = export(small_world.tables)
    leads = leads.drop(columns="contact_id").drop_duplicates("lead_id", keep="last").head(250)
    leads["contacted_at"] = leads["replied_at"] = ""  # to be contacted now
    return leads, signals[signals["lead_id"].isin(leads["lead_id"])]


@pytest.fixture
def words(frames: tuple[pd.DataFrame, pd.DataFrame], model: Path, tmp_path: Path) -> list[str]:
    """The files of a small export, as arguments."""
    frames[0].to_csv(tmp_path / "leads.csv", index=False)
    frames[1].to_csv(tmp_path / "signals.csv", index=False)
    return ["write", "leads.csv", "--signals", "signals.csv", "--model", str(model), "--top", "6"]


@pytest.fixture
def drafts() -> Callable[..., pd.DataFrame]:
    """The drafts in a file as a table, empty cells as ""."""

    def read(path: str = "drafts.csv") -> pd.DataFrame:
        return pd.read_csv(path, dtype={"draft": str}, keep_default_na=False)

    return read


@pytest.fixture
def change() -> Callable[..., None]:
    """Put other values, or one, into a column of a file."""

    def changed(column: str, values: object, path: str = "leads.csv") -> None:
        pd.read_csv(path, dtype=str, keep_default_na=False).assign(**{column: values}).to_csv(path, index=False)

    return changed
