"""The synthetic world: reproducible, as documented, and read back from its export as it was made."""

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import oracle, world
from tinyscout.leads.oracle_weights import KINDS, PERSONAS
from tinyscout.leads.reader import read_tables

DATA = Path(str(resources.files("tinyscout"))) / "data"


@pytest.fixture(scope="module")
def made() -> world.World:
    return world.make_world(5_600, 31)  # more than one chunk


@pytest.fixture(scope="module")
def sample() -> world.World:
    return world.load_sample()


def plain(column: pd.Series) -> list:
    """Values as Python objects, whatever holds them; every missing value is None."""
    return column.astype(object).where(column.notna(), None).tolist()


def assert_same_frames(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert set(found) == set(expected)
    for name in expected:
        assert plain(found[name]) == plain(expected[name]), name


def test_the_same_seed_makes_the_same_world(made):
    again = world.make_world(5_600, 31)
    pd.testing.assert_frame_equal(again.tables.leads, made.tables.leads)
    pd.testing.assert_frame_equal(again.tables.signals, made.tables.signals)
    pd.testing.assert_frame_equal(again.truth, made.truth)


def test_worlds_of_two_seeds_share_no_lead(made):
    other = world.make_world(500, 32).tables.leads
    assert not set(other["lead_id"]) & set(made.tables.leads["lead_id"])
    assert other["contacted_at"].iloc[0] != made.tables.leads["contacted_at"].iloc[0]


@pytest.mark.parametrize("n", [1, 2, 29, 5_001])
def test_any_size_can_be_made(n):
    tables = world.make_world(n, 33).tables
    assert len(tables) == n
    assert tables.offsets[-1] == len(tables.signals)


@pytest.mark.parametrize(("n", "seed"), [(0, 1), (-5, 1), (10, -1)])
def test_a_senseless_size_or_seed_is_refused(n, seed):
    with pytest.raises(InputError, match="needs at least 1 lead"):
        world.make_world(n, seed)


def test_tables_keep_their_promises(made):
    leads, signals = made.tables.leads, made.tables.signals
    assert leads["contacted_at"].is_monotonic_increasing
    assert leads["contact_id"].is_unique
    assert signals["row"].is_monotonic_increasing
    assert (signals["age_hours"] > 0).all()
    same_lead = np.diff(signals["row"]) == 0
    assert (np.diff(signals["at"].astype("int64"))[same_lead] > 0).all()  # no two signals of a lead at one moment
    assert made.truth["contact_id"].tolist() == leads["contact_id"].tolist()
    assert not {"reply_probability", "role", "family"} & {*leads, *signals}


def test_an_export_is_read_back_as_it_was_made(made, tmp_path):
    world.write(made, tmp_path)
    read = read_tables(tmp_path / "leads.parquet", tmp_path / "signals.parquet")
    assert_same_frames(read.leads, made.tables.leads)
    assert_same_frames(read.signals, made.tables.signals)
    np.testing.assert_array_equal(read.offsets, made.tables.offsets)
    assert read.schema.columns == made.tables.schema.columns
    assert (read.account.leads_dropped, read.account.signals_dropped) == ({}, {})
    np.testing.assert_allclose(oracle.reply_probability(read), made.truth["reply_probability"], rtol=1e-12)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["leads.parquet", "signals.parquet", "truth.parquet"]


def test_writing_where_nothing_can_be_written_is_one_line(made, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(InputError, match="can't be written") as caught:
        world.write(made, tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_replies_follow_the_oracle(made):
    leads, chance = made.tables.leads, made.truth["reply_probability"].to_numpy()
    known = made.tables.mature
    labels = leads["label"].to_numpy()[known]
    for part in (chance[known] < 0.05, chance[known] > 0.5):
        expected, spread = chance[known][part].sum(), np.sqrt((chance * (1 - chance))[known][part].sum())
        assert abs(labels[part].sum() - expected) < 4 * spread
    days = (leads["replied_at"] - leads["contacted_at"]).dt.total_seconds() / 86_400
    assert (days.dropna() > 0).all()
    late = days > 30
    assert 10 < late.sum() < 400
    assert (leads["label"][late & known] == 0).all()
    last = leads["contacted_at"].max() - pd.Timedelta(days=30)
    assert leads["label"][leads["contacted_at"] > last].isna().all()
    assert 0.01 < (~known).mean() < 0.10


def test_leads_are_as_the_data_sheet_says(made):
    leads, signals = made.tables.leads, made.tables.signals
    per_lead = np.diff(made.tables.offsets)
    assert 8 <= per_lead.mean() <= 12
    assert 0.02 < (per_lead == 0).mean() < 0.2
    assert per_lead.max() > 6 * per_lead.mean()
    assert set(leads["persona"].cat.categories) == set(PERSONAS)
    assert set(signals["kind"].cat.categories) == set(KINDS)
    assert set(signals["channel"].cat.categories) == {"email", "web", "social", "call", "chat"}
    assert leads["campaign"].nunique() > 60
    assert leads["employees"].median() * 5 < leads["employees"].mean()  # a heavy tail
    for name, share in {"employees": 0.16, "months_since_funding": 0.55, "tech_stack": 0.3, "campaign": 0.2}.items():
        assert abs(leads[name].isna().mean() - share) < 0.06, name
    assert 0.03 < leads["lead_id"].duplicated().mean() < 0.05
    assert signals["age_hours"].min() < 1
    assert signals["age_hours"].max() > 24 * 365
    texts = signals["text"].dropna()
    assert 0.5 < len(texts) / len(leads) < 1.2
    assert texts.nunique() > 0.4 * len(texts)
    assert all(text.isascii() for text in texts)


def test_a_lead_contacted_again_keeps_its_past(made):
    leads, signals = made.tables.leads, made.tables.signals
    again = leads[leads["lead_id"].duplicated(keep=False)]
    rows = again.groupby("lead_id").indices
    checked = 0
    for lead_id in list(rows)[:100]:
        first, second = again.index[rows[lead_id]]
        before = signals.loc[signals["row"] == first, ["at", "kind", "text"]]
        after = signals.loc[signals["row"] == second, ["at", "kind", "text"]]
        seen = after[after["at"] < leads["contacted_at"][first]]
        assert before.to_numpy().tolist() == seen.to_numpy().tolist()
        assert leads["persona"][first] == leads["persona"][second]
        checked += len(before)
    assert checked > 100


def test_later_leads_differ_a_little_from_earlier_ones():
    leads = world.make_world(12_000, 34).tables.leads
    early, late = leads.iloc[:4_000], leads.iloc[-4_000:]
    for name, value, change in (("source", "outbound_list", -0.01), ("persona", "saas_founder", 0.0)):
        moved = (late[name] == value).mean() - (early[name] == value).mean()
        assert -0.08 < moved < change, name
    assert set(late["campaign"].dropna()) - set(early["campaign"].dropna())


def test_the_sample_is_shipped_small_and_whole(sample):
    files = [DATA / f"sample_{name}.parquet" for name in world.FILES]
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    assert len(sample.tables) == world.SAMPLE_LEADS >= 24_000
    assert sample.truth["contact_id"].tolist() == sample.tables.leads["contact_id"].tolist()
    assert set(sample.truth["role"]) == {"natural"}
    np.testing.assert_allclose(oracle.reply_probability(sample.tables), sample.truth["reply_probability"], rtol=1e-9)


def test_the_sample_is_what_the_code_makes(sample):
    made = world.make_world(world.SAMPLE_LEADS, world.SAMPLE_SEED)
    for found, expected in ((sample.tables.leads, made.tables.leads), (sample.tables.signals, made.tables.signals)):
        assert len(found) == len(expected)
        for name in expected:
            same = np.array([a == b for a, b in zip(plain(found[name]), plain(expected[name]), strict=True)])
            assert same.mean() > 0.9999, name  # exp and log of another machine may round a second away
