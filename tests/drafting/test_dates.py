"""Dates without a clock: so many days ago, no message that says more, and a note on what lies ahead."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tinyscout.errors import ArgumentError
from tinyscout.leads import LeadTables, read_tables
from tinyscout.leads.outreach_allowed import Reply, Talk
from tinyscout.leads.outreach_dates import ago
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_instructions import Instruction

DAYS = {"a": 0, "b": 1, "c": 2, "d": 30, "e": 60, "f": 61}
"""How many days before the last of all, the 22nd of November 2024, something was."""


def date(days: int) -> str:
    return f"{pd.Timestamp('2024-11-22') - pd.Timedelta(days=days):%Y-%m-%d}"


@pytest.fixture
def dated(tmp_path: Path) -> Callable[..., LeadTables]:
    """Leads a, b, c, ... contacted and seen so many days ago, read as of now; clock: added to the dates of signals."""

    def read(clock: str = "", **options) -> LeadTables:
        leads = pd.DataFrame({"lead_id": list(DAYS), "contacted_at": [date(days) for days in DAYS.values()]})
        leads["replied_at"] = options.pop("replied_at", "")
        leads["industry"] = "logistics"
        leads.to_csv(tmp_path / "leads.csv", index=False)
        seen = {"lead_id": list(DAYS), "at": [date(days) + clock for days in DAYS.values()], "kind": "docs_visit"}
        pd.DataFrame(seen).to_csv(tmp_path / "signals.csv", index=False)
        files = (tmp_path / "leads.csv", tmp_path / "signals.csv")
        schema = read_tables(*files, labelled=False, as_of_now=True).schema
        days_only = replace(schema, has_hour=False)  # of a model that knows days only
        return read_tables(*files, labelled=False, as_of_now=True, schema=days_only, **options)

    return read


def test_what_was_read_as_of_its_contact_is_not_written_to(small_scout, tmp_path: Path, drawing, bare: str) -> None:
    leads = pd.DataFrame({"lead_id": ["a", "b"], "contacted_at": ["2024-06-01T10:00:00", "2024-06-02T10:00:00"]})
    seen = pd.DataFrame({"lead_id": ["a", "b"], "at": "2024-05-20T10:00:00", "kind": "docs_visit", "text": ""})
    late = seen.head(1).assign(at="2024-06-05T10:00:00", kind="unsubscribe")
    how, files = Instruction("email", "warm", "short"), (tmp_path / "leads.csv", tmp_path / "signals.csv")

    def written(signals: pd.DataFrame, **options) -> list[str]:
        leads.assign(replied_at="").to_csv(files[0], index=False)
        signals.to_csv(files[1], index=False)
        found = small_scout.write(read_tables(*files, **options), how, writer=drawing(bare))
        assert not any(each.consent_checked for each in found)
        return [each.why_not for each in found]

    for options in ({"labelled": False}, {}):
        with pytest.raises(ArgumentError, match=r"of their contacts, 1 signals since .*as_of_now=True"):
            written(pd.concat([seen, late]), **options)
        assert len(written(seen, **options)) == 2
    assert written(pd.concat([seen, late]), labelled=False, as_of_now=True)[0] == "unsubscribed (signal unsubscribe)"


@pytest.mark.parametrize("clock", ["", "T15:30:00"])
def test_a_date_is_so_many_days_old(dated, clock: str) -> None:
    tables = dated(clock)
    book = FactBook(tables)
    rows = {lead: row for row, lead in enumerate(tables.leads["lead_id"])}
    facts = {lead: [(fact.value, fact.when) for fact in book.of(row).deeds] for lead, row in rows.items()}
    assert facts["a"] == [("today", "in the last day")] and facts["c"] == [("2 days ago", "a few days ago")]
    assert facts["b"] == []  # yesterday: neither in the last day for sure, nor a few days ago
    assert facts["d"] == [("30 days ago", "about a month ago")]
    assert {lead: book.since_contact[row] / 24 for lead, row in rows.items()} == DAYS


def test_a_follow_up_waits_two_days_of_the_calendar(small_scout, dated, drawing) -> None:
    tables = dated()
    how = Instruction("follow_up", "warm", "short")
    found = small_scout.write(tables, how, writer=drawing(""))
    why = {each.lead_id: each.why_not for each in found}
    assert why["a"] == "too soon to follow up: contacted today, less than 2 days"
    assert why["b"] == "too soon to follow up: contacted yesterday, less than 2 days"
    assert why["c"] == why["d"] == why["e"] == ""
    assert why["f"] == "too late to follow up: contacted 61 days ago, more than 60"


def test_a_reply_of_a_date_is_so_many_days_old(dated) -> None:
    tables = dated(replied_at=[date(days) for days in DAYS.values()])
    book = FactBook(tables)
    for row, lead in enumerate(tables.leads["lead_id"]):
        assert Reply.of(tables, row, book, Talk.of(book, row)).hours == 24 * DAYS[lead]


def test_what_has_a_clock_is_counted_by_it(small_tables, signals_of) -> None:
    book = FactBook(signals_of(small_tables, (47.6, "docs_visit", None), (30, "outreach_email", None)))
    assert book.ages.tolist() == pytest.approx([47.6, 30]) and not book.by_day.any() and book.ago(0) == "48 h ago"


def test_ages_in_numbers() -> None:
    assert [ago(hours, True) for hours in (0, 24, 48, 24_000)] == ["today", "yesterday", "2 days ago", "1,000 days ago"]
    said = {0.4: "less than an hour ago", 1: "1 hour ago", 1.9: "1 hour ago", 2: "2 hours ago", 47.9: "47 hours ago"}
    assert {hours: ago(hours, False) for hours in said} == said


PLANNED = "dated after today, by this computer's clock"


@pytest.mark.parametrize("when", ["2999-12-05", "2999-12-05T10:00:00Z"])
def test_what_is_planned_does_not_move_today(dated, tmp_path: Path, when: str) -> None:
    before = dated()
    assert PLANNED not in before.account.notes
    signals = pd.read_csv(tmp_path / "signals.csv")
    planned = pd.DataFrame({"lead_id": ["a"], "at": [when], "kind": ["meeting"]})
    pd.concat([signals, planned]).to_csv(tmp_path / "signals.csv", index=False)
    files = (tmp_path / "leads.csv", tmp_path / "signals.csv")
    tables = read_tables(*files, labelled=False, as_of_now=True)
    (line,) = [line for line in tables.account.lines() if line.startswith(PLANNED)]
    assert line.endswith(
        "1 of a signal, the latest 2999-12-05; planned, so it doesn't count: today is the latest of "
        "the rest, or --observed-until"
    )
    assert (tables.leads["contacted_at"] == before.leads["contacted_at"]).all() and len(tables) == len(before)
    assert "meeting" not in set(tables.signals["kind"]) and len(tables.signals) == len(before.signals)
    until = read_tables(*files, labelled=False, as_of_now=True, observed_until="2024-11-22")
    assert PLANNED not in until.account.notes
    # nor does it make labels known before their time
    assert read_tables(*files, same_day="keep").leads["label"].isna().tolist() == [False] * 3 + [True] * 3


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("unsubscribe", "", "is dated ahead of today, and no plan: read it yourself"),
        ("Email reply", "let us talk", "is dated ahead of today, and no plan: read it yourself"),
        ("Note", "not interested", "is dated ahead of today, and no plan: read it yourself"),
        ("Task", "call Ann, she was not interested last year", "a meeting, call or task is planned"),
        ("Webinar", "Stop calling: no more cold calls", ""),
        ("Meeting", "kick-off", "a meeting, call or task is planned"),
        ("pricing_page", "", ""),
    ],
)
def test_nobody_plans_to_unsubscribe_or_to_reply(dated, tmp_path: Path, kind: str, text: str, said: str) -> None:
    dated()
    signals = pd.read_csv(tmp_path / "signals.csv")
    ahead = pd.DataFrame({"lead_id": ["a"], "at": ["2999-12-05"], "kind": [kind], "text": [text]})
    pd.concat([signals, ahead]).to_csv(tmp_path / "signals.csv", index=False)
    leads = read_tables(tmp_path / "leads.csv", tmp_path / "signals.csv", labelled=False, as_of_now=True).leads
    found = dict(zip(leads["lead_id"], leads["ahead_forbids"], strict=True)) if "ahead_forbids" in leads else {}
    assert found.get("a", "") == (f"{said} (2999-12-05, signal {kind})" if said else "")
    assert not any(why for lead, why in found.items() if lead != "a")


@pytest.mark.parametrize(
    ("kind", "text", "heard"),
    [("unsubscribe", "", True), ("Note", "not interested", True), ("pricing_page", "", False), ("Call", "nice", False)],
)
def test_who_unsubscribed_on_a_day_that_cannot_be_read_is_for_a_person(dated, tmp_path, kind, text, heard) -> None:
    dated()
    signals = pd.read_csv(tmp_path / "signals.csv")
    bad = pd.DataFrame(
        {"lead_id": [" a ", "b"], "at": ["soon", ""], "kind": [kind, "pricing_page"], "text": [text, ""]}
    )
    pd.concat([signals, bad]).to_csv(tmp_path / "signals.csv", index=False)
    files = (tmp_path / "leads.csv", tmp_path / "signals.csv")
    leads = read_tables(*files, labelled=False, as_of_now=True, skip_bad_rows=True).leads
    found = dict(zip(leads["lead_id"], leads["ahead_forbids"], strict=True)) if "ahead_forbids" in leads else {}
    said = f"is of a day that can't be read: read it yourself (signal {kind})"
    assert {lead: why for lead, why in found.items() if why} == ({"a": said} if heard else {})


def test_where_many_dates_lie_ahead_the_clock_is_not_believed(dated, tmp_path: Path) -> None:
    dated()
    signals = pd.read_csv(tmp_path / "signals.csv").assign(at="2999-12-05")
    signals.to_csv(tmp_path / "signals.csv", index=False)
    files = (tmp_path / "leads.csv", tmp_path / "signals.csv")
    tables = read_tables(*files, labelled=False, as_of_now=True)
    assert set(tables.leads["contacted_at"].dt.year) == {2999}
    assert "6 of a signal, the latest 2999-12-05; today is counted from there" in tables.account.notes[PLANNED]
    assert "pass --observed-until 20" in tables.account.notes[PLANNED]


@pytest.mark.parametrize(
    ("days_later", "today"), [(3, "2024-11-26"), (29, "2024-12-22"), (32, "2024-11-23"), (-3, "2024-11-23")]
)
def test_a_fresh_export_is_read_as_of_today(dated, monkeypatch, days_later: int, today: str) -> None:
    clock = pd.Timestamp("2024-11-22T15:00:00Z") + pd.Timedelta(days=days_later)
    monkeypatch.setattr("tinyscout.leads.moment.clock", lambda: clock.value // 1000)
    tables = dated()
    assert {f"{at:%Y-%m-%d}" for at in tables.leads["contacted_at"]} == {today}
    given = dated(observed_until="2024-11-23")
    assert {f"{at:%Y-%m-%d}" for at in given.leads["contacted_at"]} == {"2024-11-24"}
