"""Leads with one email address: what is known of one holds for all, and one of them is written to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinyscout.leads import LeadTables, read_tables
from tinyscout.leads.outreach_allowed import Reply, Talk
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_stops import last_stop
from tinyscout.leads.same_person import MOST, read_as_one

HEAD = "lead_id,persona,Name,email,Email opt-in,lead_status,contacted_at,replied_at\n"
ANN = [
    "a,vp,Ann Lee,ann@x.example,yes,,2025-01-05,\n",
    'b,vp,"Lee, Ann",Ann <Ann+crm@X.example>,yes,,2025-02-05,\n',
    "c,vp,,ANN@x.example,yes,,,\n",
    "d,vp,Bo Ek,bo@x.example,yes,,2025-01-02,\n",
    "e,vp,,,yes,,,\n",
    "f,vp,,,yes,,,\n",
]
SEEN = [("b", "pricing_page", 20), ("a", "unsubscribe", 10), ("d", "demo_request", 12), ("c", "webinar", 15)]


@pytest.fixture
def read(tmp_path: Path):
    def made(rows: list[str], signals: list[tuple[str, str, int]]) -> LeadTables:
        lines = [f"{lead},2025-03-{day:02d} 10:00,{kind}\n" for lead, kind, day in signals]
        (tmp_path / "leads.csv").write_text(HEAD + "".join(rows), encoding="utf-8")
        (tmp_path / "signals.csv").write_text("lead_id,at,kind\n" + "".join(lines), encoding="utf-8")
        files = tmp_path / "leads.csv", tmp_path / "signals.csv"
        tables = read_tables(*files, labelled=False, as_of_now=True, observed_until="2025-04-01")
        return tables.take(tables.leads["lead_id"].argsort().to_numpy())

    return made


def kinds(tables: LeadTables) -> dict[str, list[str]]:
    own = zip(tables.offsets[:-1], tables.offsets[1:], strict=True)
    found = [tables.signals["kind"].iloc[start:end].astype(str).tolist() for start, end in own]
    return dict(zip(tables.leads["lead_id"], found, strict=True))


def test_leads_with_one_address_have_each_others_signals_and_the_first_in_order_may_be_written_to(read) -> None:
    tables = read(ANN, SEEN)
    found = read_as_one(tables, np.array([1, 3, 0, 2, 4, 5]))
    hers = ["unsubscribe", "webinar", "pricing_page"]
    assert kinds(found) == {"a": hers, "b": hers, "c": hers, "d": ["demo_request"], "e": [], "f": []}
    assert (np.diff(found.signals["row"]) >= 0).all() and len(found.signals) == found.offsets[-1] == 10
    for row in range(3):
        ages = found.signals["age_hours"].iloc[found.offsets[row] : found.offsets[row + 1]]
        assert ages.tolist() == [24 * 23 - 10, 24 * 18 - 10, 24 * 13 - 10]  # to the end of April 1st
    assert found.leads["same_person"].tolist() == ["leads b, c", "leads a, c", "leads b, a", "", "", ""]
    comes_first = "is one with a lead that comes first: lead b has its address"
    assert found.leads["same_person_forbids"].tolist() == [comes_first, "", comes_first, "", "", ""]
    assert found.leads["earlier_contact"].dt.month.tolist()[:4] == [2, 2, 2, 1]
    assert tables.leads["earlier_contact"].dt.month.tolist()[:2] == [1, 2]
    assert read_as_one(found) is found
    stop = last_stop(FactBook(found), 1)
    assert stop is not None and stop.reason == "unsubscribed"
    assert last_stop(FactBook(tables), 1) is None and last_stop(FactBook(found), 3) is None


def test_what_a_column_of_one_forbids_and_its_reply_hold_for_the_other(read) -> None:
    no, won, replied = ANN[0].replace("yes", "no"), ANN[1].replace("yes,,", "yes,Closed won,"), ANN[2].rstrip("\n")
    found = read_as_one(read([no, won, f"{replied}2025-03-01\n", *ANN[3:]], SEEN[1:])).leads
    assert found["no_consent_email"].tolist() == ["Email opt-in is no"] * 3 + [""] * 3
    assert found["stage_forbids"].tolist() == ["a customer already (lead_status is Closed won)"] * 3 + [""] * 3
    assert found["earlier_reply"].tolist() == ["2025-03-01"] * 3 + [""] * 3
    assert found["earlier_reply_at"].notna().tolist() == [True] * 3 + [False] * 3


def test_the_latest_reply_counts_and_one_without_a_date_is_better_than_none(read) -> None:
    rows = [ANN[0].rstrip("\n") + "yes\n", ANN[1], *ANN[3:]]
    found = read_as_one(read(rows, SEEN)).leads
    assert found["earlier_reply"].tolist()[:3] == ['replied_at is "yes"'] * 2 + [""]
    rows[1] = ANN[1].rstrip("\n") + "2025-03-01\n"
    tables = read_as_one(read(rows, SEEN))
    assert tables.leads["earlier_reply"].tolist()[:3] == ["2025-03-01"] * 2 + [""]
    book = FactBook(tables)
    assert [Reply.of(tables, row, book, Talk.of(book, row)).said for row in range(3)] == ["2025-03-01"] * 2 + [""]


def test_under_two_names_or_for_many_an_address_is_nobodys(read) -> None:
    found = read_as_one(read([ANN[0], ANN[1].replace("Ann", "Bea", 1), *ANN[3:]], SEEN))
    other = "has an address that another lead has under another name: see whose it is"
    assert found.leads["same_person_forbids"].tolist() == [other, other, "", "", ""]
    assert kinds(found)["b"] == ["unsubscribe", "pricing_page"]  # who opted out of an address did, whoever it was
    many = [f"{number:03d},vp,,none@x.example,yes,,,\n" for number in range(MOST + 1)]
    found = read_as_one(read([*many, *ANN[3:]], [("000", "webinar", 3), ("d", "webinar", 4)]))
    assert found.leads["same_person_forbids"].iloc[0] == "has an address that 21 leads have: see whose it is"
    assert kinds(found)["001"] == [] and found.leads["same_person"].iloc[0] == ""
    assert not read_as_one(read([*many[:MOST], *ANN[3:]], SEEN[2:3])).leads["same_person_forbids"].iloc[0]


def test_a_name_may_be_longer_or_missing_and_a_mark_in_one_stops_all(read) -> None:
    rows = [ANN[0], ANN[1].replace('"Lee, Ann"', "Dr. Ann M. Lee"), ANN[2], *ANN[3:]]
    assert read_as_one(read(rows, SEEN)).leads["same_person_forbids"].tolist()[0] == ""
    rows[1] = ANN[1].replace('"Lee, Ann"', "Ann (left the company)")
    said = "to be left alone by its name (Ann (left the company))"
    assert read_as_one(read(rows, SEEN)).leads["same_person_forbids"].tolist()[:4] == [said] * 3 + [""]


def test_whose_an_address_is_does_not_matter_to_linkedin(read) -> None:
    rows = [ANN[0], ANN[1].replace("Ann", "Bea", 1), ANN[2], *ANN[3:]]
    found = read_as_one(read(rows, SEEN), by="linkedin")
    assert set(found.leads["same_person_forbids"]) == {""} and kinds(found)["b"] == ["pricing_page"]
    assert read_as_one(read(ANN, SEEN), by="linkedin").leads["same_person_forbids"].iloc[1] != ""


def test_a_profile_is_as_old_as_its_own_contact(read) -> None:
    found = read_as_one(read(ANN, SEEN))
    assert found.leads["own_contact"].dt.month.tolist()[:2] == [1, 2]
    book = FactBook(found)
    assert book.since_contact[0] == book.since_contact[1] == book.since_own_contact[1] < book.since_own_contact[0]


@pytest.mark.parametrize(
    "cell", ['"ann@x.example"', "<ann@x.example>", "ann@x.example.", "(Ann@X.EXAMPLE)", "ann+a+b@x.example"]
)
def test_an_address_is_known_whatever_stands_around_it(read, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    found = read_as_one(read([ANN[0], f"z,vp,,{quoted},yes,,,\n"], SEEN[:1]))
    assert found.leads["same_person"].tolist() == ["lead z", "lead a"]


def test_another_contact_of_a_lead_is_no_other_lead(read) -> None:
    tables = read(ANN, SEEN)
    twice = tables.take(np.array([0, 0, 3]))
    leads = twice.leads.assign(contact_id=["a", "a#2", "d"])
    found = read_as_one(replace(twice, leads=leads))
    assert found.leads["same_person_forbids"].tolist() == ["", "", ""] and kinds(found)["a"] == ["unsubscribe"]
    three = tables.take(np.array([0, 0, 1]))
    found = read_as_one(replace(three, leads=three.leads.assign(contact_id=["a", "a#2", "b"])))
    assert kinds(found) == {"a": ["unsubscribe", "pricing_page"], "b": ["unsubscribe", "pricing_page"]}
    said = "is one with a lead that comes first: lead a has its address"
    assert found.leads["same_person_forbids"].tolist() == ["", "", said]


def test_tables_without_addresses_come_back_as_they_are(small_tables: LeadTables) -> None:
    assert read_as_one(small_tables) is small_tables
