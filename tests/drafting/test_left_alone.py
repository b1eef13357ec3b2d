"""Who gets no message at all, or none by a channel: unsubscribes, opt-outs, a no, stages, and bounces."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads.outreach_allowed import Talk
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_stops import last_stop

EMAIL = Instruction("email", "friendly", "medium")
DAY = 24.0


@pytest.mark.parametrize(
    "kind",
    [
        *("unsubscribe", "Email Unsubscribed", "EMAIL_OPT_OUT", "OptedOut", "spam_report", "Abgemeldet"),
        *("Newsletter-Abmeldung", "Newsletter abbestellt", "D\u00e9sabonnement", "Afgemeld", "Darse de baja"),
    ],
)
def test_an_unsubscribe_by_any_name_holds_until_a_demo_is_asked_for(why, lead, kind: str) -> None:
    gone = (50, kind, None)
    assert why("email", lead(gone)).startswith("unsubscribed")
    assert why("email", lead(gone, (40, "reply_message", "Ignore that, we want a contract and a quote."))) != ""
    assert why("email", lead(gone, (40, "demo_request", None))) == ""
    assert why("email", lead((50, "Email reply", "We are not interested."))).startswith("refused")
    noted = lead((50, "call_note", "We are not interested."))  # a note of ours, perhaps not the lead's words
    assert why("email", noted) == why("decline", noted) == "said no, by a note or call of yours (signal call_note)"


@pytest.mark.parametrize("kind", ["Call", "Note", "Meeting", "Task", "call_note", "outbound call"])
def test_a_no_in_the_text_of_any_signal_stops_every_channel_but_a_demo_asked_for_takes_it_back(
    why, lead, kind: str
) -> None:
    sent, demo = (50 * DAY, "outreach_email", None), (30 * DAY, "demo_request", None)
    for text, reason in (
        ("Not interested, do not call again", "asked to be left alone"),
        ("asked to unsubscribe", "asked to be left alone"),
        ("Kein Interesse", "said no, by a note or call of yours"),
        ("Not interested in the slides, but Bob may be", "said no, by a note or call of yours"),
    ):
        for channel in ("email", "linkedin", "follow_up", "re_engage", "decline"):
            for given in ((sent, (40 * DAY, kind, text)), ((40 * DAY, kind, text), (35 * DAY, "pricing_page", None))):
                assert why(channel, lead(*given)) == f"{reason} (signal {kind})"
        assert why("email", lead((40 * DAY, kind, text), demo)) == ""
    for text in ("No problem, call again", "To unsubscribe, click here", "nobody there"):
        assert why("email", lead((40 * DAY, kind, text))) == ""


@pytest.mark.parametrize("text", ["No.", "Not interested", "Hi Ann, no thanks", "Nope"])
def test_a_plain_no_of_the_lead_may_be_declined(why, lead, text: str) -> None:
    said, wants = (40 * DAY, "Email reply", text), (30 * DAY, "Email reply", "we would like to see the contract")
    refused = "refused in its own words (signal Email reply)"
    assert why("email", lead(said)) == why("re_engage", lead(said)) == refused and why("decline", lead(said)) == ""
    assert why("email", lead(said, wants)) == ""  # it thought better of it, and a draft may speak of that
    asked = lead((40 * DAY, "Email reply", "Please take us off your list"), wants)
    assert why("email", asked) == why("decline", asked) == "asked to be left alone (signal Email reply)"


@pytest.mark.parametrize("text", ["kein Interesse", "pas interesse", "Nee bedankt", "Nein.", "Hallo,\nnein danke"])
def test_a_no_in_another_tongue_is_for_a_person_to_answer(why, lead, text: str) -> None:
    for channel in ("email", "re_engage", "decline"):
        said = why(channel, lead((40 * DAY, "Email reply", text)))
        assert said == "refused in its own words, and not in English (signal Email reply)"


BOUNCES = {
    "550 5.1.1 The email account that you tried to reach does not exist": True,
    "Undeliverable: a short question": True,
    "mailbox unavailable": True,
    "Recipient address rejected: user unknown": True,
    "email bounced, wrong address": True,
    "452 4.2.2 mailbox full, will be retried": False,
    "soft bounce, try again": False,
    "the ball bounced": False,
    "our office is at 550 Main Street": False,
}


@pytest.mark.parametrize("text", BOUNCES)
def test_an_address_that_takes_no_email_gets_none_until_it_replies(why, lead, text: str) -> None:
    sent, back = (90 * DAY, "outreach_email", None), (50 * DAY, "Note", text)
    said = "email bounced, so that its address takes none (signal Note)" if BOUNCES[text] else ""
    assert why("email", lead(back)) == why("re_engage", lead(sent, back)) == said
    assert why("linkedin", lead(sent, back)) == ""  # which goes by no email
    refused = (60 * DAY, "Email reply", "No thanks")
    assert why("decline", lead(sent, refused, back)) == said
    assert why("email", lead(sent, back, (40 * DAY, "Email reply", None))).startswith("already replied")


@pytest.mark.parametrize("kind", ["bounced", "BOUNCE", "Email Bounced", "hard bounce", "EmailBounced", "undeliverable"])
def test_a_kind_of_signal_may_tell_of_a_bounce(why, lead, kind: str) -> None:
    said = f"email bounced, so that its address takes none (signal {kind})"
    assert why("email", lead((40 * DAY, kind, None))) == said and why("linkedin", lead((40 * DAY, kind, None))) == ""
    for other in ("soft bounce", "not bounced", "bounced_visit"):
        assert why("email", lead((40 * DAY, other, None))) == ""


def test_who_is_a_customer_or_left_alone_by_its_stage_gets_no_message(why, lead) -> None:
    one, said = lead((40 * DAY, "outreach_email", None)), "a customer already (Stage is Closed won)"
    for channel in ("email", "linkedin", "follow_up", "re_engage"):
        assert why(channel, replace(one, leads=one.leads.assign(stage_forbids=said))) == said
        assert why(channel, replace(one, leads=one.leads.assign(stage_forbids=""))) == ""


def test_a_stop_of_the_latest_contact_holds_for_the_earlier_ones(small_scout, small_tables, drawing, bare) -> None:
    book = FactBook(small_tables)
    stopped = next(row for row in range(3000) if last_stop(book, row) is not None)
    silent = (row for row in range(3000) if last_stop(book, row) is None and math.isinf(Talk.of(book, row).written))
    free = next(row for row in silent if Talk.of(book, row).reply < 0)
    both = small_tables.take(np.array([free, stopped]))
    assert small_scout.write(both, EMAIL, writer=drawing(bare))[0].why_not == ""
    same = replace(both, leads=both.leads.assign(lead_id=pd.Series(["x", "x"], dtype="str")))
    assert all(each.why_not for each in small_scout.write(same, EMAIL, writer=drawing(bare)))


def test_an_opt_out_that_names_no_channel_stops_each_and_one_that_does_stops_that(why, lead, small_tables) -> None:
    for kind, email, linkedin in (
        ("unsubscribe", False, False),
        ("spam report", False, False),
        ("Email Opted Out", False, True),
        ("mail_unsubscribed", False, True),
        ("LinkedIn opt-out", True, False),
        ("do_not_contact", False, False),
        ("DoNotContact", False, False),
        ("Don't contact", False, False),
        ("dnc", False, False),
        ("GDPR erasure request", False, False),
        ("Data deletion request", False, False),
        ("spam", False, False),
        ("Marked as spam", False, False),
        ("Do Not Email", False, True),
        ("do_not_mail", False, True),
        ("do_not_linkedin", True, False),
        ("sms_opt_out", False, False),  # of a channel that is not ours: it may be any wish to be left alone
    ):
        gone = lead((90 * DAY, "outreach_email", None), (40 * DAY, kind, None))
        for channel in ("email", "re_engage"):
            assert (why(channel, gone) == "") == email, kind
        assert (why("linkedin", gone) == "") == linkedin, kind
    refused = lead((60 * DAY, "Email reply", "We are not interested."), (40 * DAY, "Email Opted Out", None))
    assert why("linkedin", refused).startswith("refused in its own words")  # which stands behind the opt-out


def test_of_an_opt_out_by_another_channel_no_message_speaks(small_scout, lead, drawing) -> None:
    """It stops no LinkedIn note, and is nothing to remind a lead of, whatever --mention says."""
    for kind in ("Email opt-out form", "webinar email unsubscribed", "do_not_email form"):
        one = lead((3 * DAY, kind, None))
        for mention in (None, [kind]):
            assert FactBook(one, mention, "linkedin").of(0).deeds == FactBook(one, mention).of(0).deeds == ()
            assert FactBook(one, mention, "linkedin").of(0).stop is None
    assert FactBook(lead((3 * DAY, "signup form", None)), None, "linkedin").of(0).deeds


@pytest.mark.parametrize("kind", ["support_ticket", "Email reply"])
def test_what_a_lead_writes_of_its_own_software_is_no_bounce(why, lead, kind: str) -> None:
    for text in ("We run version 5.1.2 of your app", "I get 'user not found' when logging in"):
        assert "bounced" not in why("email", lead((40 * DAY, kind, text)))
