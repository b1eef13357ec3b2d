"""A true sentence may be out of place: it goes on from what nobody did, holds back from who asked, or says it twice."""

import pytest

from tinyscout.leads.outreach_amiss import taken_amiss
from tinyscout.leads.outreach_templates import FAMILIES


def test_a_look_back_at_nothing_that_a_lead_did_may_be_taken_amiss():
    looks_back = "I wondered whether a question was left open when you read our docs"
    assert taken_amiss(f"Hi,\n{looks_back} a few days ago. Can I help?\nThanks", "email") == []
    assert taken_amiss("Hi,\nYou use Python. I can pick up where you left off. Can I help?\nThanks", "email") == [
        "I can pick up where you left off."
    ]
    assert taken_amiss("Hi,\nYou use Python. Can I help?\nThanks", "email") == []


def test_nothing_is_on_with_whoever_asked_for_nothing_and_was_never_written_to():
    asks = "You {did} a few days ago, and I would like to know where things stand. Is there more you need from me?"
    read, wished = (f"Hi,\n{asks.format(did=did)}\nThanks" for did in ("read our docs", "asked for a demo"))
    assert [len(taken_amiss(read, channel)) for channel in ("email", "linkedin", "follow_up", "re_engage")] == [
        2,
        2,
        0,
        0,
    ]
    waits = "You asked for a demo a few days ago, and I would like to know where things stand."
    assert taken_amiss(wished, "email") == [waits]


def test_who_was_written_to_before_is_not_somebody_new():
    text = "Hey,\nIt's been a while. I know little about you so far, so I'll keep this open. Can I help?\nCheers"
    assert len(taken_amiss(text, "re_engage")) == 1 and taken_amiss(text, "email") == []


def test_no_opening_of_the_corpus_with_a_deed_goes_amiss_with_its_questions_unless_both_say_the_same():
    twice = set()
    for family in FAMILIES.values():
        for opening in family.hooks:
            said = opening.format(did="read our docs", when="a few days ago", thing="our docs")
            assert taken_amiss(said, "email", written_to=True) == []
            twice |= {each for ask in family.asks for each in taken_amiss(f"{said} {ask}", "email", written_to=True)}
    assert twice == {"Can I help?", "How do things stand on your side?", "May I share a bit more?"}


def test_who_waits_for_something_is_not_held_off():
    text = "Hi,\nYou {did} a few days ago. A plain no is fine as well. Would a short talk be worth your time?\nThanks"
    assert len(taken_amiss(text.format(did="asked for a quote"), "email")) == 2
    assert taken_amiss(text.format(did="read our docs"), "email") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A plain no is fine as well.", "If you would rather not hear from me, just say so."),
        ("A short answer is enough.", "We can keep this short."),
        ("You know best what would help.", "What would help you most?"),
        ("I can help if you wish.", "Can I help?"),
        ("I am happy to help either way.", "If the timing is wrong, I am happy to come back later."),
        ("I can share more with you if you wish.", "May I share a bit more?"),
    ],
)
def test_the_same_is_not_said_twice_in_other_words(one: str, other: str):
    assert taken_amiss(f"Hi,\n{one} {other}\nThanks", "email") == [other]
    assert taken_amiss(f"Hi,\n{one}\nThanks", "email") == [] == taken_amiss(f"Hi,\n{other}\nThanks", "email")


def test_what_is_of_no_use_to_anybody_is_amiss_everywhere():
    assert taken_amiss("Hi,\nI know that software has rules of its own. Shall we talk?\nThanks", "linkedin") != []


def test_who_got_a_mail_before_is_known():
    text = "Hi,\nI will be brief, as I know little about you. Shall we talk?\nThanks"
    assert taken_amiss(text, "email") == [] and len(taken_amiss(text, "email", written_to=True)) == 1
