"""The corpus for writing: (lead, instruction, message) examples made from synthetic leads, and what a bot would send.

A message states facts of its own lead only and lists them. Nothing random is shared between leads: an example depends
on the seed, the contact and the families, not on which other leads are asked for. No person or company is named.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads import outreach_templates as templates
from tinyscout.leads.outreach_facts import INDUSTRIES, REASONS, ROLES, Deed, Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_templates import FAMILIES, TONES, TRAINING_FAMILIES, Family
from tinyscout.leads.tables import LeadTables

CHANNELS = {
    "email": "email",
    "linkedin": "LinkedIn message",
    "follow_up": "follow-up",
    "re_engage": "note to re-engage",
    "decline": "polite decline",
}
LENGTHS = {"short": 50, "medium": 60, "long": 85}
"""The most words a message of each length has, subject and greeting included."""
IDLE_DAYS = 30.0  # without a signal for longer, a lead may be re-engaged
PHRASINGS = (
    "write a {length}, {tone} {channel}",
    "{channel}, {tone}, {length}",
    "please draft a {tone} {channel} and keep it {length}",
    "{length} {channel} in a {tone} tone",
)


@dataclass(frozen=True)
class Instruction:
    """What a message is to be: a channel of CHANNELS, a tone of TONES, a length of LENGTHS.

    phrasing picks one of the ways to say it.
    """

    channel: str
    tone: str
    length: str
    phrasing: int = 0

    @property
    def text(self) -> str:
        return PHRASINGS[self.phrasing].format(channel=CHANNELS[self.channel], tone=self.tone, length=self.length)


@dataclass(frozen=True)
class Example:
    """A message for lead `row`, the facts it states, and what a bot would send on the same instruction.

    family names the templates of the message; what the bot says of the lead may be untrue.
    """

    row: int
    instruction: Instruction
    message: str
    facts: tuple[Fact, ...]
    bot: str
    family: str


def write_examples(
    tables: LeadTables,
    rows: Iterable[int] | np.ndarray,
    *,
    seed: int,
    families: Sequence[str] = TRAINING_FAMILIES,
    per_lead: int = 1,
    channel: str | None = None,
) -> list[Example]:
    """`per_lead` examples for each of the leads `rows` of a synthetic world, in their order.

    Split by lead through rows (leads/splits.py keeps a lead's contacts on one side) and by form through families
    (HELD_OUT_FAMILIES are the others). `channel` asks for one channel; without it, each lead gets one that suits it:
    a lead whose last word was to be left alone gets a polite decline. Raises InputError for an unknown name.
    """
    for name in families:
        if name not in FAMILIES:
            raise InputError(f'outreach: there is no template family "{name}"; needs some of {", ".join(FAMILIES)}')
    if channel is not None and channel not in CHANNELS:
        raise InputError(f'outreach: there is no channel "{channel}"; needs one of {", ".join(CHANNELS)}')
    if not families or per_lead < 1:
        raise InputError(f"outreach: got {len(families)} families and {per_lead} examples a lead; needs 1 or more each")
    book = FactBook(tables)
    contacts = tables.leads["contact_id"].astype(object).tolist()
    examples = []
    for row in np.asarray(list(rows), dtype=np.int64):
        known = book.of(row)
        for number in range(per_lead):
            rng = Random(f"{seed} {contacts[row]} {number} {channel} {' '.join(families)}")
            wanted = channel or rng.choice(suitable_channels(known))
            instruction = Instruction(
                wanted, rng.choice(list(TONES)), rng.choice(list(LENGTHS)), rng.randrange(len(PHRASINGS))
            )
            family = rng.choice(families)
            message, facts = compose(known, instruction, family, rng)
            bot = bot_message(instruction, rng)
            examples.append(Example(int(row), instruction, message, facts, bot, family))
    return examples


def suitable_channels(known: LeadFacts) -> list[str]:
    """The channels one may use with a lead: only a decline for one that wants to be left alone."""
    if known.stop is not None:
        return ["decline"]
    channels = ["email", "linkedin"]
    if known.written_to:
        channels.append("follow_up")
    if np.isfinite(known.idle_hours) and known.idle_hours > IDLE_DAYS * 24:
        channels.append("re_engage")
    return channels


def compose(known: LeadFacts, instruction: Instruction, family: str, rng: Random) -> tuple[str, tuple[Fact, ...]]:
    """A message for a lead with these facts, and the facts it states."""
    form, tone = FAMILIES[family], TONES[instruction.tone]
    subject = rng.choice(templates.PLAIN_SUBJECTS)
    if instruction.channel == "decline":
        subject = "your wish"
        text, facts = _decline(known, instruction.length, form, rng)
    else:
        wanted = {"short": ("hook", "ask"), "medium": ("hook", "body", "ask"), "long": form.order}[instruction.length]
        if instruction.length == "short" and form.order[0] == "body":  # its hook means nothing without what it opens by
            wanted = ("body", "ask")
        deed = rng.choice(known.deeds[:3]) if known.deeds and "hook" in wanted else None
        if deed:
            subject = rng.choice(templates.SUBJECTS).format(thing=deed.thing)
        text, facts = _outreach(known, instruction, form, wanted, deed, rng)
    greeting, parting = rng.choice(tone.greetings), rng.choice(tone.partings)
    message = f"{greeting}\n{_contract(text) if tone.contracted else text}"
    if instruction.channel != "linkedin":
        message += f"\n{parting}"
    if instruction.channel == "email":
        message = f"Subject: {subject}\n{message}"
    return message, facts


def _outreach(
    known: LeadFacts, instruction: Instruction, form: Family, wanted: Sequence[str], deed: Deed | None, rng: Random
) -> tuple[str, tuple[Fact, ...]]:
    """The sentences between greeting and parting, and the facts they state."""
    parts: dict[str, str] = {"ask": rng.choice(form.asks), "pitch": templates.PITCH}
    facts: tuple[Fact, ...] = ()
    if deed:
        parts["hook"] = rng.choice(form.hooks).format(did=deed.did, thing=deed.thing, when=deed.when)
        facts = deed.facts
    elif "hook" in wanted:
        parts["hook"] = rng.choice(form.plain)
    if "body" in wanted and known.profile:
        fact = known.profile[rng.choice(sorted(known.profile))]
        parts["body"] = rng.choice(templates.BODIES[fact.about]).format(said=fact.said)
        facts = (*facts, fact)
    if "persona" in known.profile:
        parts["pitch"] = templates.PITCHES[known.profile["persona"].value]
    sentences = [parts[name] for name in form.order if name in wanted and name in parts]
    if instruction.channel in templates.LEADS_IN:
        sentences.insert(0, rng.choice(templates.LEADS_IN[instruction.channel]))
    if instruction.length == "long":
        sentences.append(TONES[instruction.tone].courtesy)
    return " ".join(sentences), facts


def _decline(known: LeadFacts, length: str, form: Family, rng: Random) -> tuple[str, tuple[Fact, ...]]:
    """Words that end a conversation without asking for anything, and the facts they state."""
    opening = templates.NO_FIT
    if known.stop is not None:
        opening = rng.choice(form.decline).format(reason=REASONS[known.stop.said])
    rest = {"short": 0, "medium": 1, "long": 2}[length]
    return " ".join((opening, *templates.DECLINE_MORE[:rest])), (known.stop,) if known.stop else ()


def _contract(text: str) -> str:
    """I am -> I'm, and so on; not at the end of a clause, where nobody contracts."""
    for long, short in templates.CONTRACTIONS.items():
        text = re.sub(rf"\b{long}\b(?= \w)", short, text)
    return text


def bot_message(instruction: Instruction, rng: Random) -> str:
    """What a bot sends: praise and pressure that suit anybody, and now and then a guess about the lead."""
    sentences = [rng.choice(templates.BOT_OPENINGS)]
    if rng.random() < 0.4:
        guess = rng.choice(templates.BOT_INVENTIONS)
        role, industry = rng.choice(list(ROLES.values())), rng.choice(list(INDUSTRIES.values()))
        sentences.append(guess.format(role=role, industry=industry))
    bodies = {"short": 0, "medium": 1, "long": 3}[instruction.length]
    sentences += rng.sample(templates.BOT_BODIES, bodies)
    sentences.append(rng.choice(templates.BOT_ASKS))
    message = f"Dear valued customer,\n{' '.join(sentences)}\n{rng.choice(templates.BOT_PARTINGS)}"
    return f"Subject: Quick question\n{message}" if instruction.channel == "email" else message
