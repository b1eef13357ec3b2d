"""The corpus for writing: (lead, instruction, message) examples made from synthetic leads, and what a bot would send.

A message states the facts of its plan and no others, in their order. Nothing random is shared between leads: an example
depends on the seed, the contact and the families, not on which other leads are asked for. No person or company is
named.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads import outreach_templates as templates
from tinyscout.leads.outreach_facts import INDUSTRIES, REASONS, ROLES, Fact, FactBook, LeadFacts, in_words
from tinyscout.leads.outreach_instructions import (
    LENGTHS,
    LINKEDIN_CHARACTERS,
    MOST_FACTS,
    Instruction,
    draw_phrasing,
)
from tinyscout.leads.outreach_invented import invent_facts
from tinyscout.leads.outreach_templates import FAMILIES, TONES, TRAINING_FAMILIES, Family
from tinyscout.leads.tables import LeadTables

WEIGHTS = {"email": 3, "linkedin": 3, "follow_up": 3, "re_engage": 8, "decline": 1}  # few leads may be re-engaged
IDLE_DAYS = 30.0  # without a signal for longer, a lead may be re-engaged
MARGIN = 4  # words that a message keeps from the ends of what its length allows


@dataclass(frozen=True)
class Example:
    """A message for lead `row`, the facts it states, and what a bot would send on the same instruction.

    family names the templates of the message; what the bot says of the lead may be untrue. invented: the facts are
    nobody's, made up so that a model learns to copy what it is told.
    """

    row: int
    instruction: Instruction
    message: str
    facts: tuple[Fact, ...]
    bot: str
    family: str
    invented: bool = False

    @property
    def prompt(self) -> str:
        """The instruction with its plan of facts."""
        return self.instruction.with_plan(self.facts)


def write_examples(
    tables: LeadTables,
    rows: Iterable[int] | np.ndarray,
    *,
    seed: int,
    families: Sequence[str] = TRAINING_FAMILIES,
    phrasings: Sequence[str] = (),
    per_lead: int = 1,
    instruction: Instruction | None = None,
    invented: float = 0.0,
) -> list[Example]:
    """`per_lead` examples for each of the leads `rows` of a synthetic world, in their order.

    Split by lead through rows (leads/splits.py keeps a lead's contacts on one side), by form through families
    (HELD_OUT_FAMILIES are the others) and by wording through phrasings (HELD_OUT_PHRASINGS; without any, drawn anew).
    With an instruction, all are written to it; without, each lead gets one that suits it: a lead whose last word was to
    be left alone gets a polite decline. invented: the share of examples whose facts are made up, with columns and
    values of any CRM. Raises InputError for an unknown name.
    """
    for name in families:
        if name not in FAMILIES:
            raise InputError(f'outreach: there is no template family "{name}"; needs some of {", ".join(FAMILIES)}')
    if not families or per_lead < 1:
        raise InputError(f"outreach: got {len(families)} families and {per_lead} examples a lead; needs 1 or more each")
    book = FactBook(tables)
    contacts = tables.leads["contact_id"].astype(object).tolist()
    examples = []
    for row in np.asarray(list(rows), dtype=np.int64):
        own = book.of(row)
        for number in range(per_lead):
            rng = Random(f"{seed} {contacts[row]} {number} {' '.join(families)}")
            made_up = rng.random() < invented
            known = invent_facts(rng) if made_up else own
            asked = instruction or draw_instruction(known, phrasings, rng)
            family = rng.choice(families)
            facts = choose_facts(known, asked, rng)
            message = compose(facts, asked, family, rng)
            examples.append(Example(int(row), asked, message, facts, bot_message(asked, rng), family, made_up))
    return examples


def draw_instruction(known: LeadFacts, phrasings: Sequence[str], rng: Random) -> Instruction:
    """Something that one may ask for with such a lead, said in one of the phrasings, or in one drawn anew."""
    suitable = suitable_channels(known)
    channel = rng.choices(suitable, [WEIGHTS[name] for name in suitable])[0]
    tone, length = rng.choice(list(TONES)), rng.choice(list(LENGTHS))
    phrasing = rng.choice(phrasings) if phrasings else draw_phrasing(rng)
    return Instruction(channel, tone, length, phrasing, rng.randrange(2))


def suitable_channels(known: LeadFacts) -> list[str]:
    """The channels one may use with a lead: only a decline for one that wants to be left alone. Anybody may get one."""
    if known.stop is not None:
        return ["decline"]
    channels = ["email", "linkedin", "decline"]
    if known.written_to:
        channels.append("follow_up")
    if np.isfinite(known.idle_hours) and known.idle_hours > IDLE_DAYS * 24:
        channels.append("re_engage")
    return channels


def choose_facts(known: LeadFacts, instruction: Instruction, rng: Random) -> tuple[Fact, ...]:
    """Facts for a message, as many as its length allows or fewer, in any order: the corpus knows more than one plan."""
    if instruction.channel == "decline":
        return (known.stop,) if known.stop else ()
    most = MOST_FACTS[instruction.length]
    facts = rng.sample(known.deeds[:3], min(len(known.deeds[:3]), rng.choice((1, 1, 1, 2))))
    facts += rng.sample(list(known.profile.values()), min(len(known.profile), most))
    facts = facts[: rng.choice((most, most, most, max(most - 1, 0), rng.randrange(most + 1)))]
    if rng.random() < 0.4:
        rng.shuffle(facts)
    return tuple(facts)


def compose(facts: Sequence[Fact], instruction: Instruction, family: str, rng: Random) -> str:
    """A message that states these facts, as instructed; a decline takes why to stop as its only fact, or none."""
    form, tone = FAMILIES[family], TONES[instruction.tone]
    least, most = instruction.words
    least = least + MARGIN if least > 1 else 1
    best = ""
    for _ in range(50):
        if instruction.channel == "decline":
            subject, needed, more = _decline(facts, form, rng)
        else:
            subject, needed, more = _outreach(facts, instruction, form, rng)
        more += rng.sample(tone.courtesies, len(tone.courtesies)) if instruction.length != "short" else []
        rng.shuffle(more)
        goal = rng.randint(least, most - MARGIN)
        sentences = needed
        message = _dress(sentences, subject, instruction, rng)
        while len(message.split()) < goal and more:
            sentences = [*sentences[:-1], more.pop(), sentences[-1]]
            message, last = _dress(sentences, subject, instruction, rng), message
            if len(message.split()) > most - MARGIN:
                message = last
                break
        if least <= len(message.split()) <= most - MARGIN and (
            instruction.channel != "linkedin" or len(message) <= LINKEDIN_CHARACTERS
        ):
            return message
        best = message if not best or len(message) < len(best) else best
    return best


def _dress(sentences: Sequence[str], subject: str, instruction: Instruction, rng: Random) -> str:
    """A message of these sentences: subject, greeting and parting as channel and tone have them."""
    tone, text = TONES[instruction.tone], " ".join(sentences)
    message = f"{rng.choice(tone.greetings)}\n{_contract(text) if tone.contracted else text}"
    if instruction.channel != "linkedin":
        message += f"\n{rng.choice(tone.partings)}"
    return f"Subject: {subject}\n{message}" if instruction.channel == "email" else message


def _outreach(
    facts: Sequence[Fact], instruction: Instruction, form: Family, rng: Random
) -> tuple[str, list[str], list[str]]:
    """A subject, the sentences a message needs (the question last, unless it comes first), and what may be added."""
    subject, said, opened = rng.choice(templates.PLAIN_SUBJECTS), [], False
    for fact in facts:
        slots = {"said": fact.said, "when": fact.when, "point": fact.point, "did": fact.said, "thing": fact.thing}
        if fact.did:
            chosen = templates.MORE_DEEDS if opened else form.hooks
            if not opened:
                subject = rng.choice(templates.SUBJECTS).format(**slots)
            opened = True
        elif fact.when:
            chosen = templates.OTHER_KINDS
        else:
            chosen = templates.BODIES.get(in_words(fact.about).replace(" ", "_"), templates.OTHER_COLUMNS)
        said.append(rng.choice(chosen).format(**slots))
    if not facts:
        said = [rng.choice(form.plain)]
    if instruction.channel in templates.LEADS_IN:
        said.insert(0, rng.choice(templates.LEADS_IN[instruction.channel]))
    ask = rng.choice(form.asks)
    if form.ask_first:
        place = int(instruction.channel in templates.LEADS_IN)
        said.insert(place, ask)
    else:
        said.append(ask)
    return subject, said, list(templates.FILLERS)


def _decline(facts: Sequence[Fact], form: Family, rng: Random) -> tuple[str, list[str], list[str]]:
    """Words that end a conversation without asking for anything: a subject, what is needed, what may be added."""
    opening = rng.choice(form.decline).format(reason=REASONS[facts[0].said]) if facts else rng.choice(templates.NO_FIT)
    closing = rng.choice(templates.DECLINE_MORE)
    more = [each for each in templates.DECLINE_MORE if each != closing]
    return rng.choice(templates.DECLINE_SUBJECTS), [opening, closing], more


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
