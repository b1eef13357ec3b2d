"""The corpus for writing: (lead, instruction, message) examples made from synthetic leads, and what a bot would send.

A message states the facts of its plan and no others, in their order, and nothing of what the seller sells: for that it
leaves a place (leads/outreach_offer.py). Nothing random is shared between leads: an example depends on the seed, the
contact and the families, not on which other leads are asked for. No person or company is named.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads import outreach_templates as templates
from tinyscout.leads.outreach_checks import contracted
from tinyscout.leads.outreach_facts import INDUSTRIES, REASONS, ROLES, Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_instructions import (
    LENGTHS,
    LINKEDIN_CHARACTERS,
    MOST_FACTS,
    Instruction,
    draw_phrasing,
)
from tinyscout.leads.outreach_invented import invent_facts
from tinyscout.leads.outreach_names import in_words
from tinyscout.leads.outreach_offer import with_offer
from tinyscout.leads.outreach_templates import FAMILIES, TONES, TRAINING_FAMILIES, Family
from tinyscout.leads.tables import LeadTables

WEIGHTS = {"email": 3, "linkedin": 3, "follow_up": 3, "re_engage": 8, "decline": 1}  # few leads may be re-engaged
IDLE_DAYS = 30.0  # without a signal for longer, a lead may be re-engaged
MARGIN = 4  # words that a short message keeps from the most its length allows
NEAR, TRIES = 4, 12  # words from the middle of a longer one that are near enough, and how often to try for them
STRIDE = 3  # places of the list that one more sentence may be further on than the one before it


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
    """A message that states these facts, as instructed; a decline takes why to stop as its only fact, or none.

    Its length comes near the middle of what was asked for: whoever counts words only roughly keeps within the limits.
    """
    form = FAMILIES[family]
    least, most = instruction.words
    nearest, best = np.inf, ""
    for _ in range(TRIES):
        decline = instruction.channel == "decline"
        parts = _decline(facts, form, rng) if decline else _outreach(facts, instruction, form, rng)
        for message in _dressed(parts, instruction, rng):
            words = len(with_offer(message).split())
            away = max(words - most + MARGIN, 0) if least == 1 else abs(words - (least + most) / 2)
            if instruction.channel == "linkedin" and len(with_offer(message)) > LINKEDIN_CHARACTERS:
                away += most
            if away < nearest:
                nearest, best = away, message
            if words > (least + most) / 2 or least == 1:
                break
        if nearest <= (0 if least == 1 else NEAR):
            break
    return best


class _Parts(NamedTuple):
    """A subject, the sentences before and after those that may be left out, and these in the order they come."""

    subject: str
    before: list[str]
    more: list[str]
    after: list[str]


def _dressed(parts: _Parts, instruction: Instruction, rng: Random) -> Iterator[str]:
    """The message without more sentences, with one, two, ...: subject, greeting, parting as channel and tone ask."""
    tone = TONES[instruction.tone]
    greeting, parting = rng.choice(tone.greetings), rng.choice(tone.partings)
    for number in range(len(parts.more) + 1):
        text = " ".join((*parts.before, *parts.more[:number], *parts.after))
        message = f"{greeting}\n{contracted(text) if tone.contracted else text}"
        if instruction.channel != "linkedin":
            message += f"\n{parting}"
        yield f"Subject: {parts.subject}\n{message}" if instruction.channel == "email" else message


def _walk(sentences: Sequence[str], stride: int, rng: Random) -> list[str]:
    """Some of the sentences, from anywhere on and up to `stride` places further each time, round the end, none twice.

    Who writes needs to remember only the last one in order not to repeat any.
    """
    place = rng.randrange(len(sentences))
    walked, end = [sentences[place]], place + len(sentences)
    while (place := place + rng.randint(1, stride)) < end:
        walked.append(sentences[place % len(sentences)])
    return walked


def _outreach(facts: Sequence[Fact], instruction: Instruction, form: Family, rng: Random) -> _Parts:
    """What is said of the facts, the question at the end or at the beginning, and sentences about the note between.

    The place for an offer comes right behind the facts.
    """
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
    lead_in = [rng.choice(templates.LEADS_IN[instruction.channel])] if instruction.channel in templates.LEADS_IN else []
    ask = rng.choice(form.asks)
    more = [*templates.FILLERS, *TONES[instruction.tone].courtesies] if instruction.length != "short" else []
    walked = _walk(more, STRIDE, rng) if more else []
    before = [*lead_in, *([ask] if form.ask_first else []), *said, templates.OFFER]
    return _Parts(subject, before, walked, [] if form.ask_first else [ask])


def _decline(facts: Sequence[Fact], form: Family, rng: Random) -> _Parts:
    """Words that end a conversation without asking for anything."""
    opening = rng.choice(form.decline).format(reason=REASONS[facts[0].said]) if facts else rng.choice(templates.NO_FIT)
    first, *more = _walk(templates.DECLINE_MORE, 1, rng)
    return _Parts(rng.choice(templates.DECLINE_SUBJECTS), [opening, first], more, [])


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
