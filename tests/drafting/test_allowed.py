"""Who may be written to by which channel, and what is said of those who may not."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import LeadTables
from tinyscout.leads.outreach_allowed import DECLINE_DAYS, Talk
from tinyscout.leads.outreach_facts import FactBook
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_kinds import by_the_lead, is_reply
from tinyscout.leads.outreach_stops import last_stop

EMAIL = Instruction("email", "friendly", "medium")


DAY = 24.0


NOTHING = "said nothing that a decline would answer"


def test_no_consent_and_the_wish_to_be_left_alone(small_scout, small_tables, writer) -> None:
    book = FactBook(small_tables)
    wants = [row for row in range(3000) if last_stop(book, row) is not None][:300]
    for channel in ("email", "linkedin", "follow_up", "re_engage"):
        found = small_scout.write(
            small_tables.take(np.array(wants)), Instruction(channel, "warm", "short"), writer=writer
        )
        assert all(each.why_not and not each.drafts for each in found)
    said = {each.why_not.split(" (")[0] for each in found}
    refusals = {"refused in its own words", "asked to be left alone", "turned something down"}
    circumstances = {"put it off: read it yourself", "said to have left the company: read it yourself"}
    known = {"unsubscribed", "a student, who is not here to buy"} | refusals | circumstances
    assert said <= known and len(said) > 1
    declined = small_scout.write(
        small_tables.take(np.array(wants)), Instruction("decline", "warm", "short"), writer=writer
    )
    students = [each.why_not.startswith("a student") for each in found]
    refused = [each.why_not.startswith("refused in its own words") for each in found]
    talks, stops = [Talk.of(book, row) for row in wants], [last_stop(book, row) for row in wants]
    asked = [math.isfinite(talk.said) for talk in talks]
    since = [min(stop.hours, talk.said) for talk, stop in zip(talks, stops, strict=True)]
    fresh = [each <= 24 * DECLINE_DAYS for each in since]
    answered = [d and (a or (b and c)) for a, b, c, d in zip(refused, students, asked, fresh, strict=True)]
    answers = [stop.hours if math.isfinite(stop.hours) else talk.said for talk, stop in zip(talks, stops, strict=True)]
    later = [talk.reply >= 0 and book.ages[talk.reply] < each for talk, each in zip(talks, answers, strict=True)]
    given = [not each.why_not for each in declined]
    assert given == [a and not b for a, b in zip(answered, later, strict=True)] and 0 < sum(given) < len(wants)
    assert any(students) and any(refused)
    assert all(draft.facts and draft.text for each in declined for draft in each.drafts)
    assert sum(len(each.drafts) for each in declined) == sum(given)

    some = small_tables.take(np.arange(20))
    forbidden = pd.Series(["email_opt_out is yes", ""] * 10, dtype="str")
    marked = replace(some, leads=some.leads.assign(no_consent_email=forbidden))
    for channel in ("email", "follow_up", "re_engage", "decline"):
        for i, each in enumerate(small_scout.write(marked, Instruction(channel, "warm", "short"), writer=writer)):
            if i % 2 == 0:
                assert each.why_not == "no consent for email: email_opt_out is yes" and not each.drafts
            else:
                assert "no consent" not in each.why_not
    by_linkedin = small_scout.write(marked, Instruction("linkedin", "warm", "short"), writer=writer)
    assert not any("consent" in each.why_not for each in by_linkedin)


def test_a_follow_up_comes_days_after_our_message_and_not_months(why, lead) -> None:
    def follow_up(*given: tuple[float, str, str | None]) -> str:
        return why("follow_up", lead((200 * DAY, "docs_visit", None), *given))

    assert follow_up() == "no earlier message to follow up is known"
    assert follow_up((47.5, "outreach_email", None)) == (
        "too soon to follow up: contacted 47 hours ago, less than 2 days"
    )
    assert follow_up((48.5, "outreach_email", None)) == follow_up((60 * DAY - 1, "outreach_email", None)) == ""
    assert follow_up((60 * DAY + 1, "outreach_email", None)) == (
        "too late to follow up: contacted 61 days ago, more than 60"
    )
    again = (90 * DAY, "outreach_email", None), (5 * DAY, "outreach_email", None)
    assert follow_up(*again) == ""  # the latest counts
    assert follow_up((90 * DAY, "outreach_email", None), (5, "outreach_email", None)).startswith("too soon")


def contacted(tables: LeadTables, hours: float) -> LeadTables:
    """The same leads, contacted so many hours ago."""
    then = tables.leads["contacted_at"] - pd.Timedelta(hours=hours)
    return replace(tables, leads=tables.leads.assign(earlier_contact=then))


def test_re_engagement_comes_back_to_something_after_a_while(why, lead, small_tables, nobody) -> None:
    visited = lead((40 * DAY, "pricing_page", None))
    never = "never in touch: no message, reply or request is known to come back to"
    assert why("re_engage", visited) == why("re_engage", nobody(small_tables)) == never
    for kind in ("outreach_email", "demo_request", "support_ticket"):
        assert why("re_engage", lead((40 * DAY, kind, None))) == ""
        recent = lead((50 * DAY, kind, None), (29.9 * DAY, "pricing_page", None))
        assert why("re_engage", recent) == "no need to re-engage: heard of 29 days ago, less than 30"
    assert why("re_engage", contacted(visited, 35 * DAY)) == ""
    assert why("re_engage", contacted(visited, 3 * DAY)) == "no need to re-engage: heard of 3 days ago, less than 30"
    old = "too late to re-engage: heard of 731 days ago, more than 730"
    assert why("re_engage", lead((730.5 * DAY, "outreach_email", None))) == old
    assert why("re_engage", lead((730 * DAY, "outreach_email", None))) == ""


SILENT = (
    "Hello, if I may,\nAfter a while without a word, I try once more. I can help if you wish. Shall we talk?\n"
    "With respect"
)


def test_without_a_word_is_said_only_to_who_was_written_to_and_never_replied(small_scout, lead, drawing) -> None:
    true = SILENT.replace("After a while without a word, I try once more.", "It has been a while.")
    how = Instruction("re_engage", "modest", "short")

    def drawn(one: LeadTables) -> tuple[str, int]:
        bare = replace(one, leads=one.leads.assign(**{name: None for name in one.schema.profile}))
        (draft,) = small_scout.write(bare, how, writer=drawing(SILENT, true), mention=[])[0].drafts
        return draft.text, draft.drawn

    assert drawn(lead((40 * DAY, "outreach_email", None))) == (SILENT, 1)
    assert drawn(replied(lead((90 * DAY, "outreach_email", None)), 40 * DAY)) == (true, 2)
    assert drawn(lead((40 * DAY, "support_ticket", "where is the invoice"))) == (true, 2)


def test_a_reply_among_the_signals_is_a_reply(why, lead) -> None:
    """Whatever came before it, and whatever came later."""
    sent, said = (90 * DAY, "outreach_email", None), (40 * DAY, "reply_message", "how much is it?")
    later, answered = (5 * DAY, "pricing_page", None), "already replied (2024-05-22, signal {})"
    waits = "replied, asks something and waits: answer it yourself (2024-05-22, signal reply_message)"
    for channel in ("email", "linkedin", "follow_up"):
        for given in ((sent, said), (sent, said, later), (said,), (said, later)):
            assert why(channel, lead(*given)) == waits
        assert why(channel, lead(sent, said, (30 * DAY, "outreach_email", None))) == answered.format("reply_message")
    for kind in ("Email Reply", "EMAIL_REPLIED", "Incoming email", "inbound_call"):
        assert why("email", lead(sent, (40 * DAY, kind, None))) == answered.format(kind)
    for kind in ("auto_reply", "survey response", "support_ticket", "no reply", "email_open"):
        assert why("email", lead(sent, (40 * DAY, kind, None))) == ""
    silent = (40 * DAY, "reply_message", None)
    last = "wrote to us last, and waits for an answer (2024-05-22, signal reply_message)"
    assert why("email", lead(silent)) == last
    for given in ((silent, later), (silent, (30 * DAY, "outreach_email", None))):
        assert why("email", lead(*given)) == why("linkedin", lead(*given)) == answered.format("reply_message")
    assert why("email", contacted(lead(silent, later), 41 * DAY)) == answered.format("reply_message")
    assert why("email", contacted(lead(said, later), 39 * DAY)) == answered.format("reply_message")
    assert why("email", contacted(lead(said), 41 * DAY)) == waits
    for given in ((sent, said), (sent, said, later)):  # nobody says that it was no refusal in words not known here
        assert why("re_engage", lead(*given)) == waits
    assert why("decline", lead(sent, said)) == NOTHING  # it asked something, and did not say no


UNREAD = "in words that are not understood: read it yourself (2024-05-22, signal Email reply)"


@pytest.mark.parametrize("text", ["hmm", "thanks", "Hyv\u00e4", "Nej", "\u0938\u0939\u0940", "go on", "No rush"])
def test_a_reply_in_words_that_nobody_judged_is_for_a_person_to_read(why, lead, text: str) -> None:
    sent, said = (90 * DAY, "outreach_email", None), (40 * DAY, "Email reply", text)
    for channel in ("email", "linkedin", "follow_up", "re_engage", "decline"):
        assert why(channel, lead(sent, said)) == f"replied {UNREAD}"
        if channel != "decline":
            assert why(channel, replied(lead(sent, said), 40 * DAY, positive=False)) == "already replied (known)"
    assert why("email", lead(said)) == f"wrote to us last, {UNREAD}"
    assert why("email", lead(sent, (40 * DAY, "Email reply", None))).startswith("already replied")  # no words at all


OURS = ["outreach_email", "email_sent", "outbound_email", "EMAIL_SENT", "EmailSent", "outgoing mail"]


@pytest.mark.parametrize("value", ["student", "Student", "STUDENT", "PhD Student", "Students"])
def test_a_student_is_one_however_it_is_written(why, lead, value: str) -> None:
    one = lead((40 * DAY, "pricing_page", None))
    for column in ("persona", "Persona"):
        types = {column if name == "persona" else name: type_ for name, type_ in one.schema.columns.items()}
        leads = one.leads.rename(columns={"persona": column}).assign(**{column: pd.Categorical([value])})
        known = replace(one, leads=leads, schema=replace(one.schema, columns=types))
        assert why("email", known) == f"a student, who is not here to buy (column {column})"


@pytest.mark.parametrize("kind", OURS)
def test_a_message_of_ours_by_any_name_is_one(why, lead, kind: str) -> None:
    sent, said = (50 * DAY, kind, None), (40 * DAY, "Email Reply", "how much is it?")
    assert why("follow_up", lead(sent)) == why("re_engage", lead(sent)) == ""
    for channel in ("email", "linkedin", "follow_up"):
        for given in ((sent, said), (sent, said, (5 * DAY, "pricing_page", None))):
            waits = "replied, asks something and waits: answer it yourself (2024-05-22, signal Email Reply)"
            assert why(channel, lead(*given)) == waits


@pytest.mark.parametrize("kind", ["email_not_sent", "outbound email bounced", "docs_visit", "sentiment"])
def test_what_never_reached_a_lead_is_no_message_of_ours(why, lead, kind: str) -> None:
    known = "email bounced, so that its address takes none (signal outbound email bounced)" if "bounced" in kind else ""
    assert why("follow_up", lead((50 * DAY, kind, None))) == (known or "no earlier message to follow up is known")


def test_whoever_was_written_to_a_short_while_ago_gets_no_first_message(why, lead) -> None:
    soon = "too soon for a first message: contacted {} ago, less than {} days"
    visit = (40 * DAY, "pricing_page", None)
    for days, ago in ((0.1, "2 hours"), (1.5, "36 hours"), (2, "2 days"), (29.9, "29 days")):
        for one in (lead(visit, (days * DAY, "outreach_email", None)), contacted(lead(visit), days * DAY)):
            assert why("email", one) == soon.format(ago, 30)
            assert why("linkedin", one) == (soon.format(ago, 2) if days < 2 else "")
            assert (why("follow_up", one) == "") == (days >= 2)
    assert why("email", lead(visit, (30 * DAY, "outreach_email", None))) == ""
    assert why("email", contacted(lead(visit), 30 * DAY)) == ""
    wish = (35 * DAY, "Email reply", "please send the quote")
    assert why("email", lead(wish, (5 * DAY, "outreach_email", None))) == ""  # who asks is written to


REPLIES = [
    *("reply_message", "Email Reply", "EMAIL_REPLIED", "EmailReplied", "email_responded", "Prospect Responded"),
    *("Responses", "LinkedIn answered", "Lead replied", "Incoming email", "inbound_call", "outreach_reply"),
]


NO_REPLIES = [
    *("auto_reply", "AutoReply", "survey response", "no reply", "no_response", "reply_sent", "sent_reply"),
    *("agent_reply", "out_of_office_reply", "reply_bounced", "inbound_web_visit", "Inbound Lead", "reply link clicked"),
    *("incoming_call_missed", "form_response", "support_ticket", "email_open", "demo_request", "noreply"),
]


@pytest.mark.parametrize("kind", [*REPLIES, *NO_REPLIES])
def test_a_kind_is_a_reply_if_its_name_says_that_a_person_wrote_it(why, lead, kind: str) -> None:
    assert is_reply(kind) == (kind in REPLIES)
    said = why("email", lead((90 * DAY, "outreach_email", None), (40 * DAY, kind, None)))
    bounced = "email bounced, so that its address takes none (signal reply_bounced)" if "bounced" in kind else ""
    assert said == (bounced if kind in NO_REPLIES else f"already replied (2024-05-22, signal {kind})")


NOT_BY_THE_LEAD = [
    *("no reply", "no_response", "auto_reply", "survey response", "demo_request_cancelled", "DemoRequestCanceled"),
    *("linkedin connection request sent", "pricing_page"),
]


BY_THE_LEAD = [*REPLIES, "demo_request", "DemoRequest", "support_ticket", "Question", "pricing inquiry"]


@pytest.mark.parametrize("kind", [*BY_THE_LEAD, *NOT_BY_THE_LEAD])
def test_a_student_is_answered_only_if_it_wrote_or_asked_itself(why, lead, kind: str) -> None:
    assert by_the_lead(kind) == (kind in BY_THE_LEAD)
    one = lead((40 * DAY, kind, None))
    student = replace(one, leads=one.leads.assign(persona=pd.Categorical(["student"])))
    assert (why("decline", student) == "") == (kind in BY_THE_LEAD)


def test_a_decline_answers_what_a_lead_said_or_asked(small_scout, why, lead, small_tables) -> None:
    def student(tables: LeadTables) -> LeadTables:
        return replace(tables, leads=tables.leads.assign(persona=pd.Categorical(["student"])))

    looked = lead((40 * DAY, "pricing_page", None), (30 * DAY, "outreach_email", None))
    asked = lead((40 * DAY, "demo_request", None))
    for one in (looked, asked, lead((9, "support_ticket", None))):
        assert why("decline", one) == NOTHING
    assert why("decline", student(looked)) == f"a student, who {NOTHING} (column persona)"
    assert why("decline", student(asked)) == why("decline", student(lead((9, "support_ticket", None)))) == ""
    unheard = replied(student(asked), 5 * DAY)  # and replied later, in words that are not read here
    assert why("decline", unheard) == why("decline", replied(student(looked), 5 * DAY)) == "already replied (known)"
    assert why("decline", replied(student(looked), 5 * DAY, positive=False)) == ""
    for mention in (None, ["industry"], ["persona"]):  # what may be spoken of changes nothing
        assert why("email", student(looked), mention=mention).startswith("a student, who is not here to buy")
        assert why("decline", student(looked), mention=mention).startswith("a student, who said nothing")
    how = Instruction("decline", "warm", "short")
    (draft,) = small_scout.write(student(asked), how)[0].drafts
    assert "student" in draft.text and [fact.about for fact in draft.facts] == ["persona"]
    (draft,) = small_scout.write(student(asked), how, mention=["industry"])[0].drafts
    assert draft.text and "student" not in draft.text and draft.facts == ()


def replied(tables: LeadTables, hours: float | None, *, positive: bool = True) -> LeadTables:
    """The same leads, of which a reply so many hours ago is known; None: nobody knows when."""
    at = tables.leads["contacted_at"] - pd.Timedelta(hours=hours or 0)
    known = {
        "earlier_reply_judged": True,
        "earlier_reply": "known",
        "earlier_reply_at": at if hours is not None else pd.NaT,
    }
    return replace(tables, leads=tables.leads.assign(**known, earlier_reply_positive=positive))


def test_who_replied_gets_no_first_message_but_may_be_re_engaged_or_declined(why, lead) -> None:
    visited = lead((50 * DAY, "outreach_email", None), (40 * DAY, "pricing_page", None))
    assert [why(channel, visited) for channel in ("email", "linkedin", "follow_up", "re_engage")] == [""] * 4
    for channel in ("email", "linkedin", "follow_up", "decline"):
        for hours in (35 * DAY, None):
            assert why(channel, replied(visited, hours)) == "already replied (known)"
    assert why("re_engage", replied(visited, 35 * DAY)) == ""
    assert why("re_engage", replied(visited, 9 * DAY)) == "no need to re-engage: heard of 9 days ago, less than 30"
    assert why("re_engage", replied(visited, None)) == "already replied (known)"
    assert why("re_engage", replied(visited, 35 * DAY, positive=False)) == "already replied (known)"
    assert why("re_engage", replied(visited, 30 * DAY)) == ""  # 30 to 730 days, and these two are among them
    assert why("re_engage", replied(visited, 30 * DAY - 1)).startswith("no need to re-engage: heard of 29 days ago")

    refused = lead((40 * DAY, "Email reply", "We are not interested."))
    assert why("email", replied(refused, 35 * DAY)).startswith("refused in its own words")
    assert why("decline", refused) == ""
    assert why("decline", replied(refused, 40 * DAY - 1)) == ""  # the reply was that no
    assert why("decline", replied(refused, 45 * DAY)) == ""  # it came before it
    assert why("decline", replied(refused, 35 * DAY)) == "already replied (known)"  # it took the no back, perhaps
    assert why("decline", replied(refused, 35 * DAY, positive=False)) == ""
    assert why("decline", replied(refused, None)) == "already replied (known)"
    told = (40 * DAY, "Email reply", "We are not interested.")
    came_back = lead(
        (60 * DAY, "outreach_email", None), told, (10 * DAY, "Email reply", "OK, sounds good, let us talk")
    )
    assert why("email", came_back).startswith("refused in its own words")  # words that ask for nothing yet
    assert why("decline", replied(came_back, 10 * DAY)) == "already replied (known)"
    unread = "replied in words that are not understood: read it yourself (2024-06-21, signal Email reply)"
    assert why("decline", replied(came_back, 40 * DAY)) == unread
    for text, reason in (
        ("Please remove us from the list", "asked to be left alone"),
        ("We do not need the quote. Stop writing to me!", "asked to be left alone"),
        ("we do not need the agreement", "turned something down"),
    ):
        said = lead((40 * DAY, "Email reply", text))
        for channel in ("email", "decline"):
            assert why(channel, said).startswith(reason), text
    gone = lead((40 * DAY, "unsubscribe", None))
    assert why("decline", replied(gone, 45 * DAY)).startswith("unsubscribed")


def test_a_reply_in_the_column_and_as_a_signal_is_one_reply_with_one_sentiment(why, lead) -> None:
    """The column has a date, so the midnight before; the signal the hour."""
    logged = lead((60 * DAY, "outreach_email", None), (40 * DAY, "reply_message", "thanks"))
    for later in (9.5, 0.0, -3.0):  # hours of the signal after the column's time
        assert why("re_engage", replied(logged, 40 * DAY + later, positive=False)) == "already replied (known)"
        assert why("re_engage", replied(logged, 40 * DAY + later)) == ""
    again = "replied in words that are not understood: read it yourself (2024-05-22, signal reply_message)"
    assert why("re_engage", replied(logged, 42 * DAY, positive=False)) == again  # two days later, nobody says how


def test_a_wish_that_is_withdrawn_later_is_not_come_back_to(why, lead) -> None:
    wish = (35 * DAY, "Email reply", "please send us the agreement")
    assert why("email", lead(wish)) == ""
    for text in ("in their words, we do not need the agreement", "the agreement is not wanted"):
        assert why("email", lead(wish, (32 * DAY, "call_note", text))).startswith("already replied")
    assert why("email", lead(wish, (32 * DAY, "note", "we do not need the newsletter"))) == ""


def test_a_no_that_a_lead_took_back_within_the_day_is_not_declined(why, lead) -> None:
    no = (5 * DAY, "Email reply", "we are not interested")
    assert why("decline", lead(no)) == ""
    back = (4.3 * DAY, "Email reply", "it is not two weeks but next quarter that suits us")
    assert "replied" in why("decline", lead(no, back)) or "wrote to us last" in why("decline", lead(no, back))
