"""Whom a draft goes to: the name and the email of a lead, from whichever of its columns and rows has them."""

from pathlib import Path

from tinyscout.leads import LeadTables, Schema, read_tables


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


def test_what_is_not_there_is_no_column_and_no_row_is_another_for_it(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,persona,mail\na,2025-01-01,vp,a@x.example\na,2025-01-01,vp,b@x.example\n"
    tables = read(tmp_path, text)
    assert len(tables) == 1 and "recipient_name" not in tables.leads
    assert tables.schema.profile == ["persona"]
