"""Sentences of a true message that a reader may still take amiss: words of the corpus that are out of place.

A message that opens with what the lead did may go on from it; one that opens with nothing known may not. A draft with
such a sentence is drawn again while there are tries left, and kept rather than none.
"""

from tinyscout.leads.outreach_checks import SENTENCE, expanded
from tinyscout.leads.outreach_facts import AGES, BETWEEN

_EMPTY = ("has rules of its own", "trust takes time", "does not suit everybody")  # of no use to anybody
_GOES_ON_FROM_A_DEED = (
    *("Thank you for your interest", "left open", "left off", "take it from there", "the next step"),
    *("Where shall we begin", "What shall I show you first"),
)
_GOES_ON_FROM_A_TALK = (
    *("where things stand", "How do things stand", "more you need from me", "anything open on your side"),
    *("something else from our side", "clear up", "anything clearer", "more you would like to know"),
    "keep to what you ask for",
)
_NEW = ("I know little about you",)  # to who writes
_HOLDS_BACK = (  # from somebody who asked for something and waits for it
    *("If the timing is wrong", "A plain no is fine", "worth your time", "Is now a bad moment"),
    *("rather ask than guess", "rather not hear from me", "hear what you were looking for", "where things stand"),
    *("How do things stand", "If somebody else looks after this", "a question was left open"),
)
_OF_A_CALL = ("no need to prepare",)
_ALIKE = (  # two of one group say the same twice
    ("A plain no is fine", "rather not hear from me"),
    ("A short answer is enough", "We can keep this short", "I keep this brief", "A line is all I need"),
    ("no hurry", "No rush", "Take the time that you need"),
    ("where things stand", "How do things stand"),
    ("best what would help", "What would help you"),
    ("I can help", "Can I help", "offer my help", "happy to help"),
    ("I am happy", "I am glad"),
    ("share more with you", "share a bit more"),
    ("will not write again", "no further mail"),
    ("rather ask than guess", "rather know than guess"),
)
_LATER = ("follow_up", "re_engage")  # channels of those who were written to before


def taken_amiss(text: str, channel: str, *, written_to: bool = False) -> list[str]:
    """The sentences of a message that are out of place; empty for most messages.

    written_to: whether the lead was written to before; who gets a follow-up or is re-engaged was.
    """
    said, written_to = expanded(text), written_to or channel in _LATER
    asked = "asked for" in said
    amiss = _EMPTY
    amiss += () if any(age in said for *_, age in (*AGES, *BETWEEN)) else _GOES_ON_FROM_A_DEED
    amiss += () if asked or written_to else _GOES_ON_FROM_A_TALK
    amiss += _NEW if written_to else ()
    amiss += _HOLDS_BACK if asked else ()
    amiss += () if any(word in said for word in ("call", "talk")) else _OF_A_CALL
    sentences = SENTENCE.split(said)
    found = [each for each in sentences if any(words in each for words in amiss)]
    for alike in _ALIKE:
        found += [each for each in sentences if any(words in each for words in alike)][1:]
    return found
