"""Values of any CRM in English sentences: with their article, in small letters, or not at all."""

import pytest

from tinyscout.leads.oracle_texts import BUYING, GIVEAWAY
from tinyscout.leads.outreach_checks import inventions
from tinyscout.leads.outreach_facts import Fact
from tinyscout.leads.outreach_values import clean
from tinyscout.leads.outreach_wording import smooth, worded


@pytest.mark.parametrize(
    ("about", "value", "said"),
    [
        ("Country", "Netherlands", "the Netherlands"),
        ("Country/Region", "United States", "the United States"),
        ("country", "UK", "the United Kingdom"),
        ("Country", "Germany", "Germany"),
        ("Industry", "COMPUTER_SOFTWARE", "software"),
        ("Industry", "HOSPITAL_HEALTH_CARE", "health care"),
        ("Industry", "LEGAL_SERVICES", "legal services"),
        ("Industry", "RETAIL", "retail"),
        ("Industry", "Health Care", "health care"),
        ("industry", "agency", "the agency business"),
        ("industry", "fintech", "fintech"),
        ("Industry", "NONPROFIT_ORG", None),
        ("Industry", "Other", None),
        ("Industry", "Banking & Insurance", "Banking & Insurance"),
        ("Industry", "IT", "IT"),
        ("Lifecycle segment", "MARKETING_QUALIFIED", None),
        ("Persona", "Marketing Manager", "a marketing manager"),
        ("Role", "Student", None),
        ("Persona", "Marketing Lead", None),
        ("persona", "saas_founder", "a founder"),
        ("Job title", "Sales Ops", None),
        ("Original Source", "Referrals", "a referral"),
        ("Lead Source", "Direct Traffic", None),
        ("Lead Source", "Google", "Google"),
        ("Lead Source", "Email Marketing", None),
        ("source", "PPC", None),
    ],
)
def test_a_value_is_worded_or_left_out(about: str, value: str, said: str | None) -> None:
    found = worded(Fact(about, value, clean(value)))
    assert (found.said if found else None) == said
    assert not found or (found.about, found.value) == (about, value)


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
