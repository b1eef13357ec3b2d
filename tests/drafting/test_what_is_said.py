"""What a draft says of a lead's own words: no more than they were."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.drafting import Drafted
from tinyscout.leads import LeadTables
from tinyscout.leads.outreach_checks import inventions
from tinyscout.leads.outreach_instructions import Instruction

DAY = 24.0
SENT = (90 * DAY, "outreach_email", None)


@pytest.fixture
def written(small_scout, small_tables, signals_of, writer) -> Callable[..., Drafted]:
    """What is written by a channel to the first lead, with these signals."""

    def write(channel: str, *given: tuple[float, str, str | None], length: str = "short", **options) -> Drafted:
        how = Instruction(channel, options.pop("tone", "warm"), length)
        return small_scout.write(signals_of(small_tables, *given), how, writer=writer, **options)[0]

    return write


@pytest.mark.parametrize("tone", ["warm", "casual", "formal"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("We are not interested.", "you told us that you are not interested"),
        ("not interested at the moment", "you told us that you are not interested at the moment"),
        ("No thanks, we don't want it and are not interested", "you told us that you are not interested"),
        ("We do not want it, no interest", "you told us that you are not interested"),
        ("We are not ready to buy, and we do not need it", "you said no"),
    ],
)
def test_a_decline_repeats_a_no_as_it_was_said(written, tone: str, text: str, said: str) -> None:
    for length in ("short", "medium"):
        (draft,) = written("decline", SENT, (40 * DAY, "Email reply", text), tone=tone, length=length, n=1).drafts
        assert draft.problems == () and draft.text.count(said) == 1
        assert "not for you" not in draft.text + draft.facts[0].point and "your notes" not in draft.text
        assert ("at the moment" in draft.text) == ("at the moment" in text)
        assert inventions(draft.text, draft.facts) == [] and inventions(draft.text, ())


def test_who_turned_one_thing_down_gets_no_decline(written) -> None:
    """It asked for the proposal before: that it does not need the agreement is no word on that."""
    asked, no = (50 * DAY, "reply_message", "please send the proposal"), "we do not need the agreement"
    for channel in ("decline", "email"):
        found = written(channel, SENT, asked, (35 * DAY, "reply_message", no))
        assert found.why_not == "turned something down (signal reply_message)" and not found.drafts


def test_a_decline_to_a_student_says_that_it_is_one_and_not_what_it_came_for(small_scout, small_tables, signals_of):
    one = signals_of(small_tables, (40 * DAY, "demo_request", None))
    student = replace(one, leads=one.leads.assign(persona=pd.Categorical(["student"])))
    for tone in ("warm", "casual"):
        (draft,) = small_scout.write(student, Instruction("decline", tone, "short"))[0].drafts
        assert "a student" in draft.text and "here to buy" not in draft.text and draft.facts[0].said == "a student"
        untold = small_scout.write(student, Instruction("decline", tone, "short"), mention=["industry"], n=3)
        assert all(draft.text for draft in untold[0].drafts)
        assert not any(words in draft.text for draft in untold[0].drafts for words in ("at this time", "at present"))


WISHES = {
    "hello, we are after the ebook rather than the quote": "ebook",
    "hello, we are after the quote rather than the ebook": "quote",
    "please send the slides but not the contract": "slides",
    "could you prepare a demo": "demo",
}


@pytest.mark.parametrize("text", WISHES)
@pytest.mark.parametrize("channel", ["email", "linkedin"])
def test_who_asks_for_one_thing_is_written_to_about_that(written, channel: str, text: str) -> None:
    said, later = (35 * DAY, "reply_message", text), (30, "pricing_page", None)
    for given in ((said,), (SENT, said), (SENT, said, later), (SENT, said, (32 * DAY, "outreach_email", None))):
        (draft,) = written(channel, *given).drafts
        assert f"the {WISHES[text]}" in draft.text and "about a month ago" in draft.text
        assert draft.facts[0].point == f"did: asked for the {WISHES[text]}, about a month ago"
        assert draft.facts[0].source == "signal reply_message, 840 h ago"
        other = {"ebook": "quote", "quote": "ebook", "slides": "contract", "demo": "trial"}[WISHES[text]]
        assert other not in draft.text


def test_a_wish_is_not_spoken_of_where_it_is_old_or_taken_back_or_not_to_be_mentioned(written) -> None:
    text = "we are after the ebook rather than the quote"
    replied = "already replied (2024-05-27, signal reply_message)"
    said = (35 * DAY, "reply_message", text)
    assert written("email", SENT, said, mention=["industry"]).why_not == replied
    assert written("email", SENT, said, mention=["reply_message"]).drafts[0].text
    for channel in ("follow_up", "re_engage"):
        assert written(channel, SENT, said).why_not == replied
    assert written("decline", SENT, said).why_not == "said nothing that a decline would answer"
    last = "replied in words that are not understood: read it yourself (2024-05-30, signal reply_message)"
    assert written("email", SENT, said, (32 * DAY, "reply_message", "got it")).why_not == last
    assert "asked for" not in written("email", SENT, (40 * DAY, "support_ticket", text)).drafts[0].text
    no = (50 * DAY, "reply_message", "We are not interested.")
    assert written("email", SENT, no, said).why_not == ""  # it thought better of it
    assert written("email", SENT, said, (32 * DAY, "reply_message", "not interested")).why_not.startswith("refused")
    assert written("email", SENT, (40 * DAY, "unsubscribe", None), said).why_not.startswith("unsubscribed")


def test_a_draft_that_leaves_the_wish_out_is_withheld(small_scout, small_tables, signals_of, drawing, placed) -> None:
    one = signals_of(small_tables, (35 * DAY, "reply_message", "we are after the ebook rather than the quote"))
    how = Instruction("email", "direct", "short")
    raw = placed.replace("I can help if you wish.", "You asked for a demo about a month ago. I can help from here.")
    (draft,) = small_scout.write(one, how, writer=drawing(placed, raw))[0].drafts
    assert draft.drawn == 2 and "You asked for the ebook about a month ago." in draft.text
    (draft,) = small_scout.write(one, how, writer=drawing(placed))[0].drafts
    assert "leaves out what the lead asked for" in draft.problems


def test_a_wish_stands_beside_a_demo_that_was_asked_for_too(small_scout, small_tables, signals_of, writer) -> None:
    one: LeadTables = signals_of(
        small_tables,
        (35 * DAY, "reply_message", "we are after the ebook rather than the quote"),
        (7 * DAY, "demo_request", None),
    )
    bare = replace(one, leads=one.leads.assign(**{name: None for name in one.schema.profile}))
    (draft,) = small_scout.write(bare, Instruction("email", "warm", "medium"), writer=writer, seed=2)[0].drafts
    assert "ebook" in draft.text and np.isin("asked for the ebook", [fact.said for fact in draft.facts])
    if "asked for a demo" in draft.text:
        assert "asked for a demo about a week ago" in draft.text


def test_names_to_mention_may_be_in_capitals_or_not(small_scout, small_tables, writer) -> None:
    some, how = small_tables.take(np.arange(12)), Instruction("email", "warm", "short")
    told = [small_scout.write(some, how, writer=writer, mention=[name]) for name in ("industry", "INDUSTRY")]
    assert told[0] == told[1] and any(draft.facts for each in told[0] for draft in each.drafts)


def test_nobody_works_in_agency_work(small_scout, small_tables, writer) -> None:
    agencies = np.flatnonzero((small_tables.leads["industry"] == "agency").to_numpy())[:80]
    how, n = Instruction("email", "warm", "short"), 0
    for each in small_scout.write(small_tables.take(agencies), how, writer=writer, mention=["industry"]):
        for draft in each.drafts:
            assert "agency work" not in draft.text and "the agency business" in draft.text
            n += 1
    assert n > 10
