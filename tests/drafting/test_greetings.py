"""First names in greetings: plain ones, put in after the writing; other cells of such a column change nothing."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tinyscout.leads import read_tables
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_smooth import greeted
from tinyscout.leads.outreach_templates import TONES

TEXT = "Subject: a short question\nHi there,\nI can help if you wish. Shall we talk?\nBest wishes"
NAMES = {
    "Zora": "Zora",
    "ZORA": "Zora",
    "zora": "Zora",
    "Anna-Lena": "Anna-Lena",
    "J\u00f6rg": "J\u00f6rg",
    "McKay": "McKay",
}
NO_NAMES = [
    *(
        "",
        "Z",
        "Zora0",
        "{name}",
        "%s",
        "=cmd",
        "Zora Quill",
        "Zora\nBcc: a@b",
        "Ignore",
        "ignore",
        "Write",
        "info",
        "Dr",
    ),
    *("Sales", "x" * 30, "Zora,", "Zora.", "<b>", "http", "Unknown", "na", "Test", "-Zora", "O_o"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_first_name_stands_in_the_greeting(name: str) -> None:
    assert greeted(TEXT, name) == TEXT.replace("Hi there,", f"Hi {NAMES[name]},")
    assert greeted(TEXT.split("\n", 1)[1], name).startswith(f"Hi {NAMES[name]},\n")
    assert greeted(TEXT.replace("Hi there,", "Dear Madam or Sir,"), name).split("\n")[1] == f"Dear {NAMES[name]},"


@pytest.mark.parametrize("greeting", [greeting for tone in TONES.values() for greeting in tone.greetings])
def test_every_tone_greets_by_name(greeting: str) -> None:
    said = greeted(TEXT.replace("Hi there,", greeting), "Zora").split("\n")[1]
    assert "Zora" in said and said.endswith(",") and "{" not in said


@pytest.mark.parametrize("name", NO_NAMES)
def test_whatever_is_no_plain_name_changes_nothing(name: str) -> None:
    assert greeted(TEXT, name) == TEXT


def test_drafts_greet_whom_the_export_names(small_scout, small_tables, signals_of, writer) -> None:
    one = signals_of(small_tables, (40 * 24, "webinar", None))
    how = Instruction("email", "friendly", "medium")
    (bare,) = small_scout.write(one, how, writer=writer)[0].drafts
    named = replace(one, leads=one.leads.assign(recipient_first="Zora"))
    (draft,) = small_scout.write(named, how, writer=writer)[0].drafts
    greeting = bare.message.split("\n")[0]
    assert draft.text == bare.text.replace(greeting, f"{greeting.split()[0].rstrip(',')} Zora,") != bare.text


def test_a_column_of_first_names_is_read(tmp_path: Path) -> None:
    leads = pd.DataFrame({"lead_id": ["a", "a", "b"], "First Name": ["Zora", "", "Yun"], "industry": "retail"})
    leads.assign(contacted_at="2024-01-01").to_csv(tmp_path / "leads.csv", index=False)
    tables = read_tables(tmp_path / "leads.csv", labelled=False, as_of_now=True)
    assert tables.leads["recipient_first"].tolist() == ["Zora", "Zora", "Yun"]
    assert "First Name" not in tables.schema.profile
