"""Whom a draft goes to: the name and the email of a lead, from whichever of its columns and rows has them."""

from dataclasses import replace
from pathlib import Path

import pytest

from tinyscout.errors import InputError
from tinyscout.leads import LeadTables, Schema, quality, read_tables
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.recipients import SEVERAL
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings


def read(folder: Path, text: str, **options) -> LeadTables:
    (folder / "leads.csv").write_text(text, encoding="utf-8")
    schema = Schema({"persona": "category"}, has_hour=False)
    return read_tables(
        folder / "leads.csv",
        schema=schema,
        labelled=False,
        observed_until="2025-06-01",
        **{"as_of_now": True} | options,
    )


def test_a_full_name_comes_before_its_parts_and_another_row_of_the_lead_helps_out(tmp_path: Path) -> None:
    text = (
        "lead_id,contacted_at,persona,Name,First Name,Surname,EMAIL\n"
        "a,2025-01-01,vp,Ann Lee,A.,L.,ann@x.example\na,2025-02-01,vp,,,,\n"
        "b,2025-01-02,vp,,Bo,Ek,n/a\nc,2025-01-03,vp,,,Cy,c@x.example\n"
    )
    found = read(tmp_path, text).leads
    columns = ["lead_id", "recipient_name", "recipient_email"]
    assert found[columns].to_numpy().tolist() == [
        ["a", "Ann Lee", "ann@x.example"],
        ["b", "Bo Ek", ""],
        ["c", "Cy", "c@x.example"],
        ["a", "Ann Lee", "ann@x.example"],
    ]
    assert not [name for name in read(tmp_path, text, as_of_now=False).leads if name.startswith("recipient")]


def test_the_last_row_of_a_lead_that_tells_stands_in_for_one_that_does_not(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,persona,email\na,2025-02-01,vp,new@x.example\na,2025-03-01,vp,\n"
    tables = read(tmp_path, text + "a,2025-01-01,vp,old@x.example\n")
    assert tables.leads["recipient_email"].tolist() == ["old@x.example", "new@x.example", "new@x.example"]


def test_what_is_not_there_is_no_column_and_no_row_is_another_for_it(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,persona,mail\na,2025-01-01,vp,a@x.example\na,2025-01-01,vp,b@x.example\n"
    tables = read(tmp_path, text)
    assert len(tables) == 1 and "recipient_name" not in tables.leads
    assert tables.schema.profile == ["persona"]


def test_one_id_of_two_names_and_addresses_is_of_several_people(tmp_path: Path) -> None:
    rows = ["a,2025-01-01,Marta M,m@x.example", "a,2025-01-02,Bob O,b@x.example"]  # two people
    rows += ["b,2025-01-01,Ann Lee,ann@x.example", "b,2025-01-02,Dr. Ann Lee,lee@x.example", "b,2025-01-03,,"]  # one
    rows += ["c,2025-01-01,Ann Lee,ann@x.example", "c,2025-01-02,Bo Lee,Bo <ann+news@x.example>"]  # one address
    tables = read(
        tmp_path, "\n".join(["lead_id,contacted_at,name,email,persona", *(f"{row},vp" for row in rows)]) + "\n"
    )
    said = dict(zip(tables.leads["lead_id"], tables.leads["several_people"], strict=True))
    assert said == {"a": SEVERAL, "b": "", "c": ""}


def test_who_has_a_row_that_cannot_be_read_is_for_a_person(tmp_path: Path) -> None:
    rows = ["a,2025-01-01,a@x.example", "a,soon,", "b,2025-01-01,b@x.example", "c,2025-01-01,Bo <C+1@x.example>"]
    rows += [",2025-01-01,c@x.example", "d,2025-01-01,", ",2025-01-02,"]
    text = "\n".join(["lead_id,contacted_at,email,persona", *(f"{row},vp" for row in rows)]) + "\n"
    leads = read(tmp_path, text, skip_bad_rows=True).leads
    said = "has another row, which can't be read: {} line {}"
    why = [said.format(tmp_path / "leads.csv", 3), "", said.format(tmp_path / "leads.csv", 6), ""]
    assert dict(zip(leads["lead_id"], leads["rejected_row"], strict=True)) == dict(zip("abcd", why, strict=True))
    assert "rejected_row" not in read(tmp_path, "lead_id,contacted_at,email,persona\na,2025-01-01,,vp\n").leads
    flat = "contacted_at,email,persona\n2025-01-01,a@x.example,vp\nsoon,A@x.example,vp\n2025-01-01,b@x.example,vp\n"
    leads = read(tmp_path, flat, skip_bad_rows=True).leads
    assert leads["rejected_row"].tolist() == [said.format(tmp_path / "leads.csv", 3), ""]


PEOPLE = ["First Name", "surname", "Full-Name", "Name", "E-Mail Address", "work_email"]


def export(folder: Path) -> Path:
    """300 leads with an outcome; four of five who are called Ann replied, and one of five who are called Bo."""
    lines = [",".join(["lead_id", "contacted_at", "converted", "persona", *PEOPLE])]
    for i in range(300):
        who = ["Ann" if (i % 2 == 1) != (i % 5 == 0) else "Bo"] * len(PEOPLE)
        lines.append(f"L{i},2025-01-{1 + i // 12:02d},{i % 2},{('vp', 'founder', 'cto')[i % 3]}," + ",".join(who))
    (folder / "leads.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "leads.csv"


def test_no_model_learns_from_names_and_addresses(tmp_path: Path, small_settings: ScoutSettings) -> None:
    tables = read_tables(export(tmp_path))
    assert tables.schema.profile == ["persona"]
    assert list(tables.schema.left_out) == PEOPLE
    assert "left out: First Name (whom a message goes to)" in quality.render(quality.report(tables))
    scout = Scout.fit(tables, small_settings.model_copy(update={"minimum_repliers": 100_000}))
    unnamed = read_tables(export(tmp_path), schema=scout.schema, labelled=False)
    assert not set(PEOPLE) & set(unnamed.leads)  # what a model does not use is not read
    now = read_tables(export(tmp_path), schema=scout.schema, labelled=False, as_of_now=True)
    assert now.leads["recipient_name"].iloc[0] == "Ann"
    with pytest.raises(InputError, match='names "First Name"'):
        scout.write(now, Instruction("email", "friendly", "medium"), mention=["First Name"])


def test_a_model_that_learned_from_names_once_is_still_served_and_no_draft_speaks_of_them(
    tmp_path: Path, small_settings: ScoutSettings
) -> None:
    tables = read_tables(export(tmp_path))
    learned = replace(tables, schema=replace(tables.schema, left_out={}))
    assert "First Name" in learned.schema.profile
    Scout.fit(learned, small_settings.model_copy(update={"minimum_repliers": 100_000})).save(tmp_path / "old")
    scout = Scout.load(tmp_path / "old")
    again = read_tables(export(tmp_path), schema=scout.schema, labelled=False)
    ann = (again.leads["First Name"] == "Ann").to_numpy()
    chance = scout.predict(again)
    assert 100 < ann.sum() < 200 and chance[ann].min() > chance[~ann].max()
    now = read_tables(export(tmp_path), schema=scout.schema, labelled=False, as_of_now=True)
    with pytest.raises(InputError, match='names "First Name"'):
        scout.write(now, Instruction("email", "friendly", "medium"), mention=["First Name"])
