"""What a text in a CRM says of how a message or a talk went: it came back for good, nobody was there, we sent it."""

import re
from functools import lru_cache

_NOT_REACHED = re.compile(
    r"\b(?:no (?:answer|reply|response|pick ?up)|(?:not|nobody|could ?n.t|unable to) (?:be )?(?:reach|there"
    r"|available|answer)\w*|voice ?mail|left (?:a )?message|busy|wrong number|did ?n.t (?:answer|pick ?up)|no ?show)\b",
    re.IGNORECASE,
)
_OURS_BY_WORD = re.compile(  # how a CRM or a person logs a message of ours; not "Sent from my phone"
    r"\s*(?:\[(?:sent|outgoing|outbound)\]|(?:sent|outgoing|outbound)\s?[:>-]"
    r"|sent (?:an?|the|our|him|her|them|intro\w*|e?mail|follow)\b"
    r"|(?:e-?)?mail sent\b|we (?:sent|wrote|e-?mailed)\b)",
    re.IGNORECASE,
)
_BOUNCED = re.compile(  # what mail servers say of an address that is none (RFC 3463: 5.1.x is a bad address)
    r"\b(?:5[.]1[.]\d{1,3}|5[.]2[.]1|hard[- ]?bounced?|(?:e-?mail|mail|message|address|it|has|was) bounced\b"
    r"|bounced (?:back|e-?mail)"
    r"|550[ -].{0,80}?(?:mailbox|user|recipient|address|account|no such|not found|unknown|rejected)"
    r"|mailbox (?:is )?(?:unavailable|not found|disabled|does not exist|unknown)|(?:user|recipient"
    r"|address) (?:is )?unknown"
    r"|unknown (?:user|recipient)|no such (?:user|recipient|mailbox)|recipient(?:'s)? (?:address )?(?:was )?rejected"
    r"|(?:address|recipient|user|mailbox) (?:couldn't be|could not be|was not|wasn't|not) found|undeliverable"
    r"|delivery (?:has |to .{1,80} )?(?:permanently )?failed|(?:e-?mail )?address (?:no longer|does not"
    r"|doesn't) exists?)",
    re.IGNORECASE,
)
_NO_HARD_BOUNCE = re.compile(
    r"soft[- ]?bounce|\b4[.]\d[.]\d\b|not bounced|temporar|will (?:be )?retr|delayed", re.IGNORECASE
)


@lru_cache(maxsize=50_000)
def tells_of_a_bounce(text: str) -> bool:
    """Whether a text is a mail server's word, or a note, that an address takes no mail for good."""
    return bool(_BOUNCED.search(text)) and not _NO_HARD_BOUNCE.search(text)


@lru_cache(maxsize=50_000)
def was_not_reached(text: str) -> bool:
    """Whether a note of a call says that nobody was there."""
    return bool(_NOT_REACHED.search(text))


@lru_cache(maxsize=50_000)
def was_sent(text: str) -> bool:
    """Whether a message says, by how it begins, that we sent it: "Sent: intro"."""
    return bool(_OURS_BY_WORD.match(text))
