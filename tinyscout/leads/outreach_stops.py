"""Whom to leave alone: the last word of a lead that wants no more messages, or nothing that we sell.

An unsubscribe is heard by the kind of a signal; a plain no and a wish to be left alone in the text of any signal,
whoever wrote it down. In the lead's own words (a reply, a ticket) the oracle's reading counts as well.
"""

import re
from typing import NamedTuple

import numpy as np

from tinyscout.leads.outreach_answers import NOES, SAID_NO, asked_for, names_a_thing, plain_no, says_no
from tinyscout.leads.outreach_circumstances import PUT_OFF, circumstance, in_trouble
from tinyscout.leads.outreach_deeds import deed_of, is_wish, noted_wish
from tinyscout.leads.outreach_facts import REFUSED, STUDENT, UNSUBSCRIBED, Fact, FactBook
from tinyscout.leads.outreach_forms import is_form, not_to_sell
from tinyscout.leads.outreach_kinds import by_the_lead, is_a_sale, names_material
from tinyscout.leads.outreach_logs import by_a_machine
from tinyscout.leads.outreach_names import NOTED, in_words, words_of
from tinyscout.leads.outreach_talk import WISH_DAYS
from tinyscout.leads.refusals import LEAVE_ALONE, NO, is_foreign, refusal, takes_back, wants_another

_LEFT_ALONE = "asked to be left alone"
_ANOTHER = "turned one thing down and wants another: answer it yourself"
_OTHERWISE = ("want", "takeover", "defer")  # what a text with a no in it may mean all the same
_YEAR, _HALF_A_YEAR = 366.0, 183.0  # days
_STOP = re.compile(r"\b(?:stop|remove|unsubscribe)\b", re.IGNORECASE)  # in a refusal: wants no answer


class Stop(NamedTuple):
    """Why a lead gets no message.

    fact: what a decline would speak of; reason: in the words of a status; answerable: whether a polite decline may
    answer it; hours: since the signal that it is from, inf where that is none.
    """

    fact: Fact
    reason: str
    answerable: bool
    hours: float = np.inf


def last_stop(book: FactBook, row: int) -> Stop | None:
    """Why lead `row` is to be left alone; None where nothing says so.

    A later signal or form by which the lead asks for something, such as a demo, takes all of it back, but that it is a
    customer. Nothing else takes back an unsubscribe, or a wish to be left alone, and either counts before a later no;
    a no is taken back by what the lead itself wrote later, if it asks for something. What is said of its circumstances
    counts for a year (that it put us off, for half of one), a form or a ticket that nobody sells by for as long as a
    wish.
    """
    found, revived, asked = None, False, False
    for i in range(book.offsets[row + 1] - 1, book.offsets[row] - 1, -1):  # latest first
        kind, text, hours = book.kinds[i], _words(book, i), float(book.ages[i])
        if asked and not is_a_sale(kind):
            continue
        if book.leaves(i):
            return Stop(Fact(kind, "seen", UNSUBSCRIBED), UNSUBSCRIBED, False, hours)
        if _asks(kind, text):
            asked = True
            continue
        own, to_be_read = book.own(i), "" if revived and not is_a_sale(kind) else _to_be_read(book, i)
        revived |= own and (book.meaning(i) == "want" or bool(asked_for(text)))
        reason, said = "", REFUSED
        if text and wants_another(text) and not (refusal(text) or (asked_for if own else noted_wish)(text)):
            reason = _ANOTHER
        elif text:
            reason, said = _in_own_words(text, book.meaning(i)) if own else _noted(book, i)
        if reason == _LEFT_ALONE:
            return Stop(Fact(kind, "refuse", said), reason, False, hours)
        reason = ("" if revived else reason) or to_be_read
        if reason and found is None:
            found = Stop(Fact(kind, "refuse", said), reason, said in NOES, hours)
    if found is None and row in book.students:
        return Stop(Fact(book.students[row], "student", STUDENT), "a student, who is not here to buy", True)
    return found


def _words(book: FactBook, i: int) -> str:
    """The text of signal i, where it is somebody's words: the title of a page or a webinar is nobody's."""
    return "" if names_material(book.kinds[i]) else book.texts[i]


def _asks(kind: str, text: str) -> bool:
    """Whether a lead asks for something by a kind of signal or a form, and nothing else by its words."""
    by_itself = is_form(kind) or by_the_lead(kind)
    return by_itself and is_wish(deed_of(in_words(kind), text)) and refusal(text) != LEAVE_ALONE


def _to_be_read(book: FactBook, i: int) -> str:
    """Why a person has to read signal i before anybody writes, "" for most: circumstances, a form, a ticket."""
    kind, text, days = book.kinds[i], _words(book, i), book.ages[i] / 24
    if is_a_sale(kind):
        return "a customer already"
    if is_form(kind) and days <= WISH_DAYS and not_to_sell(kind, text):
        return "filled in a form that is none to sell by: read it yourself"
    if {"ticket", "tickets"} & words_of(kind) and days <= WISH_DAYS and in_trouble(text):
        return "wrote of something that does not work: read it yourself"
    said = circumstance(text) if text and days <= _YEAR and not book.ours(i) else ""
    if said == PUT_OFF and (days > _HALF_A_YEAR or book.own(i) or by_a_machine(text)):
        return ""  # a reply that puts it off is told of as one, and who is away puts nothing off
    return f"{said}: read it yourself" if said and not (book.own(i) and book.meaning(i) in _OTHERWISE) else ""


def _noted(book: FactBook, i: int) -> tuple[str, str]:
    """The reason to stop that the text of signal i gives, and REFUSED: whose words they are is not known."""
    said = refusal(book.texts[i])
    if said == LEAVE_ALONE:
        return _LEFT_ALONE, REFUSED
    if said != NO:
        return "", REFUSED
    if book.either(i):
        return "said no, in a message that may be its own", REFUSED
    noted = NOTED & words_of(book.kinds[i])
    return f"said no, by {'a note or call of yours' if noted else 'the text of a signal'}", REFUSED


def _in_own_words(text: str, meaning: str) -> tuple[str, str]:
    """The reason to stop that a lead's own words give, and which of NOES they are; else REFUSED.

    A no that is not to all, or that goes on, is no plain one: a decline would claim more than was said.
    """
    said = refusal(text)
    if said == LEAVE_ALONE:
        return _LEFT_ALONE, REFUSED
    no = plain_no(text)
    if not no and said == NO and not (says_no(text.lower()) or takes_back(text) or names_a_thing(text)):
        no = SAID_NO if meaning not in _OTHERWISE else ""
    if no and is_foreign(text):
        return "refused in its own words, and not in English", REFUSED  # as a decline is
    if no:
        return "refused in its own words", no
    if meaning == "refuse" and _STOP.search(text):
        return _LEFT_ALONE, REFUSED
    refused = meaning == "refuse" or (said == NO and meaning not in _OTHERWISE and not takes_back(text))
    return ("turned something down" if refused and not asked_for(text) else ""), REFUSED
