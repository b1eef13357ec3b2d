"""What an export says of time and outcome: labels, contacts still to come, and files that can't be read."""

import numpy as np
import pandas as pd
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import FieldMap, Schema, iter_tables, read_tables


def test_a_flat_table_without_time_goes_by_its_running_number(tmp_path, write):
    path = write(tmp_path / "a.csv", "lead number,converted,city\n30,1,Oslo\n10,0,Rome\n20,0,Bonn\n")
    tables = read_tables(path)
    assert not tables.schema.has_time
    assert tables.leads["order"].tolist() == [10, 20, 30]
    assert tables.leads["contacted_at"].isna().all()
    assert tables.leads["lead_id"].tolist() == ["row-0-3", "row-0-4", "row-0-2"]
    path = write(tmp_path / "b.csv", "converted,city\n1,Oslo\n0,Rome\n0,Rome\n")
    assert read_tables(path).leads["city"].tolist() == ["Oslo", "Rome", "Rome"]  # no id: equal rows may be two leads


def test_a_column_called_order_may_say_anything_beside_a_time(tmp_path, write):
    rows = ["a,2025-03-01,first order,1", "b,2025-01-01,7,0", "c,2025-02-01,,1"]
    tables = read_tables(write(tmp_path / "leads.csv", "\n".join(["lead_id,contacted_at,order,label", *rows])))
    assert tables.leads["lead_id"].tolist() == ["b", "c", "a"]


def test_leads_never_contacted_are_dropped_when_fitting_and_scored_as_of_now(tmp_path, write):
    leads = write(tmp_path / "a.csv", "lead_id,contacted_at,label\n1,2025-01-01T10:00,1\n2,,\n3,2025-01-03T10:00,0\n")
    signals = write(tmp_path / "s.csv", "lead_id,at,kind\n2,2025-01-05T10:00,visit\n1,2025-01-02T10:00,visit\n")
    tables = read_tables(leads, signals)
    assert tables.account.leads_dropped == {"not contacted yet": 1}
    for scored in (
        read_tables(leads, signals, schema=tables.schema, labelled=False),
        next(iter_tables(leads, signals, schema=tables.schema)),
    ):
        assert scored.leads["lead_id"].tolist() == ["1", "3", "2"]
        assert str(scored.leads["contacted_at"].iloc[2]) == "2025-01-05 10:00:01+00:00"  # just after the latest stamp
        assert scored.signals["row"].tolist() == [2]
        assert np.isnan(scored.labels).all()
    given_ = read_tables(leads, signals, schema=tables.schema, labelled=False, observed_until="2025-02-01")
    assert str(given_.leads["contacted_at"].iloc[2]) == "2025-02-02 00:00:00+00:00"  # the end of that day
    no_times = write(tmp_path / "b.csv", "lead_id\n1\n2\n")
    with pytest.raises(InputError, match="pass --observed-until"):
        read_tables(no_times, schema=tables.schema, labelled=False)


def test_reply_times_make_labels_and_the_notes_count_them(tmp_path, write):
    text = (
        "lead_id,contacted_at,replied_at,converted\n"
        "1,2025-01-01T10:00,2025-01-05T10:00,0\n"
        "2,2025-01-01T10:00,2025-03-05T10:00,0\n"
        "3,2025-01-01T10:00,2024-12-05T10:00,0\n"
        "4,2025-01-01T10:00,,1\n"
        "5,2025-03-01T10:00,,1\n"
    )
    path = write(tmp_path / "a.csv", text)
    tables = read_tables(path)
    np.testing.assert_array_equal(tables.labels, [1, 0, np.nan, 0, np.nan])
    assert tables.mature.tolist() == [True, True, False, True, False]
    assert tables.schema.left_out == {"converted": "another form of the label"}
    notes = tables.account.notes
    assert notes["observed until"] == "2025-03-05 10:00:00+00:00 (the latest reply)"
    assert notes["replied before contact (label unknown)"] == 1
    assert notes["replied after the window (negative)"] == 1
    assert notes["window not over"] == 1
    assert tables.account.examples["replied before contact"][0]["lead_id"] == "3"
    assert tables.account.lines() == [
        "leads: 5 rows read, 5 kept",
        "label: positive reply within 30 days of contact",
        "observed until: 2025-03-05 10:00:00+00:00 (the latest reply)",
        "window not over: 1",
        "replied after the window (negative): 1",
        "replied before contact (label unknown): 1",
    ]
    np.testing.assert_array_equal(read_tables(path, window_days=90, observed_until="2025-12-31").labels[:2], [1, 1])
    ready = read_tables(path, field_map=FieldMap.load("generic").with_role("label", "converted"))
    np.testing.assert_array_equal(ready.labels, [0, 0, 0, 1, 1])
    assert "replied_at" not in ready.leads
    assert ready.schema.left_out == {"replied_at": "another form of the label"}


def test_a_second_column_with_the_answer_is_never_a_feature(tmp_path, write):
    header = "lead_id,contacted_at,replied_at,Converted,responded,response_date,outcome,city"
    rows = [
        f"l{i},2025-01-{1 + i % 28:02d},{'2025-02-01' if i % 2 else ''},{i % 2},{'ny'[i % 2]},2025-02-01,won,Rome"
        for i in range(60)
    ]
    leads = write(tmp_path / "leads.csv", "\n".join([header, *rows]))
    tables = read_tables(leads)
    assert list(tables.schema.columns) == ["city"]
    assert set(tables.schema.left_out) == {"Converted", "responded", "response_date", "outcome"}
    tables = read_tables(leads, field_map=FieldMap.load("generic").with_role("label", "responded"))
    assert list(tables.schema.columns) == ["city"]
    assert set(tables.schema.left_out) == {"replied_at", "Converted", "response_date", "outcome"}


def test_the_outcome_column_that_is_not_used_may_hold_anything(tmp_path, write):
    text = "lead_id,contacted_at,replied_at,reply\n1,2025-01-01T10:00,2025-01-02T10:00,yes please call\n"
    assert read_tables(write(tmp_path / "a.csv", text), observed_until="2025-06-01").labels.tolist() == [1]
    text = "lead_id,contacted_at,replied_at,won\n1,2025-01-01T10:00,last week,1\n"
    field_map = FieldMap.load("generic").with_role("label", "won")
    assert read_tables(write(tmp_path / "b.csv", text), field_map=field_map).labels.tolist() == [1]


WRONG = {
    "no label": ("lead_id,contacted_at,city\n1,2025-01-01,Oslo\n", "has no column for a label or replied_at"),
    "reply without contact": ("lead_id,replied_at\n1,2025-01-01\n", "no column for contacted_at to count days from"),
    "nothing left": ("lead_id,contacted_at,label\n1,,1\n", "no lead is left of 1 rows; dropped: 1 not contacted yet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_at_all_says_so_in_one_line(tmp_path, name, write):
    text, said = WRONG[name]
    path = write(tmp_path / "leads.csv", text)
    with pytest.raises(InputError) as caught:
        read_tables(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lead_not_contacted_yet_is_marked(tmp_path, write):
    lead = write(tmp_path / "a.csv", "lead_id,contacted_at,persona\nL1,2025-02-01T09:30:00Z,vp\nL2,,vp\n")
    saved = Schema({"persona": "category"})
    tables = read_tables(lead, schema=saved, labelled=False)
    assert dict(zip(tables.leads["lead_id"], tables.leads["not_contacted"], strict=True)) == {"L1": False, "L2": True}
    assert any(line.endswith("hour and weekday of contact as not known") for line in tables.account.lines())
    (chunk,) = iter_tables(lead, schema=saved)
    pd.testing.assert_frame_equal(chunk.leads, tables.leads)
    bare = write(tmp_path / "b.csv", "lead_id,persona\nL2,vp\n")
    assert read_tables(bare, schema=saved, labelled=False, observed_until="2025-03-01").leads["not_contacted"].all()
    known = write(tmp_path / "c.csv", "lead_id,contacted_at,persona\nL1,2025-02-01T09:30:00Z,vp\n")
    assert "not_contacted" not in read_tables(known, schema=saved, labelled=False).leads
