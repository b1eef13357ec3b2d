"""Reading whole exports: every row accounted for, bad rows named, formats and chunks that change nothing."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads import FieldMap, LeadTables, Schema, iter_tables, read_tables
from tinyscout.leads.tables import microseconds

RNG = np.random.default_rng(5)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rejected_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def export(count: int = 300, signals: int = 1500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A made-up export with every column type and some leads contacted twice."""
    contacted = pd.Timestamp("2025-01-01T00:00:01Z") + pd.to_timedelta(RNG.integers(0, 200 * 86_400, count), unit="s")
    reply = contacted + pd.to_timedelta(RNG.integers(3600, 60 * 86_400, count), unit="s")
    leads = pd.DataFrame(
        {
            "lead_id": [f"L{value}" for value in RNG.integers(0, count, count)],
            "contacted_at": contacted,
            "replied_at": reply.where(RNG.random(count) < 0.4),
            "persona": RNG.choice(["founder", "vp", None], count),
            "employees": np.where(RNG.random(count) < 0.1, np.nan, RNG.lognormal(4, 1, count).round()),
            "notes": [
                " ".join(RNG.choice(["call", "back", "soon", "price", "demo"], 6)) + f" {i}" for i in range(count)
            ],
            "created": (contacted - pd.to_timedelta(RNG.integers(1, 90, count), unit="D")).date.astype(str),
            "email": [f"p{i}@example.com" for i in range(count)],
        }
    )
    at = pd.Timestamp("2024-12-01T00:00:01Z") + pd.to_timedelta(RNG.integers(0, 230 * 86_400, signals), unit="s")
    events = pd.DataFrame(
        {
            "lead_id": [f"L{value}" for value in RNG.integers(0, int(count * 1.1), signals)],
            "at": at,
            "kind": RNG.choice(["visit", "open", "call"], signals),
            "channel": RNG.choice(["web", "mail", None], signals),
            "text": RNG.choice(["", "hello there", None], signals),
        }
    )
    return leads, events


def same(left: LeadTables, right: LeadTables) -> None:
    for name in ("leads", "signals"):
        a, b = getattr(left, name).copy(), getattr(right, name).copy()
        for frame in (a, b):  # the order of categories is no part of the contract
            for column in frame.select_dtypes("category"):
                frame[column] = frame[column].astype("str")
        pd.testing.assert_frame_equal(a, b)
    np.testing.assert_array_equal(left.offsets, right.offsets)


LEADS = """lead_id,contacted_at,converted,city,employees
1,2025-01-03,1,Oslo,10
2,2025-01-01,0,Rome,"$1,200"
3,2025-01-02,no,n/a,inf
"""


def test_the_columns_are_those_of_the_contract(tmp_path):
    leads, events = export()
    leads.to_parquet(tmp_path / "leads.parquet")
    events.to_parquet(tmp_path / "signals.parquet")
    tables = read_tables(tmp_path / "leads.parquet", tmp_path / "signals.parquet")
    assert list(tables.leads)[:6] == ["contact_id", "lead_id", "contacted_at", "order", "replied_at", "label"]
    assert {name: str(kind) for name, kind in tables.leads.dtypes.items()} == {
        "contact_id": "str",
        "lead_id": "str",
        "contacted_at": "datetime64[us, UTC]",
        "order": "int64",
        "replied_at": "datetime64[us, UTC]",
        "label": "float64",
        "persona": "category",
        "employees": "float64",
        "notes": "str",
        "created": "datetime64[us, UTC]",
        "email": "str",
    }
    assert {name: str(kind) for name, kind in tables.signals.dtypes.items()} == {
        "row": "int64",
        "at": "datetime64[us, UTC]",
        "age_hours": "float64",
        "kind": "category",
        "channel": "category",
        "text": "str",
    }
    assert tables.schema.profile == ["persona", "employees", "notes", "created"]
    assert tables.leads["contact_id"].is_unique
    assert tables.leads["contacted_at"].is_monotonic_increasing
    row = tables.signals["row"].to_numpy()
    age = microseconds(tables.leads["contacted_at"])[row] - microseconds(tables.signals["at"])
    np.testing.assert_allclose(tables.signals["age_hours"], age / 3.6e9)
    assert (age > 0).all()
    np.testing.assert_array_equal(np.searchsorted(row, np.arange(len(tables) + 1)), tables.offsets)
    assert tables.account.balanced


def test_csv_and_parquet_and_several_files_give_the_same_tables(tmp_path):
    leads, events = export()
    leads.to_parquet(tmp_path / "leads.parquet")
    events.to_parquet(tmp_path / "signals.parquet", row_group_size=100)
    leads.to_csv(tmp_path / "leads.csv", index=False)
    events.to_csv(tmp_path / "signals.csv.gz", index=False, sep="\t")
    leads[:100].to_csv(tmp_path / "t1.csv", index=False, sep=";", encoding="utf-16")
    leads[100:].to_parquet(tmp_path / "t2.parquet")
    events[:700].to_csv(tmp_path / "s1.csv", index=False)
    events[700:].to_parquet(tmp_path / "s2.parquet")
    whole = read_tables(tmp_path / "leads.parquet", tmp_path / "signals.parquet")
    same(whole, read_tables(tmp_path / "leads.csv", tmp_path / "signals.csv.gz"))
    parts = read_tables([tmp_path / "t1.csv", tmp_path / "t2.parquet"], [tmp_path / "s1.csv", tmp_path / "s2.parquet"])
    same(whole, parts)
    assert whole.schema.columns == parts.schema.columns
    assert parts.account.leads_in == 300


@pytest.mark.parametrize("chunk", [9, 37, 10_000])
def test_chunks_give_the_rows_that_reading_whole_gives(tmp_path, chunk):
    leads, events = export(80, 600)
    leads = pd.concat([leads, leads[:15]])  # repeats across chunks
    leads.to_csv(tmp_path / "leads.csv", index=False)
    events.to_csv(tmp_path / "signals.csv", index=False)
    paths = tmp_path / "leads.csv", tmp_path / "signals.csv"
    schema = Schema.from_dict(read_tables(*paths).schema.to_dict())
    whole = read_tables(*paths, schema=schema, labelled=False, rejects=tmp_path / "whole.csv")
    parts = list(iter_tables(*paths, schema=schema, chunk=chunk, rejects=tmp_path / "parts.csv"))
    assert (len(parts) == 1) == (chunk > 95)
    assert all(part.leads["contacted_at"].is_monotonic_increasing for part in parts)
    frame = pd.concat([part.leads.astype({"persona": "str"}) for part in parts]).sort_values(["contacted_at", "order"])
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), whole.leads.astype({"persona": "str"}))
    assert sum(len(part.signals) for part in parts) == len(whole.signals)
    by_contact = {
        contact: part.signals.iloc[part.offsets[i] : part.offsets[i + 1]]["age_hours"].tolist()
        for part in parts
        for i, contact in enumerate(part.leads["contact_id"])
    }
    for i, contact in enumerate(whole.leads["contact_id"]):
        part = whole.signals["age_hours"].iloc[whole.offsets[i] : whole.offsets[i + 1]]
        assert by_contact[contact] == part.tolist()
    accounts = [{**tables.account.to_dict(), "examples": None} for tables in (parts[-1], whole)]
    assert accounts[0] == accounts[1]  # which examples are kept depends on the order of reading
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_schema_that_went_through_json_reads_the_same_profile(tmp_path):
    leads, _ = export()
    leads.to_csv(tmp_path / "leads.csv", index=False)
    first = read_tables(tmp_path / "leads.csv")
    again = read_tables(tmp_path / "leads.csv", schema=Schema.from_dict(first.schema.to_dict()))
    assert again.schema == first.schema
    profile = first.schema.profile
    pd.testing.assert_frame_equal(again.leads[profile], first.leads[profile])
    assert "email" not in again.leads  # what a model does not use is not read


def test_a_later_export_is_read_by_the_saved_types(tmp_path):
    schema = read_tables(write(tmp_path / "a.csv", LEADS.replace("n/a", "Bonn"))).schema
    assert schema.columns == {"city": "category", "employees": "category"} or "employees" in schema.columns
    schema = Schema({"city": "category", "employees": "number"}, field_map=schema.field_map)
    later = "Lead-ID,EMPLOYEES,CITY,extra,contacted_at,converted\n9,many,Oslo,x,2025-02-01,1\n8,7,,y,2025-02-02,0\n"
    tables = read_tables(write(tmp_path / "b.csv", later), schema=schema)
    assert list(tables.leads.columns[-2:]) == ["city", "employees"]
    np.testing.assert_array_equal(tables.leads["employees"], [np.nan, 7])
    assert tables.account.made_missing == {"employees": {"not readable as a number": 1}}
    without = write(tmp_path / "c.csv", "lead_id,city,contacted_at,converted\n9,Oslo,2025-02-01,1\n")
    with pytest.raises(InputError, match='has no column "employees", which the model was fitted with'):
        read_tables(without, schema=schema)
    tables = read_tables(without, schema=schema, allow_missing_columns=True)
    assert tables.leads["employees"].isna().all()


def test_equal_rows_are_dropped_and_other_contacts_of_a_lead_are_kept(tmp_path):
    text = LEADS + LEADS.split("\n", 1)[1] + LEADS.split("\n", 1)[1] + "1,2025-02-03,1,Oslo,10\n"
    tables = read_tables(write(tmp_path / "a.csv", text), rejects=tmp_path / "rejects.csv")
    assert tables.account.leads_dropped == {"duplicate row": 6}
    assert tables.account.balanced
    assert tables.leads["contact_id"].tolist() == ["2", "3", "1", "1#2"]
    rows = rejected_rows(tmp_path)
    assert [(row["line"], row["lead_id"], row["reason"]) for row in rows] == [
        (str(line), lead, "duplicate row") for line, lead in zip(range(5, 11), "123123", strict=True)
    ]


@pytest.mark.parametrize("kind", [np.int64, np.uint64, Decimal])
def test_long_whole_numbers_that_round_to_one_float_are_different_rows(tmp_path, kind):
    ids = np.array([kind(10**17 + number) for number in range(40)])
    pd.DataFrame({"lead_id": ids, "label": np.arange(40) % 2}).to_parquet(tmp_path / "leads.parquet")
    tables = read_tables(tmp_path / "leads.parquet")
    assert tables.leads["lead_id"].tolist() == [str(value) for value in ids.tolist()]


def test_a_repeated_contact_id_is_dropped(tmp_path):
    text = "contact_id,lead_id,contacted_at,label\nc1,1,2025-01-01,1\nc1,1,2025-01-02,0\nc2,1,2025-01-02,0\n"
    text += "c1,1,2025-01-01,1\n"  # alike in every cell
    tables = read_tables(write(tmp_path / "a.csv", text))
    assert tables.leads["contact_id"].tolist() == ["c1", "c2"]
    assert tables.account.leads_dropped == {"duplicate row": 1, "repeated contact_id": 1}
    assert tables.account.balanced


def test_a_made_contact_id_never_meets_a_lead_of_that_name(tmp_path):
    text = "lead_id,contacted_at,label\na#2,2025-01-01,1\na,2025-01-02,0\na,2025-01-03,0\na,2025-01-04,1\n"
    tables = read_tables(write(tmp_path / "a.csv", text))
    assert tables.leads["contact_id"].is_unique
    text = "lead_id,contacted_at,label\na,2025-01-02,0\na,2025-01-03,0\na#2,2025-01-01,1\n"
    assert read_tables(write(tmp_path / "b.csv", text)).leads["contact_id"].is_unique


BAD_ROWS = {
    "wrong date": ("4,31/02/2025,1,Oslo,3", "bad date", 'contacted_at is "31/02/2025", which is no date'),
    "no id": (",2025-01-05,1,Oslo,3", "missing lead_id", 'lead_id is ""'),
    "ragged": ("4,2025-01-05,1", "ragged row", "has 3 cells, the header has 5"),
    "wrong label": ("4,2025-01-05,perhaps,Oslo,3", "bad label", 'converted is "perhaps", which is no 0/1 label'),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_or_dropped_and_listed(tmp_path, name):
    row, reason, said = BAD_ROWS[name]
    text = LEADS + '5,2025-01-05,1,"two\nlines",3\n' + row + "\n6,2025-01-06,0,Rome,4\n"
    path = write(tmp_path / "leads.csv", text)
    with pytest.raises(InputError) as caught:
        read_tables(path, rejects=tmp_path / "rejects.csv")
    assert str(caught.value).startswith(f"{path} line 7: {said}")
    assert str(caught.value).endswith("pass --skip-bad-rows to drop and list such rows.")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "rejects.csv").exists()
    tables = read_tables(path, skip_bad_rows=True, rejects=tmp_path / "rejects.csv")
    assert tables.account.leads_dropped == {reason: 1}
    assert tables.account.balanced
    assert sorted(tables.leads["lead_id"]) == ["1", "2", "3", "5", "6"]
    (rejected,) = rejected_rows(tmp_path)
    assert (rejected["table"], rejected["file"], rejected["line"]) == ("leads", str(path), "7")
    assert rejected["reason"] == reason
    assert rejected["detail"].startswith(said)


@pytest.mark.parametrize(
    ("row", "reason"),
    [("1,soon,visit", "bad date"), (",2025-01-01,visit", "missing lead_id"), ("1", "ragged row"), ("1,,x", "bad date")],
)
def test_bad_signals_are_named_or_dropped_alike(tmp_path, row, reason):
    leads = write(tmp_path / "leads.csv", LEADS)
    signals = write(tmp_path / "signals.csv", f"lead_id,at,kind\n1,2024-12-31,visit\n{row}\n2,2024-12-30,visit\n")
    with pytest.raises(InputError, match=r"signals\.csv line 3: "):
        read_tables(leads, signals)
    tables = read_tables(leads, signals, skip_bad_rows=True, rejects=tmp_path / "rejects.csv")
    assert tables.account.signals_dropped[reason] == 1
    assert tables.account.balanced
    (rejected,) = rejected_rows(tmp_path)
    assert (rejected["table"], rejected["line"], rejected["reason"]) == ("signals", "3", reason)


cell = st.sampled_from(["1", "2", "3", "", "2025-01-01", "2025-03-01T10:00", "31/02/2025", "yes", "0", "x,y", '"q"'])
row_strategy = st.lists(cell, min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(st.lists(row_strategy, max_size=12), st.lists(row_strategy, max_size=8))
def test_any_mess_is_accounted_for(tmp_path_factory, leads, signals):
    folder = tmp_path_factory.mktemp("mess")
    lead_rows = [["lead_id", "contacted_at", "label", "city"], ["1", "2025-02-01", "1", "Oslo"], *leads]
    signal_rows = [["lead_id", "at", "kind"], ["1", "2025-01-01", "visit"], *signals]
    for name, rows in (("leads", lead_rows), ("signals", signal_rows)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    tables = read_tables(
        folder / "leads.csv", folder / "signals.csv", skip_bad_rows=True, rejects=folder / "rejects.csv"
    )
    account = tables.account
    assert account.balanced
    assert account.leads_in == 1 + len(leads)
    assert account.signals_in == 1 + len(signals)
    assert account.leads_kept == len(tables)
    rejected = pd.read_csv(folder / "rejects.csv")
    assert (rejected["table"] == "leads").sum() == sum(account.leads_dropped.values())
    assert (rejected["table"] == "signals").sum() == sum(account.signals_dropped.values())
    assert not rejected.duplicated(["table", "line"]).any()


def test_a_flat_table_without_time_goes_by_its_running_number(tmp_path):
    path = write(tmp_path / "a.csv", "lead number,converted,city\n30,1,Oslo\n10,0,Rome\n20,0,Bonn\n")
    tables = read_tables(path)
    assert not tables.schema.has_time
    assert tables.leads["order"].tolist() == [10, 20, 30]
    assert tables.leads["contacted_at"].isna().all()
    assert tables.leads["lead_id"].tolist() == ["row-0-3", "row-0-4", "row-0-2"]
    path = write(tmp_path / "b.csv", "converted,city\n1,Oslo\n0,Rome\n0,Rome\n")
    assert read_tables(path).leads["city"].tolist() == ["Oslo", "Rome", "Rome"]  # no id: equal rows may be two leads


def test_a_column_called_order_may_say_anything_beside_a_time(tmp_path):
    rows = ["a,2025-03-01,first order,1", "b,2025-01-01,7,0", "c,2025-02-01,,1"]
    tables = read_tables(write(tmp_path / "leads.csv", "\n".join(["lead_id,contacted_at,order,label", *rows])))
    assert tables.leads["lead_id"].tolist() == ["b", "c", "a"]


def test_leads_never_contacted_are_dropped_when_fitting_and_scored_as_of_now(tmp_path):
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


def test_reply_times_make_labels_and_the_notes_count_them(tmp_path):
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


def test_a_second_column_with_the_answer_is_never_a_feature(tmp_path):
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


def test_the_outcome_column_that_is_not_used_may_hold_anything(tmp_path):
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
def test_what_cannot_be_read_at_all_says_so_in_one_line(tmp_path, name):
    text, said = WRONG[name]
    path = write(tmp_path / "leads.csv", text)
    with pytest.raises(InputError) as caught:
        read_tables(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_signals_need_ids_and_contact_times(tmp_path):
    signals = write(tmp_path / "s.csv", "lead_id,at,kind\n1,2025-01-01,visit\n")
    with pytest.raises(InputError, match=r"a\.csv: has no column for lead_id"):
        read_tables(write(tmp_path / "a.csv", "contacted_at,label\n2025-01-01,1\n"), signals)
    with pytest.raises(InputError, match=r"b\.csv: has no column for contacted_at"):
        read_tables(write(tmp_path / "b.csv", "lead_id,label\n1,1\n"), signals)
    with pytest.raises(InputError, match=r"c\.csv: has no column for kind"):
        read_tables(write(tmp_path / "l.csv", LEADS), write(tmp_path / "c.csv", "lead_id,at\n1,2025-01-01\n"))


def test_profile_columns_named_like_roles_are_kept_under_another_name(tmp_path):
    field_map = FieldMap("own", {"lead_id": ("id",), "label": ("won",)}, {})
    tables = read_tables(write(tmp_path / "a.csv", "id,won,label,order\n1,1,x,9\n2,0,y,8\n"), field_map=field_map)
    assert list(tables.leads)[-2:] == ["label (column)", "order (column)"]
    assert tables.labels.tolist() == [1, 0]


def test_a_repeated_signal_id_is_dropped_and_equal_signals_without_one_are_kept(tmp_path):
    leads = write(tmp_path / "leads.csv", LEADS)
    text = "lead_id,event_id,at,kind\n" + 2 * "1,e1,2024-12-31,visit\n" + 2 * "1,,2024-12-31,visit\n"
    tables = read_tables(leads, write(tmp_path / "s.csv", text))
    assert tables.account.signals_dropped["repeated signal_id"] == 1
    assert len(tables.signals) == 3


def test_taking_rows_takes_their_signals(tmp_path):
    leads, events = export(60, 400)
    leads.to_parquet(tmp_path / "leads.parquet")
    events.to_parquet(tmp_path / "signals.parquet")
    tables = read_tables(tmp_path / "leads.parquet", tmp_path / "signals.parquet")
    rows = RNG.integers(0, 60, 25)
    some = tables.take(rows)
    assert some.leads["contact_id"].tolist() == tables.leads["contact_id"].iloc[rows].tolist()
    np.testing.assert_array_equal(some.signals["row"], np.repeat(np.arange(25), np.diff(some.offsets)))
    for place, row in enumerate(rows):
        a = some.signals.iloc[some.offsets[place] : some.offsets[place + 1]].drop(columns="row")
        b = tables.signals.iloc[tables.offsets[row] : tables.offsets[row + 1]].drop(columns="row")
        pd.testing.assert_frame_equal(a.reset_index(drop=True), b.reset_index(drop=True))
    with pytest.raises(TypeError, match="boolean mask"):
        tables.take(tables.mature)
    built = LeadTables.from_frames(tables.leads, tables.signals.drop(columns="age_hours"), tables.schema)
    same(built, LeadTables(tables.leads, built.signals, tables.offsets, tables.schema, tables.account))
    np.testing.assert_allclose(built.signals["age_hours"], tables.signals["age_hours"])


def test_progress_is_told_and_ends_at_the_end(tmp_path):
    told = []
    signals = write(tmp_path / "s.csv", "lead_id,at,kind\n1,2024-12-01,visit\n")
    read_tables(write(tmp_path / "leads.csv", LEADS), signals, progress=lambda *step: told.append(step))
    assert told == [("reading signals", 100, 100), ("reading leads", 100, 100)]


def test_dots_that_set_off_thousands_are_read_so_by_the_model_too(tmp_path):
    staff = [*range(5, 999, 9), *range(1000, 60_000, 1200)]
    rows = [f"L{i},2025-01-02,{i % 2},{f'{n:,}'.replace(',', '.')},{n / 1000:.3f}" for i, n in enumerate(staff)]
    head = "lead_id,contacted_at,label,staff,share\n"
    fitted = read_tables(write(tmp_path / "a.csv", head + "\n".join(rows) + "\n"))
    assert fitted.leads["staff"].tolist() == staff
    np.testing.assert_allclose(fitted.leads["share"], np.array(staff) / 1000)
    assert fitted.schema.columns["staff"] == "number"
    assert 'staff: a dot sets off thousands: "1.000" is read as 1000' in fitted.account.lines()
    saved = Schema.from_dict(json.loads(json.dumps(fitted.schema.to_dict())))
    later = write(tmp_path / "b.csv", head + "L1,2025-02-02,,2.500,0.5\n")
    scored = read_tables(later, schema=saved, labelled=False)
    assert scored.leads["staff"].tolist() == [2500]
    assert scored.leads["share"].tolist() == [0.5]


def test_a_lead_not_contacted_yet_is_marked(tmp_path):
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


def test_a_field_map_that_names_no_column_is_told(tmp_path):
    lead = write(tmp_path / "a.csv", "id,label,Status,staff\nL1,1,x,3\nL2,0,y,4\n")
    roles = '[leads]\nlead_id = "id"\nlabel = "label"\n'

    def mapped(text: str) -> FieldMap:
        return FieldMap.load(write(tmp_path / "ours.toml", roles + text))

    note = 'after_contact of the field map names what is no column: "Statuss" (perhaps "Status" is meant), "x"'
    assert note in read_tables(lead, field_map=mapped('[reading]\nafter_contact = ["Statuss", "x"]\n')).account.lines()
    with pytest.raises(InputError, match=r'no column "Staf" \(perhaps "staff" is meant\), which \[types\]'):
        read_tables(lead, field_map=mapped('[types]\nStaf = "number"\n'))
    kept = read_tables(lead, field_map=mapped('[reading]\nafter_contact = "status"\n[types]\nSTAFF = "category"\n'))
    assert kept.schema.columns["staff"] == "category"
    assert not any("after_contact of" in line for line in kept.account.lines())


def test_columns_read_as_missing_are_named(tmp_path):
    lead = write(tmp_path / "a.csv", "lead_id,contacted_at,persona\nL1,2025-02-01T09:30:00Z,vp\n")
    saved = Schema({"persona": "category", "staff": "number", "notes": "text", "email": "identifier"})
    tables = read_tables(lead, schema=saved, labelled=False, allow_missing_columns=True)
    assert f"{lead}: columns it lacks, read as missing: staff, notes" in tables.account.lines()
    whole = read_tables(lead, schema=Schema({"persona": "category"}), labelled=False)
    assert not any("lacks" in line for line in whole.account.lines())


def test_a_date_that_cannot_be_read_brings_the_formats_that_were_tried(tmp_path):
    lead = write(tmp_path / "a.csv", "id,at,label\nL1,31.12.2025 09:00,1\n")
    signals = write(tmp_path / "s.csv", "id,at,kind\nL1,31.12.2025 09:00,call\n")
    roles = '[leads]\nlead_id = "id"\ncontacted_at = "at"\nlabel = "label"\n'
    roles += '[signals]\nlead_id = "id"\nat = "at"\nkind = "kind"\n[reading]\n'
    bare = FieldMap.load(write(tmp_path / "bare.toml", roles))
    formats = FieldMap.load(write(tmp_path / "formats.toml", roles + 'date_formats = ["%d.%m.%Y", "%d/%m/%Y"]\n'))
    for paths in ((lead,), (lead, signals)):
        with pytest.raises(InputError, match=r"expected ISO .*, or a format named as date_formats in a field map"):
            read_tables(*paths, field_map=bare)
        with pytest.raises(
            InputError, match=r'or the field map\'s date_formats "%d\.%m\.%Y", "%d/%m/%Y"\. Fix the row'
        ):
            read_tables(*paths, field_map=formats)
