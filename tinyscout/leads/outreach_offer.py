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
_PLACE = re.compile(rf" *(?<!\w){re.escape(OFFER)} *")


def with_offer(text: str, offer: str = "") -> str:
    """A message with the seller's sentence in its place; without one, as if there had never been a place.

    A sentence that ends without a mark gets a full stop.
    """
    said = offer if not offer or offer[-1] in ".!?" else f"{offer}."
    if OFFER not in text:
        return text
    filled = _PLACE.sub(lambda _: f" {said} " if said else " ", text)
    return "\n".join(line.strip(" ") for line in filled.split("\n"))


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
