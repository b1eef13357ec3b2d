"""The seller's own words stand where a message has a place for them, and leave no trace where there are none."""

import pytest

from tinyscout.errors import ArgumentError
from tinyscout.leads.outreach_offer import LONGEST_OFFER, LONGEST_SENDER, one_line, places, signed, with_offer

SAID = "Hi,\nYou read our docs a few days ago. OFFER. Shall we talk?\nThanks"
OFFER = "We help small teams book meeting rooms."


@pytest.mark.parametrize(
    ("text", "with_one", "without"),
    [
        (SAID, SAID.replace("OFFER.", OFFER), "Hi,\nYou read our docs a few days ago. Shall we talk?\nThanks"),
        ("Hi,\nShall we talk? OFFER.\nThanks", f"Hi,\nShall we talk? {OFFER}\nThanks", "Hi,\nShall we talk?\nThanks"),
        ("Hi,\nOFFER. Shall we talk?", f"Hi,\n{OFFER} Shall we talk?", "Hi,\nShall we talk?"),
        ("Hi,\nShall we talk?", "Hi,\nShall we talk?", "Hi,\nShall we talk?"),
        ("Hi,\nxOFFER. OFFERS OFFER", "Hi,\nxOFFER. OFFERS OFFER", "Hi,\nxOFFER. OFFERS OFFER"),
    ],
)
def test_an_offer_stands_in_its_place_or_nothing_does(text: str, with_one: str, without: str) -> None:
    assert with_offer(text, OFFER) == with_offer(text, OFFER.rstrip(".")) == with_one
    assert with_offer(text) == without
    assert places(text) == (with_one != text)


@pytest.mark.parametrize(
    "offer", [r"a\1 \g<0> {said} %s", "R\u00e4ume f\u00fcr 5 \u20ac!", "Why not?", "  two  spaces "]
)
def test_an_offer_is_put_in_as_it_is(offer: str) -> None:
    given = one_line("offer", offer, LONGEST_OFFER)
    assert f"ago. {given}" in with_offer(SAID, given) and given == offer.strip()


@pytest.mark.parametrize(
    ("offer", "mark"),
    [
        ("We book rooms", "."),
        ("We book rooms for 12", "."),
        ("We book rooms (and desks)", "."),
        ("Wir buchen B\u00fcros f\u00fcr dein Caf\u00e9", "."),
        ("Bookings cost 20 %", "."),
        ("Bookings cost 20 \u20ac", "."),
        ('We call it "rooms"', "."),
        ("See our page (https://acme.com/x)", "."),
        ("Built on Node.js", "."),
        ("See https://acme.com/x", ""),
        ("See https://acme.com/a_(b)", ""),
        ("See www.acme.com", ""),
        ("See acme.com/rooms", ""),
        ("See https://acme.com/x?", ""),
        ('They say "it works."', ""),
        ("They say \u201cit works!\u201d", ""),
        ("We book rooms.", ""),
        ("We book rooms\u2026", ""),
        ("\u6211\u4eec\u5356\u623f\u3002", ""),
    ],
)
def test_a_stop_is_added_only_to_a_sentence_that_has_no_end(offer: str, mark: str) -> None:
    assert with_offer(SAID, offer) == SAID.replace("OFFER.", offer + mark)


def test_a_sender_stands_under_the_parting() -> None:
    assert signed("Hi,\nA line.\nThanks", "Ann Lee, Acme") == "Hi,\nA line.\nThanks\nAnn Lee, Acme"
    assert signed("Hi,\nA line.\nThanks", "") == "Hi,\nA line.\nThanks"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("two\nlines", "holds a line break or another control character; needs one line"),
        ("two\u2028lines", "holds a line break"),
        ("a\x00b", "control character"),
        ("a\ud800b", "control character"),
        ("a" * (LONGEST_SENDER + 1), f"has {LONGEST_SENDER + 1} characters; needs {LONGEST_SENDER} at most"),
        ("an OFFER. of ours", "marks the place"),
    ],
)
def test_what_is_no_short_line_is_refused_in_one(text: str, said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        one_line("sender", text, LONGEST_SENDER)
    assert (
        said in str(caught.value)
        and str(caught.value).startswith("Scout.write: sender ")
        and "\n" not in str(caught.value)
    )
    assert str(caught.value).isascii()
