"""Whose message a kind of signal is, by the words of its name: a reply, a request, a bounce, or nobody knows whose."""

import re
from functools import lru_cache

from tinyscout.leads.outreach_facts import HIDDEN, INBOUND, REPLIED, words_of
from tinyscout.leads.outreach_values import word_set

# In the name of a kind that no lead wrote: nobody did, a machine, we ourselves, or it was a click.
_NOT_WRITTEN = word_set(
    "no not without auto automatic automated form survey office sent agent bounce bounced cancelled canceled visit "
    "click clicked"
)
_NOT_INBOUND = word_set("lead leads missed")  # "inbound lead" and "incoming call, missed" are no words of a lead
_REQUEST = word_set("ticket request requested requests asked inquiry enquiry question")
_BOUNCE = word_set("bounce bounced bounces hardbounce undeliverable undelivered")
_NO_BOUNCE = word_set("soft visit page session web website rate")
_TALK = word_set(  # what such a kind is called in a CRM may be either side's words
    "call calls email emails mail note notes meeting meetings message messages sms chat conversation voicemail task "
    "tasks form comment linkedin whatsapp activity communication text"
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


@lru_cache
def is_reply(kind: str) -> bool:
    """Whether a kind of signal is, by its name, a reply that a person wrote."""
    words = words_of(kind)
    came = bool(words & INBOUND) and not words & _NOT_INBOUND
    return (came or bool(words & REPLIED)) and not words & _NOT_WRITTEN


@lru_cache
def by_the_lead(kind: str) -> bool:
    """Whether a kind of signal is, by its name, what the lead itself wrote or asked for."""
    words = words_of(kind)
    return is_reply(kind) or (bool(words & _REQUEST) and not words & _NOT_WRITTEN)


@lru_cache
def is_bounce(kind: str) -> bool:
    """Whether a kind of signal is, by its name, an email that came back for good."""
    words = words_of(kind)
    return bool(words & _BOUNCE) and not words & _NO_BOUNCE and not {"no", "not"} & words


@lru_cache(maxsize=50_000)
def tells_of_a_bounce(text: str) -> bool:
    """Whether a text is a mail server's word, or a note, that an address takes no mail for good."""
    return bool(_BOUNCED.search(text)) and not _NO_HARD_BOUNCE.search(text)


@lru_cache
def may_be_a_message(kind: str) -> bool:
    """Whether a kind that is no reply by its name has the name of a message or a talk, of whichever side."""
    words = words_of(kind)
    return bool(words & _TALK) and not words & HIDDEN and not by_the_lead(kind) and not is_bounce(kind)
