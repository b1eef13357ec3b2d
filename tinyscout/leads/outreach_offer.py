"""What the seller says of the product, and who signs: in the seller's own words, or not at all.

A writer knows no product. Its messages hold a place for one sentence about it (templates.OFFER), which whoever sends
them fills, or which is left out: delexicalisation (Wen et al. 2015, section 3), as values of a lead are put in.
"""

import re
import unicodedata

from tinyscout.errors import ArgumentError
from tinyscout.leads.outreach_templates import OFFER

WHERE = "Scout.write"  # where an offer comes from
LONGEST_OFFER, LONGEST_SENDER = 200, 80  # characters
WITHOUT_OFFER, WITHOUT_SENDER = "decline", "linkedin"  # the channels that have none
_PLACE = re.compile(rf" *(?<!\w){re.escape(OFFER)} *")
_URL = re.compile(r"(?:https?://|www\.|\w\.[a-z]{2,}/)\S*$", re.IGNORECASE)  # at the end of a text
_QUOTES = "\"'\u2019\u201c\u201d\u00ab\u00bb"  # that end a quotation, in one language or another
_OPENING = {")": "(", "]": "[", "}": "{"}


def with_offer(text: str, offer: str = "") -> str:
    """A message with the seller's sentence in its place; without one, as if there had never been a place.

    A sentence that has no end gets a full stop.
    """
    said = f"{offer}." if _needs_stop(offer) else offer
    if OFFER not in text:
        return text
    filled = _PLACE.sub(lambda _: f" {said} " if said else " ", text)
    return "\n".join(line.strip(" ") for line in filled.split("\n"))


def _needs_stop(offer: str) -> bool:
    """Whether a sentence ends in a letter, digit, percent or currency sign or closing bracket, quotation marks aside.

    After an address of the web there is no stop: who clicks on it would take it along.
    """
    bare = offer.rstrip(_QUOTES)
    if not bare:
        return False
    last, url = bare[-1], _URL.search(bare)
    if url and url[0].count(last) <= url[0].count(_OPENING.get(last, last)):
        return False
    return last == "%" or unicodedata.category(last)[0] in "LMN" or unicodedata.category(last) in ("Pe", "Sc")


def places(text: str) -> int:
    """How many places for an offer a message has; a writer is to leave one, in a decline none."""
    return len(_PLACE.findall(text))


def signed(text: str, sender: str) -> str:
    """A message with the sender's line under its parting."""
    return f"{text}\n{sender}" if sender else text


def one_line(name: str, text: str, longest: int) -> str:
    """An offer or a sender (by name), white space at its ends taken off. Raises ArgumentError unless it is one line."""
    given = text.strip()
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in given):
        raise ArgumentError(WHERE, name, "holds a line break or another control character; needs one line of text")
    if len(given) > longest:
        raise ArgumentError(WHERE, name, f"has {len(given)} characters; needs {longest} at most")
    if OFFER in given:
        raise ArgumentError(
            WHERE, name, f'holds "{OFFER}", which marks the place of an offer; write it in small letters'
        )
    return given
