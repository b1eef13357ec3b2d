"""Reading whole exports: formats and chunks that change nothing, columns of a model, and what is told of a reading."""

import json

import numpy as np
import pandas as pd
import pytest

from tinyscout.errors import InputError
from tinyscout.leads import FieldMap, LeadTables, Schema, iter_tables, read_tables
from tinyscout.leads.tables import microseconds

LEADS = """lead_id,contacted_at,converted,city,employees
1,2025-01-03,1,Oslo,10
2,2025-01-01,0,Rome,"$1,200"
3,2025-01-02,no,n/a,inf
"""


RNG = np.random.default_rng(5)


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


def test_a_later_export_is_read_by_the_saved_types(tmp_path, write):
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


def test_signals_need_ids_and_contact_times(tmp_path, write):
    signals = write(tmp_path / "s.csv", "lead_id,at,kind\n1,2025-01-01,visit\n")
    with pytest.raises(InputError, match=r"a\.csv: has no column for lead_id"):
        read_tables(write(tmp_path / "a.csv", "contacted_at,label\n2025-01-01,1\n"), signals)
    with pytest.raises(InputError, match=r"b\.csv: has no column for contacted_at"):
        read_tables(write(tmp_path / "b.csv", "lead_id,label\n1,1\n"), signals)
    with pytest.raises(InputError, match=r"c\.csv: has no column for kind"):
        read_tables(write(tmp_path / "l.csv", LEADS), write(tmp_path / "c.csv", "lead_id,at\n1,2025-01-01\n"))


def test_profile_columns_named_like_roles_are_kept_under_another_name(tmp_path, write):
    field_map = FieldMap("own", {"lead_id": ("id",), "label": ("won",)}, {})
    tables = read_tables(write(tmp_path / "a.csv", "id,won,label,order\n1,1,x,9\n2,0,y,8\n"), field_map=field_map)
    assert list(tables.leads)[-2:] == ["label (column)", "order (column)"]
    assert tables.labels.tolist() == [1, 0]


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


def test_progress_is_told_and_ends_at_the_end(tmp_path, write):
    told = []
    signals = write(tmp_path / "s.csv", "lead_id,at,kind\n1,2024-12-01,visit\n")
    read_tables(write(tmp_path / "leads.csv", LEADS), signals, progress=lambda *step: told.append(step))
    assert told == [("reading signals", 100, 100), ("reading leads", 100, 100)]


def test_dots_that_set_off_thousands_are_read_so_by_the_model_too(tmp_path, write):
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


def test_a_field_map_that_names_no_column_is_told(tmp_path, write):
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


def test_columns_read_as_missing_are_named(tmp_path, write):
    lead = write(tmp_path / "a.csv", "lead_id,contacted_at,persona\nL1,2025-02-01T09:30:00Z,vp\n")
    saved = Schema({"persona": "category", "staff": "number", "notes": "text", "email": "identifier"})
    tables = read_tables(lead, schema=saved, labelled=False, allow_missing_columns=True)
    assert f"{lead}: columns it lacks, read as missing: staff, notes" in tables.account.lines()
    whole = read_tables(lead, schema=Schema({"persona": "category"}), labelled=False)
    assert not any("lacks" in line for line in whole.account.lines())


def test_a_file_of_which_no_column_is_known_is_refused(tmp_path, write):
    lead = write(tmp_path / "a.csv", "a,b\n1,2\n")
    saved, how = Schema({"persona": "category"}), {"labelled": False, "as_of_now": True, "allow_missing_columns": True}
    with pytest.raises(InputError, match=r"a.csv: none of its columns \(a, b\) is known; it needs a lead_id .*persona"):
        read_tables(lead, schema=saved, **how)
    for text in ("lead_id,b\nL1,2\n", "a,Persona\n1,vp\n", "a,Email\n1,x@example.com\n"):
        assert len(read_tables(write(tmp_path / "b.csv", text), schema=saved, **how)) == 1
