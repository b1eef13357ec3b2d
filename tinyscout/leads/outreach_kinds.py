"""Whose message a kind of signal is, by the words of its name: a reply, a request, a bounce, or nobody knows whose.

A kind such as `Email`, which is all that many CRMs say, may be a message of ours or of the lead's. It counts as a reply
that a person has to read.
"""

from collections.abc import Collection
from functools import lru_cache

from tinyscout.leads.outreach_names import (
    HIDDEN,
    INBOUND,
    INCOMING_EMAIL,
    NEVER_CAME,
    OUTREACH,
    REPLIED,
    in_words,
    leaves,
    words_of,
)
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
_MESSAGE = word_set("email emails mail mails message messages sms chat conversation whatsapp linkedin inmail text")
_NO_MESSAGE = word_set(  # beside one of _MESSAGE: what nobody wrote to one person, or what somebody wrote down of it
    "note notes call calls meeting meetings task tasks form comment visit visited visits page view views viewed "
    "subscription subscribed subscribe signup verified confirmed preference preferences updated marketing newsletter "
    "campaign delivered auto automated automatic bot chatbot profile connection connected follow followed follower "
    "like liked post share shared ad ads template sequence unsubscribed voicemail missed"
)
_MATERIAL = word_set(
    "webinar webinars ebook whitepaper paper brochure download downloaded downloads page pages pageview view viewed "
    "views visit visited visits video article blog content"
)
_SAYS = word_set("feedback survey answer answered request question said")  # beside it: somebody wrote something
_SALE = word_set("contract deal invoice order payment subscription opportunity")
_SOLD = word_set("signed won paid purchased renewed received placed")
_MEETING = word_set("call calls phone meeting meetings appointment")  # both sides were there, if it came about
_UNREAD = NEVER_CAME | word_set("call calls phone")  # beside one of OUTREACH: nothing that anybody could read
_NO_MEETING = word_set("missed cancelled canceled scheduled booked planned requested request visit click page show")


def kinds_of_ours(kinds: Collection[str], of_export: Collection[str]) -> set[str]:
    """The kinds of signals that are messages of ours, by their names.

    of_export: all kinds of the export: where one of them is HubSpot's `INCOMING_EMAIL`, an `EMAIL` was sent.
    """
    ours = {kind for kind in kinds if OUTREACH & words_of(kind) and not _UNREAD & words_of(kind)}
    if any(in_words(str(kind)) == INCOMING_EMAIL for kind in of_export):
        ours |= {kind for kind in kinds if in_words(kind) == "email"}
    return ours


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


@lru_cache
def is_a_sale(kind: str) -> bool:
    """Whether a kind of signal is, by its name, what only a customer does: "Contract signed", "Invoice paid"."""
    words = words_of(kind)
    return bool(words & _SOLD) and bool(words & _SALE) and not words & {"no", "not", "never"}


@lru_cache
def names_material(kind: str) -> bool:
    """Whether the text of a kind of signal is, by its name, the title of something of ours: of a page, a webinar."""
    words = words_of(kind)
    return bool(words & _MATERIAL) and not words & (_TALK | _SAYS) and not by_the_lead(kind)


@lru_cache
def may_be_either(kind: str) -> bool:
    """Whether a kind of signal is, by its name, a message of one person to another, and it doesn't say whose."""
    words = words_of(kind)
    other = words & (_NO_MESSAGE | _NOT_WRITTEN | OUTREACH) or leaves(kind, None)
    return may_be_a_message(kind) and bool(words & _MESSAGE) and not other


@lru_cache
def may_be_a_meeting(kind: str) -> bool:
    """Whether a kind of signal is, by its name, a call or a meeting, or a note of one."""
    words = words_of(kind)
    return bool(words & _MEETING) and not words & (_NO_MEETING | HIDDEN) and not by_the_lead(kind)


@lru_cache
def plans_a_meeting(kind: str) -> bool:
    """Whether a kind of signal that is dated ahead is, by its name, a call or a meeting that is to come."""
    words = words_of(kind)
    return bool(words & (_MEETING | {"demo", "task", "tasks"})) and not words & {
        "missed",
        "cancelled",
        "canceled",
        "no",
        "not",
    }


@lru_cache
def may_be_a_message(kind: str) -> bool:
    """Whether a kind that is no reply by its name has the name of a message or a talk, of whichever side."""
    words = words_of(kind)
    return bool(words & _TALK) and not words & HIDDEN and not by_the_lead(kind) and not is_bounce(kind)
