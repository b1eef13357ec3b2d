"""What a message is to be (channel, tone, length), the ways to ask for it, and the plan of facts that goes with it.

Some phrasings are held out, so that a model can be tested on wording it never saw. The plan is the only way a lead's
facts come into an instruction: short values in known places, never a text of the CRM.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from tinyscout.errors import InputError
from tinyscout.leads.outreach_facts import REASONS, Fact, LeadFacts
from tinyscout.leads.outreach_invented import invent_word
from tinyscout.leads.outreach_templates import TONES

CHANNELS = {  # what each is called; the first is the usual name
    "email": ("email", "mail"),
    "linkedin": ("LinkedIn message", "connection note"),
    "follow_up": ("follow-up", "second note"),
    "re_engage": ("note to re-engage", "re-engagement note"),
    "decline": ("polite decline", "polite no"),
}
LENGTHS = {"short": (1, 38), "medium": (39, 58), "long": (59, 90)}
"""The least and the most words a message of each length has, subject and greeting included."""
LINKEDIN_LENGTHS = {"short": (1, 32), "medium": (33, 45), "long": (46, 60)}
LINKEDIN_CHARACTERS = 300  # of a connection note
PHRASING = "write a {length}, {tone} {channel}"  # the usual one
# Other ways to ask: a beginning, channel, tone and length in any order, an end. Slots in braces.
_BEGINNINGS = (
    "",
    "",
    "write ",
    "please draft ",
    "compose ",
    "I need ",
    "make ",
    "send ",
    "give me ",
    "can you write ",
    "for this lead: ",
    "next step: ",
    "prepare ",
    "today I want ",
    "let us try ",
    "help me with ",
    "we should send ",
    "now ",
)
_PARTS = (
    ("a {channel}", "{channel}", "as a {channel}", "channel {channel}", "type: {channel}", "the {channel}"),
    (
        "{tone}",
        "{tone} tone",
        "tone: {tone}",
        "that sounds {tone}",
        "in a {tone} voice",
        "be {tone}",
        "not stiff but {tone}",
    ),
    ("{length}", "length {length}", "keep it {length}", "{length} please", "make it {length}", "of {length} size"),
)
_JOINTS = (", ", ", ", " and ", "; ", ": ", " ", " with ", " / ")
_ENDS = ("", "", "", " please", " for me", ", thank you", " to this lead", ", as ever", " if you can")
_ASIDES = (  # words that say nothing of the message: a writer is to look past all that it need not know
    "again after all also another any around before between both but by different during each even every fine "
    "first good great how idea in into just kindly know last later let like little many may maybe me mind more "
    "much must new next nice nobody not note now on once only other our over people perhaps plan quick quite "
    "rather reader really right see seems shape should simply some someone something soon still such sure tell "
    "than their them then there these they thing think this those time today together too try under until us very "
    "want way well when where which who why word"
)
HELD_OUT_PHRASINGS = (  # no training phrasing is built like these
    "could you come up with a {tone} {channel} that is {length}",
    "{length} and {tone}, as a {channel}, thanks",
    "what about a {channel} here: stick to a {tone} style and a {length} text",
    "put together a {channel} of {length} length, with a {tone} touch",
    "go for {tone}; {channel}; {length} would be best",
    "set up a {length} one, a {channel}, and stay {tone} all through",
)
ASIDES = _ASIDES.split()
MOST_FACTS = {"short": 1, "medium": 2, "long": 3}
PREFERRED = ("industry", "months_since_funding", "tech_stack", "source", "employees", "region", "persona")
NOTHING = "no facts"


@dataclass(frozen=True)
class Instruction:
    """What a message is to be: a channel of CHANNELS, a tone of TONES, a length of LENGTHS.

    phrasing is how it is said, with slots for the three; name picks one of the names of the channel. Raises InputError
    for an unknown word.
    """

    channel: str
    tone: str
    length: str
    phrasing: str = PHRASING
    name: int = 0

    def __post_init__(self) -> None:
        for what, value, known in (
            ("channel", self.channel, CHANNELS),
            ("tone", self.tone, TONES),
            ("length", self.length, LENGTHS),
        ):
            if value not in known:
                raise InputError(f'outreach: there is no {what} "{value}"; needs one of {", ".join(known)}')

    @property
    def text(self) -> str:
        names = CHANNELS[self.channel]
        said = self.phrasing.format(channel=names[self.name], tone=self.tone, length=self.length)
        return re.sub(r"\ba(?= [aeiou])", "an", said)

    @property
    def words(self) -> tuple[int, int]:
        """The least and the most words of the message."""
        return (LINKEDIN_LENGTHS if self.channel == "linkedin" else LENGTHS)[self.length]

    def with_plan(self, facts: Iterable[Fact]) -> str:
        """The instruction and, behind it, the facts that the message is to state, in their order."""
        points = [f"stop: {REASONS[each.said]}" if each.said in REASONS else each.point for each in facts]
        return " | ".join((self.text, *(points or [NOTHING])))


def draw_phrasing(rng: Random) -> str:
    """One of some billion ways to ask for a message, every other one with asides; none of HELD_OUT_PHRASINGS."""
    if rng.random() < 0.1:
        return PHRASING
    parts = [rng.choice(each) for each in _PARTS]
    rng.shuffle(parts)
    asides = rng.random() < 0.5
    text = _aside(rng) + rng.choice(_JOINTS) if asides and rng.random() < 0.5 else rng.choice(_BEGINNINGS)
    for i, part in enumerate(parts):
        joint = rng.choice(_JOINTS) if i else ""
        if i and asides and rng.random() < 0.4:
            joint = f"{joint.rstrip()} {_aside(rng)}{rng.choice(_JOINTS)}"
        text += joint + part
    return f"{text} {_aside(rng)}" if asides and rng.random() < 0.3 else text + rng.choice(_ENDS)


def _aside(rng: Random) -> str:
    """One to four words, some of which are none."""
    return " ".join(invent_word(rng) if rng.random() < 0.3 else rng.choice(ASIDES) for _ in range(rng.randint(1, 4)))


def plan(known: LeadFacts, instruction: Instruction) -> tuple[Fact, ...]:
    """The facts that a message is to state: why to stop for a decline, else up to MOST_FACTS of its length.

    The latest deed comes first, then the profile by PREFERRED, what somebody is last: who likes to be told it?
    """
    if instruction.channel == "decline":
        return (known.stop,) if known.stop else ()
    places = {name: i for i, name in enumerate(PREFERRED)}
    profile = sorted(known.profile.values(), key=lambda fact: places.get(fact.about, len(places)))
    return (*known.deeds[:1], *profile, *known.deeds[1:])[: MOST_FACTS[instruction.length]]
