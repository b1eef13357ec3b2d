"""Who replied already, read as of now: all that the columns of an outcome say counts, the latest of a lead holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import FieldMap, LeadTables, read_tables

LEADS = """lead_id,contacted_at,persona,Reply Date,Reply Sentiment,Converted
a,2025-01-01T10:00:00,vp,2025-01-03T09:00:00,Positive,
a,2025-02-01T10:00:00,vp,2025-04-03T09:00:00,not now,
b,2025-01-02T10:00:00,vp,,,1
c,2025-01-03T10:00:00,founder,,,0
d,2025-01-04T10:00:00,vp,2025-01-05T09:00:00,,
e,2025-01-05T10:00:00,vp,,interested,
f,2025-01-06T10:00:00,vp,soon,,
g,,vp,,,
"""


def read(tmp_path: Path, text: str = LEADS, **options) -> LeadTables:
    (tmp_path / "leads.csv").write_text(text, encoding="utf-8")
    options = {"labelled": False, "as_of_now": True} | options
    return read_tables(tmp_path / "leads.csv", field_map=FieldMap.load("generic"), **options)


def column(tables: LeadTables, name: str) -> dict[str, object]:
    found = tables.leads.set_index("lead_id")[name]
    assert found.groupby(level=0).nunique(dropna=False).eq(1).all()  # the same in all rows of a lead
    return found.groupby(level=0).first().to_dict()


def test_every_kind_of_reply_is_known_and_the_latest_of_a_lead_holds(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert column(tables, "earlier_reply") == {
        "a": "2025-04-03, not now",
        "b": "Converted is 1",
        "c": "",
        "d": "2025-01-05",
        "e": "Reply Sentiment is interested",
        "f": 'Reply Date is "soon"',
        "g": "",
    }
    at = column(tables, "earlier_reply_at")
    assert at["a"] == pd.Timestamp("2025-04-03T09:00:00Z") and at["d"] == pd.Timestamp("2025-01-05T09:00:00Z")
    assert all(pd.isna(at[lead]) for lead in "bcefg")
    positive = column(tables, "earlier_reply_positive")
    assert positive == dict.fromkeys("acg", False) | {"b": True, "e": True} | dict.fromkeys("df")  # no sentiment given
    assert tables.leads["earlier_reply_judged"].all()
    assert "who replied already is read from: Reply Date, Converted, Reply Sentiment" in tables.account.lines()
    assert tables.schema.profile == ["persona"] and np.isnan(tables.labels).all()


def test_without_a_sentiment_a_reply_is_taken_to_be_positive_and_nobody_judged_it(tmp_path: Path) -> None:
    text = "\n".join(",".join(line.split(",")[i] for i in (0, 1, 2, 3)) for line in LEADS.splitlines())
    tables = read(tmp_path, text)
    assert column(tables, "earlier_reply_positive")["a"] and not tables.leads["earlier_reply_judged"].any()


def test_what_comes_later_than_is_looked_at_is_not_known(tmp_path: Path) -> None:
    tables = read(tmp_path, observed_until="2025-02-28")
    assert column(tables, "earlier_reply") | {"b": "", "e": "", "f": ""} == dict.fromkeys("bcefg", "") | {
        "a": "2025-01-03",
        "d": "2025-01-05",
    }


@pytest.mark.parametrize("wanted", [{"labelled": False, "as_of_now": False}, {"labelled": True, "as_of_now": False}])
def test_only_leads_read_as_of_now_are_asked_for_their_replies(tmp_path: Path, wanted: dict) -> None:
    text = "\n".join(line for line in LEADS.splitlines() if "soon" not in line)
    assert not [name for name in read(tmp_path, text, **wanted).leads if name.startswith("earlier")]


def test_a_row_that_repeats_but_for_its_reply_is_no_other_contact_and_its_reply_counts(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,replied_at\na,2025-01-01,\na,2025-01-01,2025-01-02\nb,2025-01-01,\n"
    tables = read(tmp_path, text)
    assert tables.leads["lead_id"].tolist() == ["a", "b"]
    assert column(tables, "earlier_reply") == {"a": "2025-01-02", "b": ""}


@pytest.mark.parametrize("order", [("new.csv", "old.csv"), ("old.csv", "new.csv")])
def test_of_several_files_any_may_know_the_replies(tmp_path: Path, order: tuple[str, str]) -> None:
    (tmp_path / "new.csv").write_text("lead_id,contacted_at,persona\na,,vp\nb,,vp\n", encoding="utf-8")
    old = "lead_id,contacted_at,Reply Date,persona\na,2025-01-01,2025-01-02,vp\n"
    (tmp_path / "old.csv").write_text(old, encoding="utf-8")
    paths = [tmp_path / name for name in order]
    tables = read_tables(paths, field_map=FieldMap.load("generic"), labelled=False, as_of_now=True)
    assert column(tables, "earlier_reply") == {"a": "2025-01-02", "b": ""}
    assert "who replied already is read from: Reply Date" in tables.account.lines()


def test_words_for_no_and_dates_of_zeros_are_no_reply_and_what_else_is_no_date_is_counted(tmp_path: Path) -> None:
    none = ["No", "FALSE", "false", "0", "0.0", "n/a", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000"]
    none += ["never", "Not yet", "no reply", "-", "N/A", "None"]
    odd = ["soon", "03.01.24?", "yes"]
    lines = [f"{i},2025-01-01,{cell}" for i, cell in enumerate([*none, "", "2025-01-02", *odd])]
    tables = read(tmp_path, "\n".join(["lead_id,contacted_at,Reply Date", *lines]))
    said = column(tables, "earlier_reply")
    assert [said[str(i)] for i in range(len(lines))] == [
        *[""] * (len(none) + 1),
        "2025-01-02",
        *[f'Reply Date is "{cell}"' for cell in odd],
    ]
    assert tables.account.notes["replies that are no date"] == {"column": "Reply Date", "cells": 3, "first": "soon"}
    for cell in ("0", "0.0"):  # a column of numbers
        tables = read(tmp_path, f"lead_id,contacted_at,Reply Date\na,2025-01-01,{cell}\n")
        assert column(tables, "earlier_reply") == {"a": ""}
        assert "replies that are no date" not in tables.account.notes


def test_a_file_without_columns_of_an_outcome_tells_nothing(tmp_path: Path) -> None:
    tables = read(tmp_path, "lead_id,contacted_at,persona\na,2025-01-01,vp\n")
    assert not [name for name in tables.leads if name.startswith("earlier_reply")]
    assert not [line for line in tables.account.lines() if "replied" in line]


def test_now_is_after_the_latest_reply(tmp_path: Path) -> None:
    text = LEADS.replace(",soon,", ",,")
    for options in ({}, {"as_of_now": False}):
        tables = read(tmp_path, text, **options)
        waiting = tables.leads.set_index("lead_id").loc["g", "contacted_at"]
        assert waiting == pd.Timestamp("2025-04-03T09:00:01Z")
    lines = read(tmp_path).account.lines()  # a cell that is no date is passed over
    assert any(line.startswith("every lead is read as of: 2025-04-03 09:00:01") for line in lines)


def test_the_latest_contact_before_now_is_that_of_all_rows_of_the_lead(tmp_path: Path) -> None:
    text = "lead_id,contacted_at,persona\na,2025-01-01T10:00:00,vp\na,2025-02-01T10:00:00,vp\na,,vp\nb,,vp\n"
    for options, latest in (({}, "02-01"), ({"observed_until": "2025-01-15"}, "01-01")):
        leads = read(tmp_path, text, **options).leads
        found = zip(leads["lead_id"], leads["earlier_contact"].dt.strftime("%m-%d").fillna(""), strict=True)
        assert sorted(found) == [("a", latest)] * 3 + [("b", "")]
