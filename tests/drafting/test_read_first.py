"""Leads that a person has to read first: circumstances, forms that are none to sell by, planned meetings; and what is
no reply though it looks like one."""

from collections.abc import Callable

import pandas as pd
import pytest

from tinyscout.leads import read_tables
from tinyscout.leads.outreach_instructions import Instruction

DAY = 24.0
CHANNELS = ("email", "linkedin", "follow_up", "re_engage", "decline")
OURS, FORM = (70 * DAY, "outreach_email", None), "Form submission"


@pytest.fixture
def replied(small_tables) -> Callable[..., dict[str, object]]:
    """The columns of a lead that replied so many hours ago; positive: its sentiment, None where the export has none."""

    def made(hours: float, positive: bool | None = None) -> dict[str, object]:
        at = small_tables.leads["contacted_at"].iloc[0] - pd.Timedelta(hours=hours)
        told = {"earlier_reply_positive": positive is not False, "earlier_reply_judged": positive is not None}
        return {"earlier_reply": f"{at:%Y-%m-%d}", "earlier_reply_at": [at], **told}

    return made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Kunde ist leider verstorben", "said to have died"),
        ("legal dispute, only via our lawyer", "said to be in a legal dispute"),
        ("no budget, revisit in Q2", "put it off"),
    ],
)
def test_circumstances_stop_every_channel_for_a_year(reason, text: str, said: str) -> None:
    for channel in CHANNELS:
        assert reason(channel, OURS, (40 * DAY, "Note", text)) == f"{said}: read it yourself (signal Note)"
        assert said not in reason(channel, OURS, (370 * DAY, "Note", text))
    assert reason("email", (40 * DAY, "Note", text), (3 * DAY, FORM, "Book a demo")) == ""  # it came back by itself


def test_forms_that_are_none_to_sell_by(reason) -> None:
    asked = (5 * DAY, FORM, "Book a demo")
    for channel in CHANNELS:
        assert reason(channel, asked, (4 * DAY, FORM, "Newsletter-Abmeldung")) == f"unsubscribed (signal {FORM})"
        for name in ("Cancel demo", "Complaint", "Job application"):
            said = f"filled in a form that is none to sell by: read it yourself (signal {FORM})"
            assert reason(channel, asked, (4 * DAY, FORM, name)) == said
    assert reason("email", asked) == reason("email", (100 * DAY, FORM, "Complaint"), asked) == ""


def test_who_waits_for_help_is_not_sold_to(reason) -> None:
    waits = ("I cannot log in since Monday", "Login broken", "Export: error 500", "Die Anmeldung funktioniert nicht")
    for text in (*waits, "Demo crashes with error 500", "The contract download is broken", "I can't seem to log in"):
        for kind in ("Ticket", "support_ticket", "Support tickets"):
            said = f"wrote of something that does not work: read it yourself (signal {kind})"
            assert reason("email", OURS, (40 * DAY, kind, text)) == said
            assert reason("email", OURS, (100 * DAY, kind, text)) != said
            assert reason("email", (40 * DAY, kind, text), (3 * DAY, FORM, "Book a demo")) == ""
        assert "work" not in reason("email", OURS, (40 * DAY, "Note", text))
    fine = ("Where can I find the slides?", "Does it work with SAP?", "How do you handle errors?", "no outage so far")
    for text in (*fine, "He doesn't work there any more", "our budget is down this year", None):
        assert "does not work" not in reason("email", OURS, (40 * DAY, "Ticket", text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("Form view", "Request a demo"), ("Form started", "Book a demo"), ("Demo form view", None)),
        *(("Page view: Request a demo", None), ("Sales contact", None), ("Schedule demo", None)),
        *((FORM, "Contact sales\nPlease remove me from your mailing list"), (FORM, "Opted out: demo request")),
    ],
)
def test_what_nobody_asked_for_takes_no_unsubscribe_back(reason, kind: str, text: str | None) -> None:
    assert "unsubscribed" in (said := reason("email", (50 * DAY, "unsubscribe", None), (5 * DAY, kind, text))) or (
        said.startswith("asked to be left alone")
    )


def test_a_customer_stays_one_whatever_it_asks_for(reason) -> None:
    for asked in ((FORM, "Request a quote"), ("Email reply", "please send the quote")):
        said = reason("email", (50 * DAY, "Invoice paid", None), (5 * DAY, *asked))
        assert said == "a customer already (signal Invoice paid)"


@pytest.mark.parametrize("asked", [(FORM, "Book a demo"), (FORM, "Request a quote"), ("Demo request", None)])
def test_what_a_lead_asks_for_later_takes_an_unsubscribe_back(reason, asked: tuple[str, str | None]) -> None:
    left = (50 * DAY, "unsubscribe", None)
    assert reason("email", left, (5 * DAY, *asked)) == ""
    assert reason("email", (50 * DAY, "Note", "wants no more emails"), (5 * DAY, *asked)) == ""
    for other in ((FORM, "Newsletter signup"), (FORM, "Contact us"), ("Note", "asked for a quote"), (FORM, None)):
        assert reason("email", left, (5 * DAY, *other)) == "unsubscribed (signal unsubscribe)"
    assert reason("email", (90 * DAY, *asked), left).startswith("unsubscribed")


def test_a_form_to_ask_for_something_takes_back_a_no(reason) -> None:
    no, asked = (50 * DAY, "Email reply", "not interested"), (5 * DAY, FORM, "Book a demo")
    assert reason("email", no).startswith("refused in its own words")
    assert reason("email", no, asked) == (
        "replied, and asked for something since: answer it yourself "
        "(asked for a demo, signal Form submission, 120 h ago)"
    )
    assert reason("email", asked, (4 * DAY, "Email reply", "Hm")).startswith("wrote to us last")


def test_what_a_machine_answered_is_no_reply(reason) -> None:
    for text in ("Automatic reply: I am on leave", "Out of office until May"):
        assert reason("email", OURS, (65 * DAY, "Email (incoming)", text)) == ""
        assert reason("email", OURS, (65 * DAY, "Email", text)) == ""
    bounced = (65 * DAY, "Email (incoming)", "Undeliverable: 550 5.1.1 user unknown")
    assert reason("email", OURS, bounced).startswith("email bounced") and reason("linkedin", OURS, bounced) == ""


def test_what_a_message_quotes_is_not_said(reason) -> None:
    quoted = "\n\nOn Mon, 3 Feb 2025 Ann <ann@x.com> wrote:\n> please send the {} \n> not interested"
    assert reason("email", (30 * DAY, "Email reply", "No thanks." + quoted.format("quote"))).startswith(
        "refused in its"
    )
    wanted = (30 * DAY, "Email reply", "Yes, please send the contract." + quoted.format("quote"))
    assert reason("email", wanted) == ""


def test_the_words_of_a_reply_count_more_than_its_date(reason, replied) -> None:
    reply = (30 * DAY, "Email reply", "please send the quote")
    assert reason("email", OURS, reply, **replied(30 * DAY)) == ""
    assert reason("email", OURS, reply, **replied(30 * DAY, False)).startswith("replied, wants something")
    asks = reason("email", OURS, (30 * DAY, "Email reply", "does it integrate with SAP?"), **replied(30.5 * DAY))
    assert asks.startswith("replied, asks something and waits: answer it yourself")
    later = reason("email", OURS, (30 * DAY, "Email reply", "Call me in January"), **replied(30 * DAY))
    assert later.startswith("replied, puts it off and waits: answer it yourself")
    vague = (30 * DAY, "Email reply", "we have a supplier of our own")
    for positive, said in ((None, "replied in words that are not understood: read it yourself"), (True, "")):
        assert reason("re_engage", OURS, vague, **replied(30 * DAY, positive)).split(" (")[0] == said
    assert reason("re_engage", OURS, **replied(30 * DAY)) == ""
    another = reason("email", OURS, reply, **replied(15 * DAY))  # a later one, whose words are not known
    assert another.startswith("already replied")


def test_a_talk_or_what_was_sent_ends_a_wish(reason) -> None:
    form, reply = (5 * DAY, FORM, "Book a demo"), (20 * DAY, "Email reply", "please send the slides")
    for talk in ("Demo held with Anna, went well", "Gave her the demo", None):
        assert reason("email", form, (4 * DAY, "Meeting", talk)).startswith("too soon for a first message: spoken with")
    assert reason("email", form, (4 * DAY, "Call", "No answer")) == reason("email", reply) == ""
    assert reason("email", (5 * DAY, FORM, "Request a quote"), (4 * DAY, "Note", "Quote sent by post")) == ""
    assert reason("email", reply, (15 * DAY, "Meeting", None)) == "already replied (2024-06-11, signal Email reply)"
    assert reason("email", reply, (15 * DAY, "Note", "Sent her the slides")).startswith("already replied")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Who asked for a demo? Not me.",
            "If you send the newsletter again I will sue.",
            "Before you send the quote: hm",
        ),
        *("Send the contract and you will hear from my lawyer.", "Please send the quote to my colleague Ms Brandt"),
        *("I asked for the demo three times and nobody came, forget it.", "Please send the demo login, ours expired"),
        *("Please send the slides to everyone but me.", "Please send the quote again, the last one was wrong"),
    ],
)
def test_who_says_more_than_that_it_wants_a_thing_is_for_a_person(reason, text: str) -> None:
    assert reason("email", (3 * DAY, "Email (incoming)", text)) != ""


def test_what_only_a_customer_does(reason) -> None:
    for kind in ("Contract signed", "Deal won", "invoice_paid"):
        assert reason("email", (30 * DAY, kind, None)) == f"a customer already (signal {kind})"
    assert reason("email", (30 * DAY, "Contract sent", None)) == ""


def test_a_call_of_ours_is_no_note_to_follow_up(reason) -> None:
    call = (10 * DAY, "Call (outgoing)", "Connected, nice talk")
    assert reason("follow_up", call) == "no earlier message to follow up is known"
    assert reason("email", call).startswith("too soon for a first message: spoken with 10 days ago")


def test_a_ahead_forbids(small_scout, tmp_path, drawing, bare) -> None:
    kinds = ["Meeting", "Demo call", "Meeting cancelled", "docs_visit"]
    leads = pd.DataFrame({"lead_id": list("abcd"), "contacted_at": "2024-11-22", "replied_at": "", "industry": "media"})
    seen = pd.DataFrame({"lead_id": list("abcd") * 20, "at": "2024-11-20", "kind": "docs_visit"})
    ahead = pd.DataFrame({"lead_id": list("abcd"), "at": "2999-12-05T10:00:00Z", "kind": kinds})
    leads.to_csv(tmp_path / "leads.csv", index=False)
    pd.concat([seen, ahead]).to_csv(tmp_path / "signals.csv", index=False)
    tables = read_tables(tmp_path / "leads.csv", tmp_path / "signals.csv", labelled=False, as_of_now=True)
    found = dict(zip(tables.leads["lead_id"], tables.leads["ahead_forbids"], strict=True))
    said = {"a": "a meeting, call or task is planned (2999-12-05, signal Meeting)", "b": ""}
    said["b"] = "a meeting, call or task is planned (2999-12-05, signal Demo call)"
    assert found == {**said, "c": "", "d": ""}
    why = {
        each.lead_id: each.why_not
        for each in small_scout.write(tables, Instruction("email", "warm", "short"), writer=drawing(bare))
    }
    assert why["a"] == said["a"] and why["b"] == said["b"] and "planned" not in why["c"] + why["d"]


@pytest.mark.parametrize("kind", ["Webinar attended", "Ebook download", "Page view", "BlogArticleViewed"])
@pytest.mark.parametrize(
    "title",
    ["What to do when a prospect says 'not interested'", "Do not contact me: mails that get answers", "Unsubscribe me"],
)
def test_a_title_of_ours_is_nobodys_words(reason, kind: str, title: str) -> None:
    for channel in ("email", "linkedin"):
        assert reason(channel, (5 * DAY, kind, title)) == ""
    assert reason("email", (5 * DAY, f"{kind} feedback", title)) != ""
    assert reason("email", (5 * DAY, "Note", title)) != ""


def test_a_request_by_form_is_something_to_come_back_to(reason) -> None:
    assert reason("re_engage", (40 * DAY, FORM, "Request a quote")) == ""
    assert reason("re_engage", (6 * DAY, FORM, "Book a demo")).startswith("no need to re-engage: heard of 6 days ago")
    assert reason("re_engage", (40 * DAY, FORM, "Ebook")).startswith("never in touch")


def test_columns_of_a_crm_tell_of_bounces_and_contacts(reason, small_tables) -> None:
    asked, bounced = (50 * DAY, "pricing_page", None), "email bounced, so that its address takes none (Bounced is yes)"
    assert reason("email", asked, email_bounced=bounced) == bounced
    assert reason("linkedin", asked, email_bounced=bounced) == ""
    now = small_tables.leads["contacted_at"].iloc[0]
    for days, said in ((4, "too soon for a first message: contacted 4 days ago"), (40, "")):
        assert reason("email", asked, last_contact=[now - pd.Timedelta(days=days)]).startswith(said)
    assert reason("follow_up", asked, last_contact=[now - pd.Timedelta(days=4)]) == ""
