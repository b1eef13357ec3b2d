"""Made-up facts with columns, values and signals of any CRM, so that a model learns to copy what a plan says.

A model that has only seen the values of one world writes those. Names, values and deeds here are drawn from so many
words, half of them no words at all, that they can't be learnt by heart.
"""

from random import Random

import numpy as np

from tinyscout.leads.outreach_facts import AGES, UNSUBSCRIBED, Fact, LeadFacts

_KEYS = (
    "lead origin, lead source, job title, main interest, product line, sector, segment, country, city, specialization, "
    "deal type, seniority, department, technology, platform, category, subindustry, market, plan interest, use case, "
    "account type, home region, business type, course, vertical, territory, hosting, language, first product, team"
)
KNOWN = ("industry", "region", "source", "tech_stack")  # columns that are called so in other CRMs, with other values
_WORDS = (
    "amber anchor apple atlas autumn bakery banking basic beacon berry bicycle blue bottle bridge broker canvas carbon "
    "cargo castle cedar cellar chalk charter circle cloud coast cobalt copper cotton crane crystal dairy delta desert "
    "digital dock eagle east ember engine estate fabric falcon farm ferry field filter finance fleet flint forest "
    "fresh garden glass global grain granite green harbour hotel ice insurance iron island ivory jungle kitchen lake "
    "lamp landing laser leather lemon level light local lumber maple marble marine market meadow metal mill mineral "
    "mobile mountain music north nursery oak ocean olive online orange orchard paper park pearl pepper phone pilot "
    "pine planet plastic port powder premium print quarry rail rain red rental river road rocket rose rubber safety "
    "sand school shipping silver snow solar south spice standard steel stone studio sugar summer surface sun tea "
    "textile timber tower toy trade travel tunnel valley vendor video village vintage walk water web west wheat wind "
    "window winter wood wool yard zinc"
)
VERBS = ("opened", "read", "tried", "tested", "joined", "looked at", "asked about", "came to", "used", "went through")
KINDS = ("opened", "requested", "completed", "submitted", "started", "joined", "viewed", "booked", "saved", "finished")
_ONSETS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kl pl sh st tr"
_ENDS = ("", "", "n", "r", "s", "l", "x", "t")
KEYS, WORDS, ONSETS = _KEYS.split(", "), _WORDS.split(), _ONSETS.split()


def invent_facts(rng: Random) -> LeadFacts:
    """A lead of nobody's CRM: one to four columns, up to two signals, and now and then the wish to be left alone."""
    profile = {}
    for name in rng.sample((*KEYS, *KNOWN), rng.randint(1, 4)):
        profile[name] = Fact(name, "made up", invent_value(rng))
    deeds = []
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        when = rng.choice(AGES)[-1]
        if rng.random() < 0.5:
            deeds.append(Fact("made up", "made up", f"{rng.choice(VERBS)} our {_noun(rng)}", when, True))
        else:
            deeds.append(Fact("made up", "made up", f"{_noun(rng)} {rng.choice(KINDS)}", when))
    stop = Fact("unsubscribe", "seen", UNSUBSCRIBED) if rng.random() < 0.1 else None
    return LeadFacts(profile, tuple(deeds), stop, rng.random() < 0.7, rng.choice((10.0, 5000.0, np.inf)))


def drills(number: int, seed: int) -> list[tuple[str, str]]:
    """Exercises before the lessons: what is told, and the same to be said again. A model learns to copy on them.

    To look up what stood behind the same words before takes two layers that work together (induction heads, Olsson et
    al. 2022), which form in a few hundred steps on texts that can be had in no other way, and late on messages, most
    of whose words are the templates'.
    """
    told = []
    for i in range(number):
        rng = Random(f"drill {seed} {i}")
        known = invent_facts(rng)
        points = [fact.point for fact in (*known.deeds, *known.profile.values())]
        rng.shuffle(points)
        points = points[: rng.choice((1, 1, 2, 3))]
        told.append((" | ".join(("say", *points)), ". ".join(points)))
    return told


def invent_value(rng: Random) -> str:
    """One or two words, or what looks like some; in small letters or with capitals, now and then a number."""
    text = _noun(rng) if rng.random() < 0.8 else f"{rng.choice(WORDS)} {rng.randint(1, 999)}"
    return rng.choice((text, text, text.title(), text.capitalize()))


def _noun(rng: Random) -> str:
    return " ".join(rng.choice((rng.choice(WORDS), invent_word(rng))) for _ in range(rng.choice((1, 1, 2))))


def invent_word(rng: Random) -> str:
    """A word that isn't one: velora, brinto."""
    syllables = rng.choice((2, 2, 3))
    return "".join(rng.choice(ONSETS) + rng.choice("aeiou") for _ in range(syllables)) + rng.choice(_ENDS)
