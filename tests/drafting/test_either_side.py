"""Kinds of signal that may be a message of ours or of the lead's, talks, and columns that tell whose a message is."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tinyscout.leads import FieldMap, LeadTables, read_tables
from tinyscout.leads.outreach_allowed import untrue_words
from tinyscout.leads.outreach_instructions import Instruction

DAY = 24.0
CHANNELS = ("email", "linkedin", "follow_up", "re_engage", "decline")
SENT, VISIT = (90 * DAY, "outreach_email", None), (50 * DAY, "pricing_page", None)


EITHER = ["Email", "EMAIL", "Emails", "SMS", "WhatsApp message", "Chat", "LinkedIn message", "FORWARDED_EMAIL", "Mail"]


@pytest.mark.parametrize("kind", EITHER)
def test_a_message_that_may_be_theirs_is_for_a_person_to_read(reason, kind: str) -> None:
    said = f"may have replied: read it yourself (2024-05-22, signal {kind})"
    for text in (
        "Hyv\u00e4\u00e4 p\u00e4iv\u00e4\u00e4, palaan asiaan",
        "No problem, call again",
        "We sent you the signed papers yesterday",
        "Sent the slides to legal",
        "We run version 5.1.2 of your app",
        "Sent from my phone",
        None,
    ):
        for channel in CHANNELS:
            for given in ([SENT], [], [SENT, (60 * DAY, "Email reply", "how much is it?")]):
                assert reason(channel, *given, (40 * DAY, kind, text), VISIT) == said
    assert reason("email", (50 * DAY, kind, "hm"), (35 * DAY, "Email reply", "please send the quote")) == ""


NEITHER = [
    "Email opened",
    "email_click",
    "EMAIL_OPT_OUT",
    "Marketing email",
    "Email bounced",
    "Email note",
    "chatbot_visit",
]
NEITHER += [
    "Call",
    "Note",
    "Task",
    "Form submission",
    "linkedin_profile_visit",
    "newsletter email",
    "Email subscription",
]


@pytest.mark.parametrize("kind", NEITHER)
def test_what_no_person_wrote_to_another_is_no_such_message(reason, kind: str) -> None:
    for channel in ("email", "linkedin", "follow_up"):
        assert "may have replied" not in reason(channel, SENT, (40 * DAY, kind, "hm"))


@pytest.mark.parametrize("text", ["Sent: intro", "[Sent] our prices", "Sent intro email", "Email sent to him"])
def test_a_message_that_says_that_we_sent_it_is_ours(reason, text: str) -> None:
    soon = "too soon for a first message: contacted 12 days ago, less than 30 days"
    assert reason("email", (12 * DAY, "Email", text), VISIT) == soon
    assert reason("follow_up", (12 * DAY, "Email", text)) == reason("email", (40 * DAY, "Email", text)) == ""
    assert reason("email", (12 * DAY, "Email", text), (5 * DAY, "Email", "ok")).startswith("may have replied")


def test_beside_incoming_emails_an_email_is_one_that_was_sent(
    reason, small_scout, small_tables, signals_of, drawing, bare
) -> None:
    both = ((400 * DAY, "INCOMING_EMAIL", None), (12 * DAY, "EMAIL", "hello"))
    assert reason("email", *both).startswith("already replied")
    one = signals_of(small_tables, *both)
    other = LeadTables.from_frames(one.leads, one.signals.iloc[1:].reset_index(drop=True), one.schema)
    (found,) = small_scout.write(other, Instruction("email", "warm", "short"), writer=drawing(bare))
    assert found.why_not == "too soon for a first message: contacted 12 days ago, less than 30 days"


@pytest.mark.parametrize("kind", ["Call", "Meeting", "call_note", "MEETING", "phone call"])
def test_whoever_was_spoken_with_a_short_while_ago_gets_no_first_message(reason, kind: str) -> None:
    soon = f"too soon for a first message: spoken with 12 days ago (signal {kind}), less than 30 days"
    assert reason("email", VISIT, (12 * DAY, kind, "talked of this and that")) == soon
    assert reason("email", VISIT, (30 * DAY, kind, None)) == reason("linkedin", VISIT, (12 * DAY, kind, None)) == ""
    assert reason("email", VISIT, (12 * DAY, kind, "No answer, left voicemail")) == ""
    assert reason("re_engage", (40 * DAY, kind, None)) == ""
    assert reason("re_engage", (40 * DAY, kind, "nobody there")).startswith("never in touch")


def test_after_a_talk_nobody_is_told_that_there_was_no_word(small_tables, signals_of) -> None:
    from tinyscout.leads.outreach_allowed import Reply, Talk
    from tinyscout.leads.outreach_facts import FactBook

    def untrue(*given: tuple[float, str, str | None]) -> tuple[str, ...]:
        tables = signals_of(small_tables, *given)
        book = FactBook(tables)
        talk = Talk.of(book, 0)
        return untrue_words("re_engage", talk, Reply.of(tables, 0, book, talk))

    assert untrue(SENT) == () and untrue(SENT, (50 * DAY, "Call", None)) == ("without a word",)


def test_a_no_is_called_by_what_it_stands_in(reason) -> None:
    no = "not interested"
    for kind, said in (
        ("Email", "said no, in a message that may be its own"),
        ("Note", "said no, by a note or call of yours"),
        ("form_submission", "said no, by the text of a signal"),
        ("Email (outgoing)", "said no, by the text of a signal"),
        ("Email (incoming)", "refused in its own words"),
    ):
        assert reason("email", SENT, (40 * DAY, kind, no)) == f"{said} (signal {kind})"
    assert reason("decline", SENT, (40 * DAY, "Email", no)).startswith("said no")
    assert reason("decline", SENT, (40 * DAY, "Email (incoming)", no)) == ""


@pytest.fixture
def hubspot(tmp_path: Path) -> Callable[..., LeadTables]:
    """A HubSpot export of one contact with activities: type, body, direction of an email, of a call."""

    def read(*given: tuple[str, str, str, str]) -> LeadTables:
        pd.DataFrame({"Record ID": ["1"], "Industry": ["Retail"]}).to_csv(tmp_path / "contacts.csv", index=False)
        names = ["Activity type", "Body", "Email direction", "hs_call_direction"]
        acts = pd.DataFrame(given, columns=names).assign(**{"Contact ID": "1"})
        acts["Activity date"] = [f"2024-06-{day + 1:02d} 10:00" for day in range(len(given))]
        acts.to_csv(tmp_path / "activities.csv", index=False)
        files = (tmp_path / "contacts.csv", tmp_path / "activities.csv")
        return read_tables(*files, field_map=FieldMap.load("hubspot"), labelled=False, as_of_now=True)

    return read


def test_a_column_tells_whose_a_message_is(hubspot) -> None:
    tables = hubspot(
        ("Email", "a", "EMAIL", ""),
        ("Email", "b", "INCOMING_EMAIL", ""),
        ("Email", "c", "FORWARDED_EMAIL", ""),
        ("Email", "d", "", ""),
        ("Call", "e", "", "INBOUND"),
        ("Call", "f", "", "Outbound"),
        ("incoming call", "g", "", "INBOUND"),
        ("Note", "h", "", ""),
    )
    kinds = ["Email (outgoing)", "Email (incoming)", "Email", "Email", "Call (incoming)", "Call (outgoing)"]
    assert tables.signals["kind"].tolist() == [*kinds, "incoming call", "Note"]
    assert tables.signals["text"].tolist() == list("abcdefgh")
    read_from = tables.account.notes["whose message a signal is, is read from"]
    assert read_from == "Email direction, hs_call_direction"


@pytest.mark.parametrize("name", ["generic", "hubspot", "salesforce"])
def test_a_shipped_map_does_without_a_direction(tmp_path: Path, name: str) -> None:
    roles = FieldMap.load(name).signals
    columns = {role: names[0] for role, names in roles.items() if role not in ("direction", "call_direction")}
    found = FieldMap.load(name).find("signals", columns.values(), "x.csv", ("lead_id", "at", "kind"))
    assert "kind" in found and not {"direction", "call_direction"} & set(found)
