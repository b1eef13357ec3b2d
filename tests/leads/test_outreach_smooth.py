"""Sentences of a written message that suit its facts ill, and its last question, in words of the corpus instead."""

import pytest

from tinyscout.leads.oracle_texts import BUYING, GIVEAWAY
from tinyscout.leads.outreach_checks import inventions
from tinyscout.leads.outreach_facts import Fact
from tinyscout.leads.outreach_smooth import smooth


def test_nobody_is_asked_why_they_asked() -> None:
    fact = Fact("Call", "", "asked for a quote", "a few days ago", True)
    text = "I would like to hear why you asked for a quote a few days ago. A plain no is fine as well. "
    text += "Is now a bad moment?"
    assert smooth(text, [fact]) == (
        "You asked for a quote a few days ago, and I would like to hear what you were looking for. "
        "You can simply answer this note. Would a short talk be worth your time?"
    )
    visit = Fact("docs_visit", "", "read our docs", "a few days ago", True)
    assert smooth("Is now a bad moment?", [visit]) == "Would a short talk be worth your time?"
    assert smooth("Is now a bad moment?", []) == "Is now a bad moment?"
    fresh = "I have not forgotten that you read our docs in the last day. Can I help?"
    assert smooth(fresh, [visit]) == "I saw that you read our docs in the last day. Can I help?"
    why = "I'd like to hear why you read our docs a few days ago. What are you trying to solve?"
    assert smooth(why, [visit]).startswith("You read our docs a few days ago, and I'd like to hear what you were")
    assert Fact("Form submission", "", "started a free trial", "", True).thing == "the free trial"
    assert Fact("Call", "", "asked for an agreement", "", True).thing == "the agreement"


def test_sentences_that_are_no_english_with_a_value_are_swapped() -> None:
    law = Fact("industry", "legal", "legal services")
    assert smooth("I know that legal services has rules of its own.", [law]) == "In legal services, trust takes time."
    known = "I know that retail has rules of its own."
    assert smooth(known, [Fact("industry", "retail", "retail")]) == known
    for you in ("you are", "you're"):
        odd = f"That {you} in Spain is no obstacle to a call. Shall we talk?"
        assert smooth(odd, []) == "From Spain, a call is easy to arrange. Shall we talk?"


SENT = {thing: f"Shall I send you the {thing}?" for thing in (*BUYING, *GIVEAWAY)}
ENDS = SENT | {
    "demo": "Shall I show you the demo?",
    "pilot": "Shall I walk you through the next step?",
    "rollout": "Shall I walk you through the next step?",
}


@pytest.mark.parametrize("thing", ENDS)
@pytest.mark.parametrize("parting", ["", "\nBest wishes"])
def test_who_asked_for_a_thing_is_asked_about_it_at_the_end(thing: str, parting: str) -> None:
    asked = Fact("form", "75 h ago", f"asked for {'an' if thing[0] in 'aei' else 'a'} {thing}", "a few days ago", True)
    text = f"Subject: {{}}\nHi there,\nYou {asked.said} {asked.when}, and I can help. {{}}{parting}"
    for question in ("May I send you a short summary?", "What are you trying to solve?"):
        found = smooth(text.format(asked.thing, question), [asked])
        assert found == text.format(asked.thing, ENDS[thing])
        assert inventions(found, [asked]) == []
    for kept in ("Shall we talk?", "Does a short call suit you?"):
        assert smooth(text.format(asked.thing, kept), [asked]) == text.format(asked.thing, kept)
    read = Fact("docs_visit", "75 h ago", "read our docs", "a few days ago", True)
    other = f"Hi there,\nYou {read.said} {read.when}. What would help you most?{parting}"
    assert smooth(other, [read, asked]) == other  # which is not spoken of


@pytest.mark.parametrize(
    ("said", "end"),
    [("asked for our prices", "Shall I send you our prices?"), ("asked for our sales team", "Shall we talk?")],
)
def test_what_a_form_asks_for_is_offered_too(said: str, end: str) -> None:
    asked = Fact("form", "75 h ago", said, "a few days ago", True)
    found = smooth(f"Hi,\nI write because you {said} a few days ago. Can I help?\nThanks", [asked])
    assert found == f"Hi,\nI write because you {said} a few days ago. {end}\nThanks"
    assert inventions(found, [asked]) == []


def test_a_question_at_the_beginning_stays_but_for_whether_they_still_look() -> None:
    asked = Fact("form", "75 h ago", "asked for a quote", "a few days ago", True)
    first = (
        "Hi,\nMay I ask whether you are still looking? The reason I ask: you asked for a quote a few days ago.\nThanks"
    )
    assert smooth(first, [asked]) == first.replace(
        "May I ask whether you are still looking?", "Could we talk for a moment?"
    )
