"""What may be said of a synthetic lead in a message, and what a message claims of one.

A fact is said in a fixed phrase, which no template holds by itself: so the phrases found in a text are all it claims,
and a claim is true where the lead's own profile and signals yield the same phrase.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from tinyscout.leads.oracle_texts import BUYING, DELAYS, MEANINGS, read_text
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world_texts import FEATURES

LATEST = 8  # a message speaks of the latest signals; what lies further back is seldom remembered
RECENT_FUNDING = 12  # months

ROLES = {
    "saas_founder": "a founder",
    "enterprise_vp": "a vice president",
    "developer": "a developer",
    "marketing_manager": "a marketing manager",
    "ops_manager": "an operations manager",
    "sales_lead": "a sales lead",
    "consultant": "a consultant",
    "student": "a student",
}
INDUSTRIES = {
    "software": "software",
    "fintech": "fintech",
    "health": "health care",
    "logistics": "logistics",
    "retail": "retail",
    "media": "media",
    "manufacturing": "manufacturing",
    "education": "education",
    "public_sector": "the public sector",
    "energy": "energy",
    "legal": "legal services",
    "hospitality": "hospitality",
    "nonprofit": "the nonprofit sector",
    "agency": "agency work",
}
REGIONS = {
    "north_america": "North America",
    "western_europe": "Western Europe",
    "nordics": "the Nordics",
    "latam": "Latin America",
    "apac": "Asia-Pacific",
    "mea": "the Middle East and Africa",
}
STACKS = {
    "python": "Python",
    "java": "Java",
    "dotnet": ".NET",
    "javascript": "JavaScript",
    "go": "Golang",
    "ruby": "Ruby",
    "php": "PHP",
    "no_code": "no-code tools",
    "mainframe": "a mainframe",
}
SOURCES = {"referral": "a referral", "partner": "a partner", "event": "an event", "content_download": "a download"}
COLUMNS = {"persona": ROLES, "industry": INDUSTRIES, "region": REGIONS, "tech_stack": STACKS, "source": SOURCES}
SIZES = ((20.0, "a small team"), (250.0, "a mid-sized company"), (np.inf, "a large company"))
FUNDED = "a recent funding round"

# Kinds of signals that a person would mention: the phrase that states the fact, what the lead did, the thing itself.
DEEDS = {
    "pricing_page": ("pricing page", "looked at our pricing page", "our pricing page"),
    "docs_visit": ("docs", "read our docs", "our docs"),
    "security_paper": ("security paper", "opened our security paper", "our security paper"),
    "case_study": ("case study", "read our case study", "our case study"),
    "webinar": ("webinar", "joined our webinar", "our webinar"),
    "demo_request": ("demo", "asked for a demo", "the demo you asked for"),
    "free_trial_start": ("free trial", "started a free trial", "your free trial"),
    "support_ticket": ("support team", "wrote to our support team", "your note to our support team"),
    "meeting_no_show": ("meeting", "had a meeting with us that fell through", "the meeting that fell through"),
}
AGES = (  # hours before contact, and how it is said
    (24.0, "in the last day"),
    (7 * 24.0, "a few days ago"),
    (12 * 24.0, "about a week ago"),
    (24 * 24.0, "a few weeks ago"),
    (45 * 24.0, "about a month ago"),
    (270 * 24.0, "a few months ago"),
    (np.inf, "quite some time ago"),
)
UNSUBSCRIBED, REFUSED, STUDENT = "unsubscribed", "not for you", "a student"
REASONS = {
    UNSUBSCRIBED: "you unsubscribed",
    REFUSED: "you told us that it is not for you",
    STUDENT: "you are a student and not here to buy",
}


class Fact(NamedTuple):
    """One thing said of a lead: what it is about (a column or a kind of signal), its value there, and the words."""

    about: str
    value: str
    said: str


@dataclass(frozen=True)
class Deed:
    """Something the lead did that a message may start from: the facts it states and the two ways to put it.

    facts: what was done, then when. did: "read our docs"; thing: "our docs"; when: "a few days ago".
    """

    facts: tuple[Fact, ...]
    did: str
    thing: str
    when: str


@dataclass(frozen=True)
class LeadFacts:
    """What may be said of one lead.

    profile: facts by column; deeds: latest first, one a kind; stop: why to leave the lead alone, if the last word was
    such; written_to: whether it got an outreach email; idle_hours: since its latest signal, inf where it has none.
    """

    profile: dict[str, Fact]
    deeds: tuple[Deed, ...]
    stop: Fact | None
    written_to: bool
    idle_hours: float


class FactBook:
    """The facts of all leads of some tables, by row."""

    def __init__(self, tables: LeadTables):
        self.offsets = tables.offsets
        self.columns = {name: tables.leads[name].astype(object).tolist() for name in COLUMNS}
        self.employees = tables.leads["employees"].to_numpy(float)
        self.funding = tables.leads["months_since_funding"].to_numpy(float)
        signals = tables.signals
        self.kinds = signals["kind"].astype(object).tolist()
        self.ages = signals["age_hours"].to_numpy(float)
        self.texts = signals["text"].astype(object).where(signals["text"].notna(), "").tolist()

    def of(self, row: int) -> LeadFacts:
        """What may be said of lead `row`."""
        profile = self._profile(row)
        deeds: dict[str, Deed] = {}
        stop, revived = None, False
        places = range(self.offsets[row + 1] - 1, self.offsets[row] - 1, -1)  # latest first
        for rank, i in enumerate(places):
            for topic, fact in self._said(i):
                if fact.said in (UNSUBSCRIBED, REFUSED):
                    stop = stop if stop or revived else fact
                elif rank < LATEST and topic not in deeds:
                    deeds[topic] = self._deed(fact, i)
                revived |= topic in ("demo_request", "wish")
        written_to = any(self.kinds[i] == "outreach_email" for i in places)
        idle = float(self.ages[places[0]]) if len(places) else np.inf
        if stop is None and profile.get("persona", Fact("", "", "")).said == STUDENT:
            stop = profile["persona"]
        return LeadFacts(profile, tuple(deeds.values()), stop, written_to, idle)

    def phrases(self, row: int) -> frozenset[str]:
        """Every phrase that is true of lead `row`, however far back its signal lies."""
        said = {fact.said for fact in self._profile(row).values()}
        for i in range(self.offsets[row], self.offsets[row + 1]):
            found = [fact.said for _, fact in self._said(i)]
            said.update(found)
            if found:
                said.add(age_in_words(self.ages[i]))
        return frozenset(said)

    def _profile(self, row: int) -> dict[str, Fact]:
        values = {name: column[row] for name, column in self.columns.items()}
        facts = {
            name: Fact(name, value, COLUMNS[name][value]) for name, value in values.items() if value in COLUMNS[name]
        }
        if np.isfinite(self.employees[row]):
            size = next(words for below, words in SIZES if self.employees[row] < below)
            facts["employees"] = Fact("employees", f"{self.employees[row]:.0f}", size)
        if self.funding[row] <= RECENT_FUNDING:
            facts["months_since_funding"] = Fact("months_since_funding", f"{self.funding[row]:.0f}", FUNDED)
        return facts

    def _said(self, i: int) -> list[tuple[str, Fact]]:
        """What signal i says: a topic and its fact, none or several."""
        kind = self.kinds[i]
        found = []
        if kind in DEEDS:
            found.append((kind, Fact(kind, "seen", DEEDS[kind][0])))
        elif kind == "unsubscribe":
            found.append((kind, Fact(kind, "seen", UNSUBSCRIBED)))
        if self.texts[i] and kind in ("reply_message", "support_ticket"):
            found += [(topic, Fact(kind, value, words)) for topic, value, words in _told(self.texts[i])]
        return found

    def _deed(self, fact: Fact, i: int) -> Deed:
        when = age_in_words(self.ages[i])
        aged = Fact(self.kinds[i], f"{self.ages[i]:.0f} h before contact", when)
        if fact.value == "seen":
            _, did, thing = DEEDS[fact.about]
        elif fact.said in BUYING:
            did, thing = f"asked for the {fact.said}", f"the {fact.said}"
        elif fact.said in DELAYS:
            did, thing = f"asked me to come back in {fact.said}", f"our talk in {fact.said}"
        else:
            did, thing = f"asked about {fact.said}", fact.said
        return Deed((fact, aged), did, thing, when)


def age_in_words(hours: float) -> str:
    """How long ago something was, as a person says it."""
    return next(words for below, words in AGES if hours < below)


@cache
def _told(text: str) -> tuple[tuple[str, str, str], ...]:
    """What a lead's own text says that may be taken up: (topic, the text, the words), each."""
    code, _ = read_text(text)
    meaning = MEANINGS[code]
    if meaning == "refuse":
        return (("refuse", text, REFUSED),)
    topics = {"question": ("feature", FEATURES), "want": ("wish", BUYING), "defer": ("defer", tuple(DELAYS))}
    if meaning not in topics:
        return ()
    topic, words = topics[meaning]
    found = [word for word in words if re.search(rf"\b{re.escape(word)}\b", text)]
    return ((topic, text, found[0]),) if len(found) == 1 else ()


PHRASES: frozenset[str] = frozenset(
    [words for names in COLUMNS.values() for words in names.values()]
    + [words for _, words in (*SIZES, *AGES)]
    + [words for words, _, _ in DEEDS.values()]
    + [FUNDED, UNSUBSCRIBED, REFUSED, *BUYING, *DELAYS, *FEATURES]
)
_PHRASE = re.compile(
    "|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in sorted(PHRASES, key=len, reverse=True)), re.IGNORECASE
)
_SPELLED = {words.lower(): words for words in PHRASES}


def claims(text: str) -> frozenset[str]:
    """The phrases of facts in a text: all that it says of a lead."""
    return frozenset(_SPELLED[found.lower()] for found in _PHRASE.findall(text))
