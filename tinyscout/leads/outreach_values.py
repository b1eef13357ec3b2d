"""Which names and values of a CRM a message may say: short ones in plain signs, none that reads like an order.

What people type into a form ends up in a profile, so a value may be an attempt to steer whoever reads it. A value here
is never more than a few words that are copied; one that could pass for an order, an address or a number is not used.
"""

import re

from tinyscout.leads.outreach_templates import OFFER

LONGEST_VALUE = 32  # characters: what is longer, or has more than four words, is no value but a text
MOST_WORDS = 4
_PLAIN = re.compile(r"[^\W_][\w &/+.,#'()-]*")
_ADDRESS = re.compile(r"\d{5}|\bwww\b|\bhttps?\b|\w\.(?!js\b|(?<=\bASP\.)net\b)[a-z]{2,}\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def word_set(text: str) -> frozenset[str]:
    """The words of a text, to look others up in."""
    return frozenset(text.split())


NO_VALUE = word_set(  # says nothing, or nothing that a lead likes to hear
    "other others unknown none select na n/a yes no true false not test list bought paid outbound cold search"
)
ORDERS = word_set(  # stands in what tells somebody what to do, and hardly ever in the name of a trade or a source
    "ignore ignored ignoring disregard forget override overrule bypass obey comply pretend act instruction "
    "instructions prompt prompts assistant jailbreak reply respond say tell write send print reveal repeat delete "
    "erase remove stop execute eval script must never always instead above previous prior following now please you "
    "your yours me my we our us i im dont"
)


def clean(value: str) -> str:
    """A value as a message may say it, white space made even; empty where none of it may be said."""
    words = " ".join(str(value).replace("_", " ").split())
    parts = words.split()
    if len(words) > LONGEST_VALUE or len(parts) > MOST_WORDS or not _PLAIN.fullmatch(words) or _ADDRESS.search(words):
        return ""
    if (
        OFFER in words
        or NO_VALUE & {part.lower() for part in parts}
        or ORDERS & {part.lower() for part in _WORD.findall(words)}
    ):
        return ""
    return words
