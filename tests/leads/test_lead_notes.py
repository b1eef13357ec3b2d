"""A column of notes of the leads themselves is heard before anybody is written to, whatever the model knows of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tinyscout.leads import FieldMap, Schema, read_tables
from tinyscout.leads.lead_notes import find_notes, note_forbids
from tinyscout.leads.same_person import read_as_one

NOTES = {
    "wants to be left in peace": "asked to be left alone (Notes is wants to be left in peace)",
    "Kein Interesse": "said no, by a note (Notes is Kein Interesse)",
    "went bankrupt": "said to be insolvent: read it yourself (Notes is went bankrupt)",
    "Met at the fair, likes maps": "",
    "": "",
}


def read(tmp_path: Path, column: str = "Notes", name: str = "generic", **options):
    first = "Record ID,First outreach date" if name == "hubspot" else "lead_id,contacted_at"
    rows = [f'{i},2025-01-01,"{note}",{i}@x.example' for i, note in enumerate(NOTES)]
    (tmp_path / "leads.csv").write_text("\n".join([f"{first},{column},Email", *rows]) + "\n", encoding="utf-8")
    options = {"as_of_now": True, "observed_until": "2025-02-01", "field_map": FieldMap.load(name)} | options
    return read_tables(tmp_path / "leads.csv", labelled=False, **options)


@pytest.mark.parametrize(("column", "name"), [("Notes", "generic"), ("Notes", "hubspot")])
def test_what_a_note_says_forbids_a_message(tmp_path: Path, column: str, name: str) -> None:
    tables = read(tmp_path, column, name)
    assert tables.leads["notes_forbid"].tolist() == list(NOTES.values())
    assert tables.leads["columns_said"].tolist() == [f'{column}: "{note}"' if note else "" for note in NOTES]
    assert tables.account.notes["refusals are also heard in"] == "Notes"


@pytest.mark.parametrize(
    ("value", "forbids", "shown"),
    [
        ("not interested, do not contact again", "asked to be left alone", True),
        ("Not interested", "said no, by a note", True),
        ("kein Interesse", "said no, by a note", True),
        ("No", "", True),  # to what?
        ("likes maps", "", True),
        ("https://x.example/no-thanks", "", False),
        ("2026-12-02", "", False),
        ("a17b", "", False),
    ],
)
def test_words_in_a_column_that_nothing_reads_are_heard_and_shown(
    tmp_path: Path, value: str, forbids: str, shown: bool
) -> None:
    text = f'lead_id,contacted_at,persona,Rep says\n1,2025-01-01,vp,"{value}"\n2,2025-01-01,vp,\n'
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    how = {"labelled": False, "as_of_now": True, "observed_until": "2025-02-01"}
    tables = read_tables(tmp_path / "leads.csv", schema=Schema({"persona": "category"}), **how)
    named = tables.account.notes["columns that are shown, and heard for refusals"]
    assert named == "Rep says"
    assert tables.leads["notes_forbid"].tolist() == [f"{forbids} (Rep says is {value})" if forbids else "", ""]
    assert tables.leads["columns_said"].tolist() == [f'Rep says: "{value}"' if shown else "", ""]
    known = read_tables(tmp_path / "leads.csv", schema=Schema({"persona": "category", "Rep says": "category"}), **how)
    assert "notes_forbid" not in known.leads  # a column that the model knows is no note


def test_what_all_leads_have_in_a_column_that_nothing_reads_is_not_shown(tmp_path: Path) -> None:
    rows = [f"{i},2025-01-01,Yes,{'ours' if i % 2 else 'theirs'}" for i in range(20)]
    text = "\n".join(["lead_id,contacted_at,Imported,Pool", *rows])
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    how = {"labelled": False, "as_of_now": True, "observed_until": "2025-02-01"}
    tables = read_tables(tmp_path / "leads.csv", schema=Schema({}), **how)
    assert set(tables.leads["columns_said"]) == {'Pool: "ours"', 'Pool: "theirs"'}


def test_nothing_is_read_where_leads_are_to_be_learnt_from(tmp_path: Path) -> None:
    assert "notes_forbid" not in read(tmp_path, as_of_now=False).leads
    assert "notes_forbid" not in read(tmp_path, "Colour").leads


def test_every_column_of_one_name_is_read(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,notes,notes\na,2025-01-01,likes maps,please leave me alone\n"
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01")
    assert tables.leads["notes_forbid"].str.startswith("asked to be left alone (notes (2) is").all()


def test_our_own_tasks_are_shown_and_not_heard(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,Notes,Next step\na,2025-01-01,likes maps,find out why they are not interested\n"
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    leads = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01").leads
    assert leads["notes_forbid"].tolist() == [""]
    assert leads["columns_said"].tolist() == ['Notes: "likes maps" | Next step: "find out why they are not interested"']


def test_what_all_records_of_a_person_say_is_shown(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,Notes,Email\na,2025-01-01,likes maps,a@x.example\nb,2025-01-01,has a dog,a@x.example\n"
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01")
    assert set(read_as_one(tables).leads["columns_said"]) == {'Notes: "likes maps" | Notes: "has a dog"'}


def test_stages_and_titles_are_shown_too(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,Status,Job Title\na,2025-01-01,With legal,CEO\n"
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01")
    assert tables.leads["columns_said"].tolist() == ['Status: "With legal" | Job Title: "CEO"']


def test_all_notes_of_a_lead_are_said_once(tmp_path: Path) -> None:
    rows = [
        "a,2025-01-01,likes maps,",
        "a,2025-01-05,has a dog,likes maps",
        "a,2025-01-09,likes maps,",
        "b,2025-01-01,,",
    ]
    text = "\n".join(["lead_id,contacted_at,Notes,Comment", *rows]) + "\n"
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01")
    said = dict(zip(tables.leads["lead_id"], tables.leads["columns_said"], strict=True))
    assert said == {"a": 'Notes: "likes maps" | Notes: "has a dog" | Comment: "likes maps"', "b": ""}


def test_a_note_holds_for_all_records_of_a_person(tmp_path: Path) -> None:
    tables = read(tmp_path)
    one = read_as_one(type(tables)(tables.leads.assign(recipient_email="ann@x.example"), *_rest(tables)))
    assert (one.leads["notes_forbid"] != "").all()


def _rest(tables):
    return tables.signals, tables.offsets, tables.schema, tables.account


@pytest.mark.parametrize("column", ["Notes", "notes", "Lead Notes", "Description", "Message", "Bemerkung", "comments"])
def test_a_column_of_notes_is_known_by_its_name(column: str) -> None:
    assert list(find_notes([column, "Denotes", "Message ID", "Industry"]).values()) == [column]


def test_a_plain_note_forbids_nothing() -> None:
    assert note_forbids("Bounced ideas around with him, loved the calendar sync.") == ""


def test_who_asks_for_no_notes_compiles_no_pattern_of_refusals() -> None:
    code = "import sys, tinyscout.leads; print('tinyscout.leads.refusals' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
