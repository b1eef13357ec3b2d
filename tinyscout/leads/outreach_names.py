"""What the name of a column or of a kind of signal says of it, in anybody's CRM: by its words."""

import re
from collections.abc import Collection
from functools import lru_cache

from tinyscout.leads.outreach_values import word_set

# Words in the names of other columns and kinds that a polite message may mention; kinds with a word of HIDDEN are what
# a lead doesn't know to be seen, or what we did ourselves.
POLITE_COLUMNS = word_set(
    "persona role title industry sector segment region country source origin stack technology product interest "
    "specialization specialisation size"
)
HIDDEN = word_set("open opened click clicked bounce bounced outreach sent not no cancelled unsubscribe")
_LEFT = re.compile(  # in a kind's name, without spaces: wants no mail
    r"unsub|opt(?:ed)?out|spam|complain|erasure|deletionrequest|forgotten|suppressed|^dnc$|"
    r"dono?t(?:contact|disturb|e?mail|linkedin|message|write|call)|"
    r"abgemeldet|abmeldung|abbestell|ausgetragen|d[e\u00e9]sabonn|d[e\u00e9]sinscri|afgemeld|afmeld|uitgeschreven|"
    r"disiscri|descadastr|darsedebaja|^baja$"
)
REPLIED = word_set("reply replies replied response responses responded answered")  # names what a lead wrote back
INCOMING_EMAIL = "incoming email"  # HubSpot's engagements: beside it, an EMAIL is one that was sent
INBOUND = word_set("inbound incoming")  # names what came from a lead: a message, a call, but also a visit
NOTED = word_set("note notes call calls meeting meetings task tasks")  # names what somebody of ours wrote down
WROTE = REPLIED | INBOUND | {"ticket"}  # names what a lead wrote itself
OUTREACH = word_set("outreach sent outbound outgoing")  # names a message of ours, unless it never reached a lead
NEVER_CAME = word_set("no not without bounce bounced failed undelivered cancelled canceled")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def in_words(name: str) -> str:
    """The name of a column or kind as words: "Lead Source" and "lead_source" -> "lead source"."""
    return " ".join(re.findall(r"[^\W_]+", name)).lower()


@lru_cache
def words_of(kind: str) -> frozenset[str]:
    """The words of a kind's name to look others up in, in small letters; "EmailReplied" has "email" and "replied"."""
    return frozenset(in_words(kind).split()) | {part.lower() for part in _PARTS.findall(kind)}


def leaves(kind: str, by: str | None) -> bool:
    """Whether a kind of signal says that a lead wants no more messages: of the channel in its name, else of any."""
    letters = "".join(in_words(kind).split())
    return bool(_LEFT.search(letters)) and names_channel(letters, by)


def names_channel(letters: str, by: str | None) -> bool:
    """Whether an opt-out is about a channel: it names this one, or none; None: about any."""
    named = {"email" if channel == "mail" else channel for channel in ("mail", "linkedin") if channel in letters}
    return by is None or not named or by in named


def may_say(name: str, mention: Collection[str] | None) -> bool:
    """Whether a message may speak of the column: it is among those named, or a sentence suits it."""
    if mention is not None:
        return name in mention
    words = set(in_words(name).split())
    return bool(words & POLITE_COLUMNS) and not words & HIDDEN
