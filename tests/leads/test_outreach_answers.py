"""A lead's own words: a no only where all is turned down, and a wish only where one thing is asked for."""

import pytest

from tinyscout.leads.outreach_answers import NOT_INTERESTED, NOT_NOW, SAID_NO, asked_for, plain_no
from tinyscout.leads.world_texts import TEMPLATES


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("as promised, we are after the ebook rather than the quote sent on the go", "ebook"),
        ("We need the quote instead of the ebook", "quote"),
        ("it is not the quote but the slides we asked for", "slides"),
        ("please send the ebook but not the contract", "ebook"),
        ("we would take the newsletter and not the demo at this point", "newsletter"),
        ("could you prepare a quote?", "quote"),
        ("Please send us the proposal", "proposal"),
        ("could you mail me the whitepaper please", "whitepaper"),
        ("Can I have the slides?", "slides"),
        ("could we get a quote?", "quote"),
        ("Let me have the proposal.", "proposal"),
        ("Please book a demo for us", "demo"),
        ("can we get the recording deleted?", ""),
        ("could we see the contract of your other client", ""),
        ("please book a demo for my boss", ""),
        ("please send us the quote and the contract", ""),
        ("we want a demo or a quote", ""),
        ("I want the newsletter stopped", ""),
        ("I'd like the contract terminated", ""),
        ("please send the contract back, we cancel", ""),
        ("we want the quote approved", ""),
        ("please send the quote to my address", "quote"),
        ("Send me the ebook, also your price list.", ""),
        ("we would like a quote, the demo was great", "quote"),
        ("who may I mail the contract to", ""),
        ("we do not need the agreement", ""),
        ("no thanks, just send the slides", ""),
        ("we do not want to buy, but please send the slides", ""),
        ("Please remove us, and do not send the quote. We want the demo of others", ""),
        ("please stop, we need the quote from somebody else", ""),
        ("my cousin would like the quote", ""),
        ("please send the quote in two weeks", ""),
        ("please send the quote for my thesis", ""),
        ("I need to tell you that the demo was awful", ""),
        ("please send the ebook and we need the slides", ""),
        ("where can I find the ebook", ""),
        ("", ""),
    ],
)
def test_a_wish_is_heard_where_one_thing_is_asked_for(text: str, thing: str) -> None:
    assert asked_for(text) == thing and (not thing or plain_no(text) == "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("We are not interested.", NOT_INTERESTED),
        ("Re: your note. Not interested, thanks.", NOT_INTERESTED),
        ("we're not really interested in it", NOT_INTERESTED),
        ("not interested at the moment", NOT_NOW),
        ("honestly, we are not interested for now", NOT_NOW),
        ("No thanks", SAID_NO),
        ("we don't want it", SAID_NO),
        ("no thanks for now", ""),
        ("we do not need the agreement", ""),
        ("we are not interested in the pilot", ""),
        ("no interest in the demo", ""),
        ("we are not interested this year", ""),
        ("not interested yet", ""),
        ("I am not interested but my boss is", ""),
        ("why are you not interested?", ""),
        ("no thanks, please send the slides", ""),
        ("no thanks to your support team", ""),
        ("please send the proposal", ""),
        ("", ""),
    ],
)
def test_a_no_is_said_as_plainly_as_the_lead_said_it(text: str, said: str) -> None:
    assert plain_no(text) == said


def test_of_the_worlds_refusals_one_is_a_plain_no_and_those_that_prefer_another_thing_ask_for_it() -> None:
    refusals = [text.format(buying="quote", giveaway="ebook") for text in TEMPLATES["refuse"]]
    assert [text for text in refusals if plain_no(text)] == ["we are not interested"]
    assert [asked_for(text) for text in refusals] == ["", "", "", "", *["ebook"] * 5]
    wishes = [text.format(buying="quote", giveaway="ebook") for text in TEMPLATES["want"]]
    assert [asked_for(text) for text in wishes] == ["quote"] * len(wishes)
