"""A CRM may have the subject of a mail in one column and its body in another: both are read."""

from pathlib import Path

import pandas as pd

from tinyscout.leads import FieldMap, read_tables

LEADS = "Record ID,First outreach date,Industry\n1,2025-05-01,media\n2,2025-05-02,retail\n"
SIGNALS = (
    "Record ID,Activity date,Activity type,Email subject,Activity body,Note body\n"
    "1,2025-04-01,Email,our talk,Please stop emailing me,\n"
    "1,2025-04-02,Note,,,left the company\n"
    "2,2025-04-03,Email,  ,,\n"
)


def read(tmp_path: Path, signals: str):
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    (tmp_path / "signals.csv").write_text(signals, encoding="utf-8")
    files = (tmp_path / "leads.csv", tmp_path / "signals.csv")
    return read_tables(*files, field_map=FieldMap.load("hubspot"), labelled=False, as_of_now=True)


def test_all_texts_of_a_signal_are_read(tmp_path: Path) -> None:
    tables = read(tmp_path, SIGNALS)
    texts = tables.signals["text"]
    assert texts[:2].tolist() == ["our talk\nPlease stop emailing me", "left the company"] and pd.isna(texts[2])
    assert tables.account.notes["texts of signals are read from"] == "Email subject, Activity body, Note body"


def test_one_column_of_texts_is_read_as_it_is(tmp_path: Path) -> None:
    one = "\n".join(",".join(line.split(",")[:4]) for line in SIGNALS.splitlines()) + "\n"
    tables = read(tmp_path, one)
    assert tables.signals["text"][0] == "our talk" and "texts of signals are read from" not in tables.account.notes
