"""The quality report: figures that can be counted by hand, JSON-able, and text that any console can print."""

import json

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import Schema, quality, read_tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    size = 280
    contacted = pd.date_range("2025-01-06T09:00", periods=size, freq="12h")  # a Monday; fourteen contacts a week
    days = np.where(np.arange(size) % 4 == 0, 3.0, np.where(np.arange(size) % 8 == 1, 40.0, np.nan))
    days[5] = -2.0
    leads = pd.DataFrame(
        {
            "lead_id": [f"l{i // 2}" for i in range(size)],
            "contacted_at": contacted,
            "replied_at": contacted + pd.to_timedelta(days, unit="D"),
            "persona": np.where(np.arange(size) % 4 == 0, "founder", "D\u00fcrer"),
            "employees": [*(str(37 * value % 278) for value in range(size - 2)), "Osseo", "inf"],
            "same": "x",
        }
    )
    leads = pd.concat([leads, leads[:3]])
    leads.to_csv(folder / "leads.csv", index=False)
    events = pd.DataFrame({"lead_id": "l0", "at": "2025-01-05T09:00", "kind": ["visit", "visit", "open"]})
    events.to_csv(folder / "signals.csv", index=False)
    return read_tables(folder / "leads.csv", folder / "signals.csv", observed_until="2025-12-31")


def test_balance_and_replies_are_counts_of_the_export(tables):
    report = quality.report(tables)
    assert report.balance["leads"] == 280
    assert report.balance["known"] == 279  # one replied before contact
    assert report.balance["replied"] == 70
    assert report.balance["rate"] == 70 / 279
    assert report.balance["negatives_per_reply"] == 209 / 70
    assert report.balance["replied_ever"] == 70 + 35 + 1
    assert report.replies["before_contact"] == 1
    assert report.replies["after_window"] == 35
    assert report.replies["share_in_window"] == 70 / 106
    assert report.replies["days_median"] == 3.0
    assert report.replies["examples_before_contact"][0]["lead_id"] == "l2"


def test_segments_and_weekdays_add_up(tables):
    report = quality.report(tables)
    founders = next(row for row in report.segments if row["value"] == "founder")
    assert founders == {"column": "persona", "value": "founder", "leads": 70, "known": 70, "replied": 70, "rate": 1.0}
    thirds = [row for row in report.segments if row["column"] == "employees"]
    assert [row["value"] for row in thirds] == ["0 to 92", "93 to 184", "185 to 277", "(missing)"]
    assert sum(row["leads"] for row in thirds) == 280
    by_day = {row["day"]: row for row in report.weekdays}
    assert [by_day[day]["leads"] for day in ("mon", "sun", "weekday", "weekend")] == [40, 40, 200, 80]
    assert by_day["weekday"]["replied"] + by_day["weekend"]["replied"] == 70


def test_columns_repeats_and_signals(tables):
    report = quality.report(tables)
    columns = {row["column"]: row for row in report.columns}
    assert columns["employees"]["made_missing"] == {"not readable as a number": 1, "not finite": 1}
    assert columns["employees"]["missing"] == 2 / 280
    assert (columns["same"]["type"], columns["same"]["used"]) == ("constant", False)
    assert report.repeats == {
        "leads": 140,
        "contacts": 280,
        "leads_contacted_more_than_once": 140,
        "most_contacts_of_a_lead": 2,
        "duplicate_rows_dropped": 3,
        "repeated_contact_ids_dropped": 0,
        "signals_alike_in_everything": 2,  # the visit twice, for each of the lead's two contacts
    }
    assert report.signals == {
        "coverage": 2 / 280,
        "median_per_contact": 0.0,
        "most_of_a_contact": 3,
        "kinds": {"visit": 4, "open": 2},
    }


def test_the_report_finds_the_planted_leak_and_says_what_training_does(tables):
    report = quality.report(tables)
    assert [suspect.column for suspect in report.leaking] == ["persona"]
    assert any(note.startswith("training leaves out persona") for note in report.notes)


def test_the_report_is_json_and_its_text_has_the_words_of_the_export(tables):
    report = quality.report(tables)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["leaking"] == ["persona"]
    assert content["account"]["leads_dropped"] == {"duplicate row": 3}
    text = quality.render(report)
    assert "D\u00fcrer" in text
    assert text.replace("\u00fc", "u").isascii()
    for title in ("Rows", "Replies", "Leaks", "By segment", "By day of contact", "Columns", "Repeats", "Signals"):
        assert f"{title}\n{'-' * len(title)}" in text
    assert "280 contacts, 279 with a known outcome, 70 replied: 25.1 %" in text


def test_a_report_without_time_labels_or_columns_still_stands(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lead_id,label\n1,1\n2,0\n", encoding="utf-8")
    report = quality.report(read_tables(path))
    assert report.weekdays == []
    assert report.signals == {}
    assert "fewer than 50 known outcomes" in report.notes[0]
    assert "no column was found to know the answer" in quality.render(report)
    unlabelled = quality.report(read_tables(path, labelled=False, schema=Schema({}, has_time=False)))
    assert unlabelled.balance["rate"] is None
    assert quality.render(unlabelled).isascii()
