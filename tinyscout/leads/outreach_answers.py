"""What a lead's own words plainly say: a no to all of it, or a wish for one thing.

"The ebook rather than the quote" asks for the ebook and refuses nothing else; "we do not need the agreement" is no word
on all the rest. What is less than plain is nothing here, so that a message claims no more of a lead than it said.
"""

import re
from functools import lru_cache

from tinyscout.leads.oracle_texts import (
    BUYING,
    GIVEAWAY,
    JUNIOR,
    MEANINGS,
    OTHERS,
    clauses,
    read_text,
)
from tinyscout.leads.outreach_orders import is_order

NOT_INTERESTED, NOT_NOW, SAID_NO = "not interested", "not interested at the moment", "said no"
NOES = {  # what a lead may say no in, and how a message says that it did
    NOT_INTERESTED: "you told us that you are not interested",
    NOT_NOW: "you told us that you are not interested at the moment",
    SAID_NO: "you said no",
}
_THING = "|".join((*BUYING, *GIVEAWAY))
_NAMED = re.compile(rf"\b(?:{_THING})s?\b")
_ASKED = re.compile(
    r"\b(?:(?:send|share|forward|give|prepare|(?:e-?)?mail)(?: us| me| over)?|"
    r"(?:would|'d) like(?: to (?:see|have|get|read))?|"
    r"need|want|(?:are|am|'re|'m) after|(?:would|will|'d|'ll) (?:take|prefer)|asked for|(?:are|am) ready for)"
    rf" (?:the|a|an|your|that|this) ({_THING})\b(?! \w+ed\b)|"  # not "the contract terminated"
    rf"\b({_THING}) (?:that )?(?:we|i) (?:asked for|need|want|are after|am after|would like)\b|"
    r"\b(?:(?:can|could|may) (?:we|i) (?:please )?(?:get|have|see)|let (?:us|me) have|please (?:book|schedule|arrange))"
    rf" (?:the|a|an|your|that|this) ({_THING})(?= please| for (?:us|me)\b|\W*$)"  # "have a quote" that ends with it
)
_MORE = re.compile(  # "a demo and a contract": a clause that is a thing and nothing else
    r"\s*(?:also )?(?:the|an?|your|some|one)(?: (?!(?:is|was|were|are)\b)[\w-]+){1,3}\W*"
)
_NOT_PLAIN = re.compile(  # what turns an ask into more than one: a person has to read it
    r"\b(?:if|unless|until|before|(?<!are )(?<!am )after|only|again|who|whoever|everyone|nobody|never|colleague|else"
    r"|sue|lawyer|legal|login|expired|paying|forget|hear from|times|wrong|first|once|still|already|yesterday|last"
    r"|or (?:the|an?|your)|back|cancel\w*|terminat\w*|stop\w*|ended|gone|remov\w+|delet\w+)\b"
)
_MOST_WORDS = 25  # of a plain ask
_NOT_GIVEN = re.compile(  # "the quote was not sent yet"
    r"(?:\bnot|\bnever|n't|\bto be|\bwill be)(?: (?:yet|been|have|be|get|got))* (?:sen[dt]|receive\w*|g[eo]t|g[ai]ven?"
    r"|show\w*|held|deliver\w*|arrived?|seen?|done)\b"
)
_NO_TO_ALL = re.compile(r"\b(?:interested|buy|purchase)\b")
_NOT_INTERESTED = re.compile(
    r"(?:\b(?:not|never)|n't)(?: \w+)? interested\b(?! in (?!(?:it|this|that|your (?:product|offer|service)s?)\b))|"
    r"\bno interest\b(?! in (?!(?:it|this|that|your (?:product|offer|service)s?)\b))"
)
_NO = re.compile(
    r"\bno,? thanks?\b(?! to\b)|(?:do not|don't) (?:need|want|require) "
    r"(?:it|this|that|anything|any of (?:it|this|that)|your (?:product|offer|service)s?)\b"
)
_NOW = re.compile(r"\b(?:at the moment|right now|currently|for now|at (?:this|the) (?:time|point)|at present)\b")
_ONLY = re.compile(r"\b(?:but|if|when|until|unless|before|yet|later|soon|next|today|week|month|quarter|year)\b|\?")


@lru_cache(maxsize=20_000)
def asked_for(text: str) -> str:
    """The one thing (of BUYING and GIVEAWAY) that a text asks for in its writer's name; empty for none or more.

    A text that also says no to all, puts it off or asks for a study asks for nothing that a message may come back to;
    nor does one of many words, or that sets a condition, asks back or tells of something gone wrong: who says more than
    that it wants a thing is to be answered by a person. Who gives orders (is_order) has no wish.
    """
    if MEANINGS[read_text(text)[0]] not in ("want", "refuse", "neutral", "question") or says_no(text.lower()):
        return ""
    if _NOT_PLAIN.search(text.lower()) or len(text.split()) > _MOST_WORDS or is_order(text):
        return ""
    found, refused = set(), set()
    for clause, words, negated in clauses(text):
        if {"stop", "remove", "unsubscribe"} & set(words) or (negated and _NO_TO_ALL.search(clause)):
            return ""
        if set(words) & {*OTHERS, *JUNIOR}:
            continue
        if found and not negated and is_one_more(clause):
            return ""
        if negated:
            refused |= set(words) & {*BUYING, *GIVEAWAY}
        else:
            found |= {thing for each in _ASKED.findall(clause) for thing in each if thing}
    found -= refused
    return found.pop() if len(found) == 1 else ""


def is_one_more(clause: str) -> bool:
    """Whether a clause, as `clauses` gives it, is a thing alone, and so carries a wish on: "a demo, and a contract"."""
    return bool(_MORE.fullmatch(clause))


def is_settled(text: str, asked: str) -> bool:
    """Whether a text says that the one thing "asked for the ..." is not wanted any more, or was given."""
    return bool(text) and _is_settled(text, re.sub(r"^asked for (?:an?|the|our) ", "", asked))


@lru_cache(maxsize=20_000)
def _is_settled(text: str, thing: str) -> bool:
    """As `is_settled` of the bare name of a thing: a no in a clause that names it, but for "not sent yet"."""
    thing = re.escape(thing)
    refused = (
        negated and re.search(rf"\b{thing}\b", clause) and not _NOT_GIVEN.search(clause)
        for clause, _, negated in clauses(text)
    )
    if any(refused):
        return True
    given = re.search(
        rf"\b{thing}s? (?:(?!not\b|never\b|to\b|be\b)\w+ )?(?:sent|delivered|done|held|given|shown|completed)\b"
        rf"|\b(?:sent|delivered|did|held|gave|showed|e-?mailed|talked through|went through) (?:\w+ ){{0,3}}{thing}s?\b",
        text.lower(),
    )
    return given is not None and not _NOT_GIVEN.search(text.lower())


def names_a_thing(text: str) -> bool:
    """Whether a text speaks of one of BUYING and GIVEAWAY, so that a no in it may be to that alone."""
    return bool(_NAMED.search(text.lower()))


@lru_cache(maxsize=20_000)
def plain_no(text: str) -> str:
    """NOT_INTERESTED, NOT_NOW or SAID_NO where a text says that of all we offer; empty where it says less, or more."""
    lowered = text.lower()
    if not says_no(lowered) or any(_ASKED.search(clause) for clause, _, negated in clauses(text) if not negated):
        return ""
    now = _NOW.search(lowered)
    if _ONLY.search(_NOW.sub(" ", lowered)):
        return ""
    if _NOT_INTERESTED.search(lowered):
        return NOT_NOW if now else NOT_INTERESTED
    return "" if now else SAID_NO


def says_no(lowered: str) -> bool:
    """Whether an English text, in small letters, has a no in it, be it to all or to less."""
    return bool(_NOT_INTERESTED.search(lowered) or _NO.search(lowered))
