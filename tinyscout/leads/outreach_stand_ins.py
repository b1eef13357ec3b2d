"""Stand-ins: a writer is told values it knows well in place of a CRM's own, which are put into its message afterwards.

So it never reads a value of a CRM, can't be steered by one, and need not have learnt to spell it. That is
delexicalisation (Wen et al. 2015, section 3). Facts in words known here (a founder, a few days ago) are told as they
are; an age that no lesson has (a week or two ago) as one that is no other fact's.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tinyscout.leads.outreach_answers import NOES
from tinyscout.leads.outreach_checks import contracted
from tinyscout.leads.outreach_facts import BETWEEN, DEEDS, REASONS, REFUSED, STUDENT, Fact
from tinyscout.leads.outreach_names import in_words

LIKE = {  # a word in a column's name: the column that is spoken of alike, and a value it may have
    "industry": ("industry", "logistics"),
    "sector": ("industry", "logistics"),
    "region": ("region", "Latin America"),
    "country": ("region", "Latin America"),
    "source": ("source", "an event"),
    "origin": ("source", "an event"),
    "stack": ("tech_stack", "Python"),
    "technology": ("tech_stack", "Python"),
    "persona": ("persona", "a consultant"),
    "role": ("persona", "a consultant"),
    "title": ("persona", "a consultant"),
}
COLUMNS = (("plan interest", "standard"), ("vertical", "planet"), ("subindustry", "bicycle"))  # any other column
REQUESTS = ("demo_request", "free_trial_start", "webinar", "case_study")  # what a lead asked for, in words of its own
KINDS = ("planet started", "timber requested", "standard viewed")  # any other kind of signal
AGES_LIKE = ("about a week ago", "about a month ago", "a few weeks ago", "a few days ago", "a few months ago")
_UNSAID = REASONS[STUDENT].removeprefix("you are a student")  # " and not here to buy": a guess, which nobody told us


class Told(NamedTuple):
    """A fact, and what a writer is told in its place."""

    fact: Fact
    told: Fact


def stand_ins(facts: Sequence[Fact]) -> list[Told]:
    """Facts (up to three of a sort) with what a writer is told of each, no two alike."""
    taken = {in_words(fact.about) for fact in facts if fact.ours}
    columns, kinds = iter(COLUMNS), iter(KINDS)
    requests = iter([kind for kind in REQUESTS if all(kind != fact.about for fact in facts)])
    when = _ages_told(facts)
    told = []
    for fact in facts:
        if fact.did and fact.about not in DEEDS:
            kind = next(requests)
            told.append(Told(fact, Fact(kind, "", DEEDS[kind][1], when[fact.when], True)))
            continue
        if fact.ours:
            told.append(Told(fact, fact._replace(when=when[fact.when])))
            continue
        if fact.said in NOES:
            told.append(Told(fact, fact._replace(said=REFUSED)))
            continue
        if fact.when:
            told.append(Told(fact, Fact(fact.about, "", next(kinds), when[fact.when])))
            continue
        alike = (LIKE[word] for word in in_words(fact.about).split() if word in LIKE)
        about, said = next((each for each in alike if in_words(each[0]) not in taken), None) or next(columns)
        taken.add(in_words(about))
        told.append(Told(fact, Fact(about, "", said)))
    return told


def _ages_told(facts: Sequence[Fact]) -> dict[str, str]:
    """What the ages of facts are told as: themselves, but for those that no lesson has."""
    told = {fact.when: fact.when for fact in facts}
    free = iter([age for age in AGES_LIKE if age not in told])
    return told | {age: next(free) for *_, age in BETWEEN if age in told}


def put_back(text: str, told: Sequence[Told]) -> str:
    """A writer's text with the facts where it says what it was told in their place."""
    swaps = {}
    for fact, other in told:
        if fact.said == STUDENT:
            text = text.replace(_UNSAID, "")
        if fact != other:
            swaps |= {other.point: fact.point, other.said: fact.said}
            swaps |= {other.thing: fact.thing} if fact.did else {}
            swaps |= {other.when: fact.when} if fact.when else {}
            if fact.said in REASONS:
                said = REASONS[other.said]
                swaps |= dict.fromkeys((said, contracted(said)), REASONS[fact.said])
    if not swaps:
        return text
    found = re.compile("|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in sorted(swaps, key=len, reverse=True)))
    return found.sub(lambda match: swaps[match[0]], text)  # all at once: what was put in is not looked at again
