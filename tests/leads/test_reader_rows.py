"""Rows of an export: every one accounted for, bad ones named, repeats dropped."""

import csv
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyscout.errors import InputError
from tinyscout.leads import FieldMap, read_tables

LEADS = """lead_id,contacted_at,converted,city,employees
1,2025-01-03,1,Oslo,10
2,2025-01-01,0,Rome,"$1,200"
3,2025-01-02,no,n/a,inf
"""


def rejected_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_equal_rows_are_dropped_and_other_contacts_of_a_lead_are_kept(tmp_path, write):
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


def test_a_repeated_contact_id_is_dropped(tmp_path, write):
    text = "contact_id,lead_id,contacted_at,label\nc1,1,2025-01-01,1\nc1,1,2025-01-02,0\nc2,1,2025-01-02,0\n"
    text += "c1,1,2025-01-01,1\n"  # alike in every cell
    tables = read_tables(write(tmp_path / "a.csv", text))
    assert tables.leads["contact_id"].tolist() == ["c1", "c2"]
    assert tables.account.leads_dropped == {"duplicate row": 1, "repeated contact_id": 1}
    assert tables.account.balanced


def test_a_made_contact_id_never_meets_a_lead_of_that_name(tmp_path, write):
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
def test_a_bad_row_is_named_with_its_line_or_dropped_and_listed(tmp_path, name, write):
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
def test_bad_signals_are_named_or_dropped_alike(tmp_path, row, reason, write):
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


@settings(max_examples=40)
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


def test_a_repeated_signal_id_is_dropped_and_equal_signals_without_one_are_kept(tmp_path, write):
    leads = write(tmp_path / "leads.csv", LEADS)
    text = "lead_id,event_id,at,kind\n" + 2 * "1,e1,2024-12-31,visit\n" + 2 * "1,,2024-12-31,visit\n"
    tables = read_tables(leads, write(tmp_path / "s.csv", text))
    assert tables.account.signals_dropped["repeated signal_id"] == 1
    assert len(tables.signals) == 3


def test_a_signal_of_several_leads_is_one_of_each(tmp_path, write):
    """HubSpot lists the contacts of an activity in one cell; a repeat of it is known by signal and lead."""
    leads = write(
        tmp_path / "leads.csv", "lead_id,contacted_at,label\n1,2025-02-01,0\n2,2025-02-01,1\n3,2025-02-01,0\n"
    )
    text = "lead_id,event_id,at,kind\n1;2,e1,2024-12-31,visit\n 2 ; 1;,e1,2024-12-31,visit\n;,e2,2024-12-31,visit\n"
    signals = write(tmp_path / "s.csv", text + "3,e3,2024-12-30,call\n")
    with pytest.raises(InputError, match=r"line 4.* has no lead_id"):
        read_tables(leads, signals)
    tables = read_tables(leads, signals, skip_bad_rows=True)
    of = tables.leads["lead_id"].to_numpy()[tables.signals["row"]]
    assert sorted(zip(of, tables.signals["kind"], strict=True)) == [("1", "visit"), ("2", "visit"), ("3", "call")]
    assert tables.account.signals_dropped["repeated signal_id"] == 2 and tables.account.balanced
    assert "(2 more)" in tables.account.notes["signals of several leads"]
    one = read_tables(leads, write(tmp_path / "one.csv", "lead_id,at,kind\n1,2024-12-31,visit\n"))
    assert "signals of several leads" not in one.account.notes


def test_a_date_that_cannot_be_read_brings_the_formats_that_were_tried(tmp_path, write):
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
