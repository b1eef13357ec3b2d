"""Leads that asked for something: by a form, in a note of a call, in a reply that a person has to answer."""

from collections.abc import Callable
from itertools import permutations

import pytest

from tinyscout.drafting import Drafted
from tinyscout.leads.outreach_facts import AGES, BETWEEN, DEEDS, Fact
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_stand_ins import put_back, stand_ins
from tinyscout.leads.refusals import NO, refusal

DAY = 24.0
OUTGOING = (3 * DAY, "Call (outgoing)", "asked for a demo")
CALL, FORM = (3 * DAY, "Call", "Connected, asked for a quote"), (3 * DAY, "Form submission", "Book a demo")


@pytest.fixture
def written(small_scout, small_tables, signals_of, writer) -> Callable[..., Drafted]:
    """What is written by a channel to a lead with these signals."""

    def write(channel: str, *given: tuple[float, str, str | None], length: str = "medium", **options) -> Drafted:
        how = Instruction(channel, "friendly", length)
        return small_scout.write(signals_of(small_tables, *given), how, writer=writer, **options)[0]

    return write


@pytest.mark.parametrize(
    ("signal", "said"), [(CALL, "asked for a quote"), (FORM, "asked for a demo"), (OUTGOING, "asked for a demo")]
)
def test_who_asked_by_a_form_or_in_a_talk_is_written_to_about_that(written, signal, said: str) -> None:
    for channel in ("email", "linkedin"):
        (draft,) = written(channel, (200 * DAY, "docs_visit", None), signal).drafts
        assert draft.problems == () and f"{said} a few days ago" in draft.text
        assert draft.facts[0].about == signal[1] and "notes have" not in draft.text


@pytest.mark.parametrize("more", [(), ((2 * DAY, "reply_message", "please send the demo"),)])
def test_a_wish_is_said_once_whatever_tells_of_it(written, more) -> None:
    asked = (3 * DAY, "demo_request", None)
    (draft,) = written("email", asked, *more, mention=["demo_request", "reply_message"]).drafts
    assert draft.problems == () and draft.text.count("asked for") == 1
    assert [fact.thing for fact in draft.facts] == ["the demo"]


@pytest.mark.parametrize(
    ("days", "age"), [(1.5, "a day or two ago"), (12, "a week or two ago"), (50, "a month or two ago")]
)
def test_an_age_that_no_lesson_has_is_told(written, days: float, age: str) -> None:
    reply, webinar = (days * DAY, "Email reply", "please send the quote"), (200 * DAY, "webinar", None)
    (draft,) = written("email", webinar, reply).drafts
    assert draft.problems == () and f"asked for the quote {age}" in draft.text
    told = {fact.said: fact.when for fact in draft.facts}
    assert told["asked for the quote"] == age
    assert told.get("joined our webinar", "a few months ago") == "a few months ago"


def test_two_ages_are_never_told_as_one() -> None:
    kinds, deeds = zip(*((kind, DEEDS[kind][1]) for kind in ("docs_visit", "webinar", "demo_request")), strict=True)
    known, between = ({words for *_, words in ages} for ages in (AGES, BETWEEN))
    for some in permutations(sorted(known | between), 3):
        facts = [Fact(kind, "", did, when, True) for kind, did, when in zip(kinds, deeds, some, strict=True)]
        told = stand_ins(facts)
        assert len({each.told.when for each in told}) == 3 and {each.told.when for each in told} <= known
        raw = " ".join(f"You {each.told.said} {each.told.when}." for each in told)
        assert put_back(raw, told) == " ".join(f"You {fact.said} {fact.when}." for fact in facts)


def test_a_wish_in_a_note_is_no_longer_one_after_our_message_or_a_no(written) -> None:
    visit = (100 * DAY, "docs_visit", None)
    assert written("email", visit, CALL, (2 * DAY, "outreach_email", None)).why_not.startswith("too soon")
    taken_back = written("email", visit, CALL, (2.5 * DAY, "Note", "does not need the quote, and no proposal"))
    assert taken_back.why_not.startswith("too soon for a first message: spoken with 3 days ago (signal Call)")
    assert written("email", visit, CALL, mention=["docs_visit"]).why_not.startswith("too soon")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Can we see a demo and a contract?", "replied, wants something and waits: answer it yourself"),
        ("How does single sign-on work?", "replied, asks something and waits: answer it yourself"),
        ("go on", "wrote to us last, in words that are not understood: read it yourself"),
    ],
)
def test_a_reply_that_a_person_should_answer_says_so(written, text: str, status: str) -> None:
    reply, later = (5 * DAY, "Email reply", text), (2 * DAY, "outreach_email", None)
    assert written("email", reply).why_not == f"{status} (2024-06-26, signal Email reply)"
    assert "answer it yourself" not in written("email", reply, later).why_not
    maybe = written("email", (5 * DAY, "Email", text)).why_not
    wants = {"wants": " and wants something", "asks": " and asks something"}.get(status.split()[1], "")
    assert maybe == f"may have replied{wants}: read it yourself (2024-06-26, signal Email)"


def test_what_was_given_is_not_spoken_of_as_asked_for(written) -> None:
    form, visit = (5 * DAY, "Form submission", "Request a quote"), (6 * DAY, "docs_visit", None)

    def facts(*later: tuple[float, str, str | None]) -> list[str]:
        (draft,) = written("email", visit, form, *later).drafts
        return [fact.said for fact in draft.facts if fact.did]

    assert "asked for a quote" in facts() and "asked for a quote" in facts((4 * DAY, "Note", "likes what he saw"))
    assert facts((4 * DAY, "Note", "Quote sent by post")) == ["read our docs"]
    assert facts((4 * DAY, "Note", "doesn't need the quote any more")) == ["read our docs"]
    assert facts((4 * DAY, "Quote completed", None)) == ["read our docs"]
    other = (1.5 * DAY, "Form submission", "Newsletter signup")  # of whose age no phrase tells
    assert "asked for a quote" not in facts((4 * DAY, "Note", "Quote sent by post"), other)
    assert "asked for a quote" in facts((4 * DAY, "Note", "the quote was not sent yet"))
    again = (3 * DAY, "Form submission", "Request a quote")
    assert "asked for a quote" in facts((4 * DAY, "Note", "Quote sent by post"), again)


def test_what_a_reply_asked_for_more_than_a_year_ago_is_for_a_person_to_answer(written) -> None:
    fresh, old = ((days * DAY, "Email reply", "please send the quote") for days in (350, 380))
    assert written("email", fresh).drafts and written("linkedin", fresh).drafts
    assert written("email", old).why_not.startswith("replied, wants something and waits: answer it yourself")


BOUNDED = [
    *(
        "isn't interested in the free plan, wants enterprise",
        "Not interested in the free plan, but the big one may work",
    ),
    *("not interested in the free plan, wants enterprise", "No interest in the trial. We would like the big plan."),
    *(
        "We don't need the newsletter but are looking for an agency plan",
        "not interested in a webinar, wants to see prices",
    ),
]
PLAIN = [
    *("not interested in your product, we want none", "not interested in anything, wants nothing", "not interested"),
    *("not interested in the offer, we need to cut costs", "Not interested in the slides, but Bob may be"),
    *("not interested in the slides, no thanks, wants peace", "not interested in it, wants another vendor"),
]


@pytest.mark.parametrize("text", BOUNDED)
def test_a_no_to_one_thing_and_a_wish_for_another_is_no_plain_no(written, text: str) -> None:
    assert refusal(text) == ""
    for kind in ("Call", "Email", "Email reply"):
        for channel in ("email", "decline"):
            found = written(channel, (40 * DAY, "outreach_email", None), (5 * DAY, kind, text))
            assert found.why_not == f"turned one thing down and wants another: answer it yourself (signal {kind})"


@pytest.mark.parametrize("text", PLAIN)
def test_a_no_stays_one_where_the_wish_is_none(text: str) -> None:
    assert refusal(text) == NO


def test_two_deeds_of_a_crm_have_stand_ins_of_their_own() -> None:
    deeds = [
        Fact(kind, "", said, "a few days ago", True) for kind, said in (("a", "joined our fair"), ("b", "saw our ad"))
    ]
    told = [each.told.said for each in stand_ins(deeds)]
    assert len(set(told)) == 2
