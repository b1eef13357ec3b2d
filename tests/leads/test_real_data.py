"""The shared real data sets, read by their field maps and unaided; skipped where they are not beside the repository."""

from pathlib import Path

import numpy as np
import pytest

from tinyscout.leads import FieldMap, Schema, iter_tables, quality, read_tables
from tinyscout.leads.splits import time_split

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "x_education_leads.csv").is_file(), reason=f"the shared data sets are not in {DATA}"
)
AFTER = [
    *("Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"),
    *(f"Asymmetrique {what} {of}" for what in ("Activity", "Profile") for of in ("Index", "Score")),
]


@pytest.fixture(scope="module")
def messages():
    paths = DATA / "college_messages_leads.csv", DATA / "college_messages_signals.csv.gz"
    return paths, read_tables(*paths, field_map=FieldMap.load("college_messages"))


def test_college_messages_by_its_map(messages):
    _, tables = messages
    account = tables.account
    assert (len(tables), account.leads_in, account.leads_dropped) == (13_787, 13_787, {})
    assert (len(tables.signals), account.signals_in, account.signals_kept) == (754_695, 754_695, 754_695)
    assert account.balanced
    assert tables.labels.mean() == pytest.approx(0.424, abs=5e-4)
    assert tables.mature.all()
    assert tables.schema.window_days == 7
    assert tables.schema.columns == {"sender": "identifier", "recipient": "identifier"}
    assert tables.schema.profile == []
    assert (tables.schema.has_time, tables.schema.has_hour) == (True, True)
    split = time_split(tables)
    wait = tables.leads["contacted_at"].iloc[split.test].min() - tables.leads["contacted_at"].iloc[split.train].max()
    assert wait.total_seconds() >= 7 * 86_400


def test_people_numbered_as_they_appear_are_identifiers_even_unaided(messages):
    (leads, _), _ = messages
    generic = FieldMap.load("generic").with_role("contacted_at", "t0")
    assert read_tables(leads, field_map=generic).schema.columns == {"sender": "identifier", "recipient": "identifier"}


def test_college_messages_in_chunks_see_the_same_signals(messages):
    paths, tables = messages
    schema = Schema.from_dict(tables.schema.to_dict())
    counts = {}
    for part in iter_tables(*paths, schema=schema, chunk=4_000):
        counts.update(zip(part.leads["contact_id"], np.diff(part.offsets), strict=True))
    assert [counts[contact] for contact in tables.leads["contact_id"]] == np.diff(tables.offsets).tolist()


def test_x_education_by_its_map():
    tables = read_tables(DATA / "x_education_leads.csv", field_map=FieldMap.load("x_education"))
    assert len(tables) == 9_240
    assert tables.labels.mean() == pytest.approx(0.385, abs=5e-4)
    assert not tables.schema.has_time
    assert tables.leads["order"].iloc[[0, -1]].tolist() == [579_533, 660_737]
    assert sorted(tables.schema.after_contact) == sorted(AFTER)
    assert not set(AFTER) & set(tables.leads)
    assert tables.leads["Specialization"].isna().mean() > 0.3  # "Select" is an empty form field
    split = time_split(tables)
    assert (len(split.train), len(split.test), len(split.gap)) == (7_392, 1_848, 0)


@pytest.mark.parametrize("rows", [9_240, 7_392], ids=["all rows", "training rows"])
def test_x_education_unaided(rows):
    tables = read_tables(DATA / "x_education_leads.csv").take(np.arange(rows))
    report = quality.report(tables)
    assert [suspect.column for suspect in report.leaking] == ["Tags", "Lead Quality", "Lead Profile"]
    suspects = [suspect.column for suspect in report.suspects if suspect.grade == "suspect"]
    assert set(suspects) >= set(AFTER) - {"Tags", "Lead Quality", "Lead Profile"}
    left = tables.schema.leaving_out({suspect.column: suspect.reason for suspect in report.leaking}).profile
    honest = ["Total Time Spent on Website", "Lead Origin", "Lead Source", "What is your current occupation"]
    assert set(honest) <= set(left)
    assert "Total Time Spent on Website" not in suspects
    assert all(suspect.reason and suspect.examples for suspect in report.suspects)
