"""Customers, and whom somebody marked to be left alone, are known by their stage, however it is put."""

from pathlib import Path

import pytest

from tinyscout.leads import FieldMap, read_tables
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_stops import last_stop
from tinyscout.leads.stages import name_forbids, stage_forbids, student_title, title_forbids

CUSTOMER = [
    *("Customer", "customer", "Closed won", "closedwon", "Closed - Won", "WON", "Existing client", "Bestandskunde"),
    *("Client - Non-profit", "Customer - past due", "Kunden", "Customers", "Contract signed"),
]
LEFT_ALONE = [
    *(
        "Do not contact",
        "DO_NOT_CONTACT",
        "DNC",
        "Unsubscribed",
        "Not interested",
        "Refused",
        "Bounced",
        "Left company",
    ),
    *("Blocklisted", "On blocklist", "Deceased", "Spam", "Disqualified", "Unqualified", "Bad fit", "No longer there"),
    *(
        "BAD_TIMING",
        "On hold",
        "Wrong contact",
        "No fit",
        "Archived",
        "Lost forever",
        "Gesperrt",
        "Kein Bedarf",
        "Competitor",
    ),
    *("Don't contact", "Do not mail", "DoNotContact", "NotInterested", "No contact", "Never contact", "Said no"),
    *("Uninterested", "Requested removal", "Hard bounce", "Nicht interessiert", "Pas int\u00e9ress\u00e9", "Absage"),
    "won't buy",
]
IN_TALKS = [
    *("Negotiation", "in negotiation with Nadia", "In talks with Tom", "Contract sent", "Legal review", "Verhandlung"),
]
OTHERS = [
    *(
        "Lead",
        "Negotiation lost",
        "Lost to competitor",
        "Uses competitor",
        "Not in negotiation",
        "Lost - Negotiation",
        "Pre-negotiation",
        "Architecture",
        "In contact",
        "Former customer, contract signed 2019",
        "Open deal",
        "Former customer",
        "Churned customer",
        "Closed lost",
        "not won",
    ),
    *("", "Wonder", "Potential customer", "Not yet a customer", "Waiting for client", "Client review", "Interested"),
    *("Customer (churned)", "Qualified", "In progress", "Held on Monday", "Company left a message", "No"),
    *("No contact yet", "No contact made", "PhD", "iPhone sale"),
]


@pytest.mark.parametrize("value", [*CUSTOMER, *LEFT_ALONE, *IN_TALKS, *OTHERS])
def test_a_stage_tells_who_gets_no_message(value: str) -> None:
    said = dict.fromkeys(CUSTOMER, "a customer already") | dict.fromkeys(LEFT_ALONE, "to be left alone by its stage")
    said |= dict.fromkeys(IN_TALKS, "in talks already by its stage")
    assert stage_forbids(value) == said.get(value, "")


@pytest.mark.parametrize("column", ["Lifecycle Stage", "Lead Status", "Stage", "deal_stage"])
@pytest.mark.parametrize("name", ["generic", "hubspot"])
def test_what_one_row_says_holds_for_its_lead(tmp_path: Path, column: str, name: str) -> None:
    rows = ["a,2025-01-01,Customer", "a,2025-02-01,", "b,2025-01-01,Open deal"]
    first = "Record ID,First outreach date" if name == "hubspot" else "lead_id,contacted_at"
    (tmp_path / "leads.csv").write_text("\n".join([f"{first},{column},Email", *(f"{row},x" for row in rows)]), "utf-8")
    options = {"field_map": FieldMap.load(name), "labelled": False}
    tables = read_tables(tmp_path / "leads.csv", as_of_now=True, **options)
    said = f"a customer already ({column} is Customer)"
    assert dict(zip(tables.leads["lead_id"], tables.leads["stage_forbids"], strict=True)) == {"a": said, "b": ""}
    assert "stage_forbids" not in read_tables(tmp_path / "leads.csv", **options).leads


@pytest.mark.parametrize(
    "name", ["Anna (left the company)", "Keller - DO NOT MAIL", "Jo Doe [deceased]", "Bo, opted out"]
)
def test_a_name_may_say_that_somebody_is_to_be_left_alone(name: str) -> None:
    assert name_forbids(name) == "to be left alone by its name"


@pytest.mark.parametrize("name", ["Test", "test test", "Test Lead 2", "Dummy Contact", "TEST-user"])
def test_a_name_may_be_that_of_a_test_record(name: str) -> None:
    assert name_forbids(name) == "a test record by its name"


@pytest.mark.parametrize(
    "name", ["", "Testa Rossi", "Anna Test", "Anna Kunde", "Bob Left", "Dee Client", "Don Ott", "Ana No", "Spam Dead"]
)
def test_a_plain_name_says_nothing_of_the_kind(name: str) -> None:
    assert name_forbids(name) == ""


TITLES = {
    **dict.fromkeys(
        ("DO NOT CONTACT", "COO (left the company)", "Deceased", "ex-Head of Sales (left 08/2026)"),
        "to be left alone by its job title",
    ),
    **dict.fromkeys(
        ("Former COO", "ex-CEO", "Ehemaliger Vorstand", "Retired CFO", "formerly VP"), "no longer in that job"
    ),
    **dict.fromkeys(
        (
            "",
            "COO",
            "Former CEO, investor",
            "Executive",
            "Export manager",
            "Exec",
            "Left back office manager",
            "Ex-founder | now CTO",
            "EX Manager",
            "Former CTO; board member",
            "Ex. Director",
            "Former Navy officer turned founder",
        ),
        "",
    ),
}


@pytest.mark.parametrize("title", TITLES)
def test_a_job_title_may_say_that_nobody_is_there_to_write_to(title: str) -> None:
    assert title_forbids(title) == TITLES[title]


@pytest.mark.parametrize("column", ["Job Title", "jobtitle", "Position"])
def test_job_titles_are_read_beside_the_stages(tmp_path: Path, column: str) -> None:
    rows = ["a,Former COO,Lead", "b,COO,Lead", "c,COO,Customer"]
    (tmp_path / "leads.csv").write_text("\n".join([f"lead_id,{column},Lead Status", *rows]), "utf-8")
    tables = read_tables(tmp_path / "leads.csv", as_of_now=True, labelled=False)
    said = dict(zip(tables.leads["lead_id"], tables.leads["stage_forbids"], strict=True))
    former = f"no longer in that job ({column} is Former COO)"
    assert said == {"a": former, "b": "", "c": "a customer already (Lead Status is Customer)"}


@pytest.mark.parametrize("title", ["Student", "PhD student", "Working Student", "Student at ETH", "Werkstudentin"])
def test_a_student_by_its_title(tmp_path: Path, title: str) -> None:
    assert student_title(title) == "a student"
    rows = ["lead_id,contacted_at,Job Title", f"a,2025-01-01,{title}", "b,2025-01-02,Founder"]
    (tmp_path / "leads.csv").write_text("\n".join(rows) + "\n", "utf-8")
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True, observed_until="2025-02-01")
    assert dict(zip(tables.leads["lead_id"], tables.leads["student_by"], strict=True)) == {"a": "Job Title", "b": ""}
    stops = [last_stop(FactBook(tables), row) for row in range(2)]
    assert [stop and stop.reason for stop in stops] == ["a student, who is not here to buy", None]


@pytest.mark.parametrize("title", ["", "Student Advisor", "Head of Student Services", "Professor of Students"])
def test_who_only_works_with_students_is_none(title: str) -> None:
    assert student_title(title) == ""
