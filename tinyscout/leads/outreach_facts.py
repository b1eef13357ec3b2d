"""What may be said of a lead in a message, and what a message claims of one.

A fact of a known column or kind of signal has a phrase of its own, which no template holds: so the phrases found in a
text are what it claims. Other columns, those of anybody's CRM, are said in their own words, and a kind by a phrase of a
closed list or not at all. Texts of a lead (replies, tickets, notes) never become words of a message: at most they make
us leave the lead alone, or say by a word of a closed list what it asked for (outreach_answers.py).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from tinyscout.leads.oracle_texts import BUYING, DELAYS
from tinyscout.leads.outreach_answers import NOES, asked_for, is_settled
from tinyscout.leads.outreach_deeds import deed_of, is_wish, noted_wish
from tinyscout.leads.outreach_names import NOTED, in_words, leaves, may_say, words_of
from tinyscout.leads.outreach_signals import SignalBook
from tinyscout.leads.outreach_values import clean
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world_texts import FEATURES

LATEST = 8  # a message speaks of the latest signals; what lies further back is seldom remembered
RECENT_FUNDING = 12  # months
MONTH_HOURS = 365.25 / 12 * 24

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
    "demo_request": ("demo", "asked for a demo", "the demo"),
    "free_trial_start": ("free trial", "started a free trial", "the free trial"),
    "support_ticket": ("support team", "wrote to our support team", "our support team"),
    "meeting_no_show": ("meeting", "had planned a meeting with us", "our meeting"),
}
# From how many days ago, before how many, and how it is said: a few are two or more; about is half a week, ten days of
# a month, two months of a year more or less. Of what lies between, which none of them tells truly, no lesson speaks.
AGES = (
    (0.0, 1.0, "in the last day"),
    (2.0, 5.5, "a few days ago"),
    (5.5, 10.5, "about a week ago"),
    (14.0, 25.0, "a few weeks ago"),
    (25.0, 40.0, "about a month ago"),
    (61.0, 300.0, "a few months ago"),
    (300.0, 430.0, "about a year ago"),
    (430.0, np.inf, "more than a year ago"),
)
# And how that is said in a message to a real lead, which is put in after the writer (outreach_stand_ins.py).
BETWEEN = ((1.0, 2.0, "a day or two ago"), (10.5, 14.0, "a week or two ago"), (40.0, 61.0, "a month or two ago"))
UNSUBSCRIBED, REFUSED, STUDENT = "unsubscribed", "not for you", "a student"
_STUDENT = re.compile(r"\bstudents?\b")  # in a persona
REASONS = NOES | {
    UNSUBSCRIBED: "you unsubscribed",
    REFUSED: "you told us that it is not for you",
    STUDENT: "you are a student and not here to buy",
}


class Fact(NamedTuple):
    """One thing said of a lead.

    about: a column or a kind of signal; value: what stands there; said: the words of a message; when: how long ago, in
    words, empty for what has no age; did: whether said is what the lead did, to go on from "you".
    """

    about: str
    value: str
    said: str
    when: str = ""
    did: bool = False

    @property
    def point(self) -> str:
        """The fact as a plan has it: "industry: fintech", "did: read our docs, a few days ago"."""
        key = "did" if self.did else "noted" if self.when else in_words(self.about)
        return f"{key}: {self.said}, {self.when}" if self.when else f"{key}: {self.said}"

    @property
    def ours(self) -> bool:
        """Whether it is said in words known here, not in those of a CRM."""
        return self.did or self.said in _OURS or self.said in COLUMNS.get(self.about, {}).values()

    @property
    def source(self) -> str:
        """Where the fact is from: "column industry", "signal docs_visit, 75 h ago"."""
        if self.when:
            return f"signal {self.about}, {self.value}"
        return f"signal {self.about}" if self.said in (UNSUBSCRIBED, REFUSED, *NOES) else f"column {self.about}"

    @property
    def thing(self) -> str:
        """What a deed was about: "our docs" of "read our docs"; empty for what is no deed."""
        if not self.did:
            return ""
        if self.said in _THING_OF:
            return _THING_OF[self.said]
        if self.said.startswith(_REQUEST):
            return f"the {self.said.removeprefix(_REQUEST).removeprefix('n').strip()}"
        found = _THING.search(self.said)
        return self.said[found.start() :] if found else self.said


@dataclass(frozen=True)
class LeadFacts:
    """What may be said of one lead.

    profile: facts by column; deeds: what it did, latest first, one a kind; stop: why to leave the lead alone, if its
    last word was such; written_to: whether it got an outreach email; idle_hours: since its latest signal or contact,
    inf where it has none.
    """

    profile: dict[str, Fact]
    deeds: tuple[Fact, ...]
    stop: Fact | None
    written_to: bool
    idle_hours: float

    @property
    def all(self) -> tuple[Fact, ...]:
        return (*self.deeds, *self.profile.values(), *([self.stop] if self.stop else ()))


class FactBook(SignalBook):
    """The facts of all leads of some tables, by row, as of the moment that the tables are read at.

    mention: the columns and kinds of signals that a message may speak of; by default those that a phrase fits, and
    columns that a sentence suits by their names. A short value of a category is said in its own words.
    Whom to leave alone does not depend on it. by: as in SignalBook. between: whether ages of BETWEEN are told, too.
    """

    def __init__(
        self,
        tables: LeadTables,
        mention: Collection[str] | None = None,
        by: str | None = None,
        *,
        between: bool = False,
    ):
        super().__init__(tables, by)
        self.mention = mention
        self.told_ages = (*AGES, *BETWEEN) if between else AGES
        self.columns: dict[str, list[str]] = {}
        self.numbers: dict[str, np.ndarray] = {}
        for name in tables.schema.profile:
            if tables.schema.columns[name] == "number" and name in ("employees", "months_since_funding"):
                if mention is not None and name not in mention:
                    continue
                self.numbers[name] = tables.leads[name].to_numpy(float)
            elif tables.schema.columns[name] == "category" and may_say(name, mention):
                column = pd.Series(tables.leads[name]).astype(object)
                self.columns[name] = column.where(column.notna(), "").tolist()
        self.students = {  # the column of a row that says so
            row: name
            for name in tables.schema.profile
            if in_words(name) == "persona"
            for row, value in enumerate(tables.leads[name].astype(object))
            if _STUDENT.search(in_words(str(value)))
        }
        if "student_by" in tables.leads:
            self.students |= {row: name for row, name in enumerate(tables.leads["student_by"]) if name}
        kinds = set(self.kinds)
        self.spoken = {kind for kind in kinds if clean(in_words(kind)) and (mention is None or kind in mention)}
        self.spoken -= {kind for kind in kinds if leaves(kind, None)}  # by another channel, too

    def of(self, row: int) -> LeadFacts:
        """What may be said of lead `row`."""
        profile = self._profile(row)
        deeds: dict[str, Fact] = {}
        stop, revived = None, False
        places = range(self.offsets[row + 1] - 1, self.offsets[row] - 1, -1)  # latest first
        for rank, i in enumerate(places):
            kind, meaning = self.kinds[i], self.meaning(i)
            leaves_us = self.leaves(i)
            if (leaves_us or meaning == "refuse") and stop is None and not revived:
                value, said = ("seen", UNSUBSCRIBED) if leaves_us else (meaning, REFUSED)
                stop = Fact(kind, value, said)
            if kind in self.spoken and rank < LATEST and kind not in deeds and (deed := self._deed(i)):
                deeds[kind] = deed
            revived |= kind == "demo_request" or meaning == "want"
        since = float(self.since_contact[row])
        written_to = since < np.inf or any(self.kinds[i] in self.outreach for i in places)
        idle = min(float(self.ages[places[0]]) if len(places) else np.inf, since)
        if stop is None and row in self.students:
            stop = Fact(self.students[row], "student", STUDENT)
        return LeadFacts(profile, tuple(deeds.values()), stop, written_to, idle)

    def is_open(self, row: int, deed: Fact) -> bool:
        """Whether a deed of lead `row` is no wish for a thing that a later text says was given, or isn't wanted."""
        if not is_wish(deed.said):
            return True
        for i in range(self.offsets[row + 1] - 1, self.offsets[row] - 1, -1):  # latest first
            if self.kinds[i] == deed.about and self.ago(i) == deed.value:
                break
            if self.settles(i, deed.said):
                return False
        return True

    def settles(self, i: int, asked: str) -> bool:
        """Whether signal i says, by its kind or text, that a thing "asked for ..." was given or isn't wanted."""
        return is_settled(in_words(self.kinds[i]), asked) or is_settled(self.texts[i], asked)

    def request(self, i: int) -> Fact | None:
        """The one thing that the lead asked for in reply i, as a fact; None where it is not plain or not to be said."""
        thing = asked_for(self.texts[i]) if self.own(i) else ""
        when = age_in_words(self.ages[i], self.told_ages)
        if not thing or not when or not (self.mention is None or self.kinds[i] in self.mention):
            return None
        return Fact(self.kinds[i], self.ago(i), f"asked for the {thing}", when, True)

    def noted(self, i: int) -> Fact | None:
        """The one thing that the lead asked for by signal i, a form or what we noted of a talk; None as in request."""
        kind, words = self.kinds[i], words_of(self.kinds[i])
        said = noted_wish(self.texts[i]) if NOTED & words and not self.own(i) else ""
        said = said or deed_of(in_words(kind), self.texts[i])
        when = age_in_words(self.ages[i], self.told_ages)
        if not is_wish(said) or not when or kind not in self.spoken:
            return None
        return Fact(kind, self.ago(i), said, when, True)

    def facts(self, row: int) -> tuple[Fact, ...]:
        """All that is true of lead `row` and may be said, however far back a signal lies."""
        found = list(self._profile(row).values())
        for i in range(self.offsets[row], self.offsets[row + 1]):
            kind = self.kinds[i]
            if kind in self.spoken:
                found += [deed] if (deed := self._deed(i)) else []
            elif self.leaves(i):
                found.append(Fact(kind, "seen", UNSUBSCRIBED))
            if self.meaning(i) == "refuse":
                found.append(Fact(kind, "refuse", REFUSED))
            found += [asked for asked in (self.request(i), self.noted(i)) if asked]
        return tuple(found)

    def phrases(self, row: int) -> frozenset[str]:
        """Every phrase that is true of lead `row`."""
        return phrases_of(self.facts(row))

    def _profile(self, row: int) -> dict[str, Fact]:
        facts = {}
        for name, column in self.columns.items():
            said = _value_in_words(name, column[row])
            if said:
                facts[name] = Fact(name, column[row], said)
        for name, numbers in self.numbers.items():
            number = numbers[row]
            if name == "employees" and np.isfinite(number):
                facts[name] = Fact(name, f"{number:.0f}", next(words for below, words in SIZES if number < below))
            elif name != "employees" and (months := number + self._months_since_contact(row)) <= RECENT_FUNDING:
                facts[name] = Fact(name, f"{months:.0f}", FUNDED)
        return facts

    def _months_since_contact(self, row: int) -> float:
        """How old a lead's profile is, which was written down at its contact; 0 where it is read as of that."""
        hours = float(self.since_own_contact[row])
        return hours / MONTH_HOURS if np.isfinite(hours) else 0.0

    def _deed(self, i: int) -> Fact | None:
        """Signal i as a fact; None where no phrase tells its age truly."""
        kind = self.kinds[i]
        did = DEEDS[kind][1] if kind in DEEDS else deed_of(in_words(kind), self.texts[i])
        when = age_in_words(self.ages[i], self.told_ages)
        if not when or not (did or self.mention is not None):
            return None  # a kind that no phrase fits is noted only where the user names it
        return Fact(kind, self.ago(i), did or in_words(kind), when, bool(did))


def age_in_words(hours: float, ages: Iterable[tuple[float, float, str]] = AGES) -> str:
    """How long ago something was, as a person says it; empty where none of the phrases is true."""
    return next((words for least, below, words in ages if least <= hours / 24 < below), "")


def _value_in_words(name: str, value: str) -> str:
    """A category's value as a message says it; empty where it is none to be said."""
    if name in COLUMNS and value in COLUMNS[name]:
        return COLUMNS[name][value]
    return clean(value)


_THING_OF = {said: thing for _, said, thing in DEEDS.values()}
_REQUEST = "asked for a"  # or "an"; what is asked for is "the ..." then
_THING = re.compile(r"\b(?:our|the) ")
_OURS = (*(words for _, words in SIZES), FUNDED, UNSUBSCRIBED, REFUSED)


PHRASES: frozenset[str] = frozenset(
    [words for names in COLUMNS.values() for words in names.values()]
    + [words for *_, words in (*SIZES, *AGES, *BETWEEN)]
    + [words for words, _, _ in DEEDS.values()]
    + [FUNDED, UNSUBSCRIBED, REFUSED, *BUYING, *DELAYS, *FEATURES]
)
_PHRASE = re.compile(
    "|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in sorted(PHRASES, key=len, reverse=True)), re.IGNORECASE
)
_SPELLED = {words.lower(): words for words in PHRASES}


@lru_cache(maxsize=20_000)  # sentences of drafts come again and again
def claims(text: str) -> frozenset[str]:
    """The phrases of facts in a text: what it says of a lead, in the words known here."""
    return frozenset(_SPELLED[found.lower()] for found in _PHRASE.findall(text))


def phrases_of(facts: Iterable[Fact]) -> frozenset[str]:
    """The phrases that these facts make true."""
    return frozenset().union(*(claims(f"{fact.said}, {fact.when}") for fact in facts))
