"""Drafts of first messages: what may be said of a lead, written by the writer, checked, and withheld where it's wrong.

A draft depends on the lead's id, its few usable facts, the instruction and the seed: not on the other leads, but for
those with its address (leads/same_person.py). Notes, replies and tickets are never read by the writer. What a reply or
ticket says, and that there was a reply, can only keep a lead from being written to, but for the one thing that a reply
plainly asks for (leads/outreach_answers.py). Values of the profile are put in after the writing
(leads/outreach_stand_ins.py), and so is what the seller says of the product and who signs (leads/outreach_offer.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

from tinyscout.errors import ArgumentError
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.consent import NEEDED
from tinyscout.leads.outreach_allowed import OF_A_REQUEST, Reply, Talk, untrue_words, why_not
from tinyscout.leads.outreach_amiss import taken_amiss
from tinyscout.leads.outreach_checks import faults, inventions, repeats, states
from tinyscout.leads.outreach_facts import STUDENT, Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_instructions import LINKEDIN_CHARACTERS, Instruction, plan
from tinyscout.leads.outreach_offer import (
    LONGEST_OFFER,
    LONGEST_SENDER,
    WITHOUT_OFFER,
    WITHOUT_SENDER,
    one_line,
    places,
    signed,
    with_offer,
)
from tinyscout.leads.outreach_smooth import greeted, smooth
from tinyscout.leads.outreach_stand_ins import Told, put_back, stand_ins
from tinyscout.leads.outreach_stops import last_stop
from tinyscout.leads.outreach_unread import unread
from tinyscout.leads.outreach_wording import is_institution, is_spoken_of, worded
from tinyscout.leads.recipients import is_recipient
from tinyscout.leads.same_person import read_as_one
from tinyscout.leads.signal_log import AFTER, FATES, SAME_DAY
from tinyscout.leads.tables import LeadTables
from tinyscout.training import Progress
from tinyscout.training.writer import Writer

TRIES = 8  # drawings for one draft, until one passes the checks
MIN_P = 0.1  # tokens less likely than a tenth of the likeliest are never drawn
MOST_EACH = 100  # drafts of one lead, no two alike, and drawings for one draft: beyond, hours for nothing new
LONGEST = 140  # tokens of a message
WRITING = "writing drafts"  # the longer of the two kinds of work that progress is told of
ANOTHER_CONTACT = "its lead has a later contact, which is the one to be written to"
BLOCK = 256  # contacts written to at once, or looked at between two words of progress
PLAIN_SUBJECTS = {"follow_up": "my last note", "re_engage": "after a while", "decline": "a last word"}
HOTTEST = 2.0  # temperature: of 200 drafts 97 % pass the checks at once, all at 0.8; 68 % at 3; 9 % at 4, 40 % never


@dataclass(frozen=True)
class Draft:
    """A message to a lead, or none: number counts a lead's drafts from 1.

    text: subject (in an email), greeting, body and parting; empty where nothing passed the checks. facts: what it
    says of the lead. drawn: how many messages were drawn for it. problems: what the checks said of the last of them;
    empty for a draft. plain_subject: of a message that has none in its text and goes by email.
    """

    number: int
    text: str
    facts: tuple[Fact, ...]
    drawn: int
    problems: tuple[str, ...] = ()
    plain_subject: str = ""

    @property
    def subject(self) -> str:
        """The subject of an email; empty for a LinkedIn note."""
        first = self.text.split("\n")[0]
        return first.removeprefix("Subject: ") if first.startswith("Subject: ") else self.plain_subject

    @property
    def message(self) -> str:
        """The text without its subject."""
        return self.text.split("\n", 1)[1] if self.text.startswith("Subject: ") else self.text


@dataclass(frozen=True)
class Drafted:
    """What was written to one contact: drafts, or why it may not be written to (why_not, empty where it may).

    read_first: what somebody wrote of the lead, or it itself, that no draft knows of (leads/outreach_unread.py).
    consent_checked: whether the export has a column of consent for the channel; without any, nobody's was checked.
    """

    lead_id: str
    contact_id: str
    why_not: str = ""
    drafts: list[Draft] = field(default_factory=list)
    read_first: str = ""
    consent_checked: bool = False


def sampler_of(*, temperature: float, seed: int, n: int, tries: int = TRIES) -> SamplerSettings:
    """How `n` drafts a lead are drawn. Raises ArgumentError for numbers that make no sense."""
    for name, value in (("n", n), ("tries", tries)):
        if not 1 <= value <= MOST_EACH:
            raise ArgumentError("Scout.write", name, f"is {value}; needs from 1 to {MOST_EACH}")
    sampler = SamplerSettings(temperature=temperature, min_p=MIN_P, most=LONGEST, seed=seed)
    if temperature > HOTTEST:
        said = (
            f"is {temperature:g}; needs a number from 0 to {HOTTEST:g}, beyond which ever more drafts come to nothing"
        )
        raise ArgumentError("Scout.write", "temperature", said)
    if n > 1 and not temperature:
        said = f"is {n}, and at temperature 0 there is one draft to a lead; needs a temperature above 0"
        raise ArgumentError("Scout.write", "n", said)
    return sampler


def write_drafts(
    tables: LeadTables,
    instruction: Instruction,
    *,
    writer: Writer,
    sampler: SamplerSettings,
    number: int,
    tries: int = TRIES,
    values: Mapping[str, Collection[str]],
    kinds: Collection[str],
    mention: Collection[str] | None = None,
    most: int | None = None,
    offer: str = "",
    sender: str = "",
    progress: Progress | None = None,
) -> list[Drafted]:
    """Drafts for the contacts of `tables`, in their order, `number` for each lead that may be written to.

    Of a lead with several contacts the last row of `tables` is the one that may be.
    A message is drawn up to `tries` times until it states a fact of the plan (where there is any), invents nothing, is
    as instructed, says nothing twice and differs from the contact's earlier drafts; and while there are tries left,
    until no sentence of it may be taken amiss (leads/outreach_amiss.py). values (by column) and kinds: what may be said
    because the scout knows it; see FactBook for mention. With most, the list ends after so many contacts that may be
    written to. offer and sender: the sender's own words, put in as they are and checked for nothing but that they are
    one short line each. Leads with one address are read as one. progress: called with (what, steps done, steps in all).
    Raises ArgumentError for an unknown name in mention, for an offer or sender of more, and for leads that were read as
    of their contacts, so that what they said since, be it that they unsubscribed, was left out.
    """
    late = sum(tables.account.signals_dropped.get(FATES[each], 0) for each in (AFTER, SAME_DAY))
    if late and "earlier_contact" not in tables.leads:
        said = f"were read as of their contacts, {late:,} signals since then left out; read them with as_of_now=True"
        raise ArgumentError("Scout.write", "tables", said)
    columns = (name for name in tables.schema.profile if not is_recipient(name))  # as an older model's may be
    if mention is not None:
        mention = _mentioned(mention, {*columns, *kinds})
    own_words = _OwnWords(one_line("offer", offer, LONGEST_OFFER), one_line("sender", sender, LONGEST_SENDER))
    needed = NEEDED[instruction.channel]
    tables = read_as_one(tables, by=needed)
    book, consent = FactBook(tables, mention, needed, between=True), f"no_consent_{needed}" in tables.leads
    latest = {lead_id: row for row, lead_id in enumerate(tables.leads["lead_id"])}
    found: list[Drafted] = []
    asked: list[_Asked] = []
    ids = zip(tables.leads["lead_id"], tables.leads["contact_id"], strict=True)
    for row, (lead_id, contact_id) in enumerate(ids):
        if most is not None and len(asked) >= most:
            break
        if progress and row % BLOCK == 0:
            progress("looking at leads", row, len(tables))
        own, talk = book.of(row), Talk.of(book, row)
        reply = Reply.of(tables, row, book, talk)
        stop = last_stop(book, latest[lead_id])
        own = replace(own, stop=stop.fact if stop else None)
        notes = str(tables.leads["columns_said"].iloc[row]) if "columns_said" in tables.leads else ""
        reason = why_not(tables, row, own, instruction.channel, talk, reply, stop)
        reason = reason or (ANOTHER_CONTACT if row != latest[lead_id] else "")
        found.append(Drafted(lead_id, contact_id, reason, read_first=unread(book, row, notes), consent_checked=consent))
        if not found[row].why_not:
            request = (reply.asked or talk.wish) if instruction.channel in OF_A_REQUEST else None
            deeds = tuple(deed for deed in own.deeds if book.is_open(row, deed))
            if request:  # once, whichever of its signals tell of it
                deeds = (request, *(deed for deed in deeds if deed.thing != request.thing))
            own = replace(own, deeds=deeds)
            facts = plan(_usable(own, book, values, kinds), instruction)
            untrue = untrue_words(instruction.channel, talk, reply)
            first_name = str(tables.leads["recipient_first"].iloc[row]) if "recipient_first" in tables.leads else ""
            asked.append(_Asked(found[row], facts, instruction, own_words, untrue, request, first_name, own.written_to))
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        for n in range(1, number + 1):
            _write(block, writer, sampler, n, tries if sampler.temperature else 1)
            if progress:
                progress(WRITING, number * start + n * len(block), number * len(asked))
    return found


class _OwnWords(NamedTuple):
    """What the sender says of the product (not in a decline), and how they sign (not in a LinkedIn note)."""

    offer: str
    sender: str


class _Asked:
    """A contact with its plan, as the writer is told it, and the drafts so far."""

    def __init__(
        self,
        drafted: Drafted,
        facts: tuple[Fact, ...],
        instruction: Instruction,
        own_words: _OwnWords,
        untrue: tuple[str, ...],
        request: Fact | None,
        first_name: str,
        written_to: bool,
    ):
        self.drafts, self.contact_id, self.first_name = drafted.drafts, drafted.contact_id, first_name
        self.written_to = written_to
        self.offer = own_words.offer if instruction.channel != WITHOUT_OFFER else ""
        self.sender = own_words.sender if instruction.channel != WITHOUT_SENDER else ""
        self.facts, self.instruction, self.untrue, self.request = facts, instruction, untrue, request
        self.told: list[Told] = stand_ins(facts)
        self.prompt = instruction.with_plan(each.told for each in self.told)

    def plain_subject(self, facts: Sequence[Fact]) -> str:
        """A subject for a channel whose messages are written without one: what the lead did, or what kind of note."""
        plain = PLAIN_SUBJECTS.get(self.instruction.channel, "")
        thing = next((fact.thing for fact in facts if fact.thing), "")
        return f"{plain}: {thing}" if plain and thing else plain

    def stream(self, number: int, draw: int) -> int:
        """The stream of random numbers of one drawing: its own, whoever else is written to."""
        name = f"{self.contact_id}\n{number}\n{draw}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")

    def judge(self, raw: str) -> tuple[str, tuple[Fact, ...], tuple[str, ...]]:
        """The message that a drawing makes, the facts it states, and what is wrong with it.

        The sender's own words go in last of all and are judged by nothing but the room that a channel has.
        """
        text = smooth(put_back(with_offer(raw), self.told), self.facts)
        invented = inventions(raw, [each.told for each in self.told]) or inventions(text, self.facts)
        problems = [f'invented "{each.words}" ({each.rule})' for each in invented]
        stated = tuple(fact for fact in self.facts if states(text, fact))
        problems += ["states none of the facts"] if self.facts and not stated else []
        problems += ["leaves out what the lead asked for"] if self.request and self.request not in stated else []
        problems += [f"{fault} not as asked" for fault in faults(text, self.instruction)]
        problems += [f'says "{words}", which is not so' for words in self.untrue if words in text]
        problems += ["a sentence comes twice"] if repeats(text) else []
        problems += self._misplaced(places(raw))
        body = with_offer(smooth(put_back(raw, self.told), self.facts), self.offer)
        whole = greeted(signed(body, self.sender), self.first_name)
        if self.instruction.channel == "linkedin" and len(whole) > LINKEDIN_CHARACTERS:
            problems += [f"{len(whole)} characters, a LinkedIn note has {LINKEDIN_CHARACTERS}: ask for a shorter one"]
        problems += ["the same as an earlier draft"] if any(whole == draft.text for draft in self.drafts) else []
        return whole, stated, tuple(problems)

    def _misplaced(self, count: int) -> list[str]:
        """What is wrong with so many places for an offer: one is needed for one, and a decline has none."""
        if self.offer and not count:
            return ["no place for the offer"]
        most = 0 if self.instruction.channel == WITHOUT_OFFER else 1
        return [f"{count} place{'s' if count > 1 else ''} for an offer"] if count > most else []


def _write(asked: Sequence[_Asked], writer: Writer, sampler: SamplerSettings, number: int, tries: int) -> None:
    """Add the draft of this number to all contacts at once, and again to those whose drawing did not pass."""
    open_, doubtful = list(asked), {}
    for draw in range(1, tries + 1):
        streams = [each.stream(number, draw) for each in open_]
        texts = writer.write([each.prompt for each in open_], sampler, streams=streams) if open_ else []
        failed = []
        for each, raw in zip(open_, texts, strict=True):
            text, facts, problems = each.judge(raw)
            if not problems:
                doubtful[each] = Draft(number, text, facts, draw, plain_subject=each.plain_subject(facts))
            if not problems and not taken_amiss(text, each.instruction.channel, written_to=each.written_to):
                each.drafts.append(doubtful[each])
            elif draw == tries:
                each.drafts.append(replace(doubtful.get(each, Draft(number, "", (), draw, problems)), drawn=draw))
            else:
                failed.append(each)
        open_ = failed


def _usable(
    known: LeadFacts, book: FactBook, values: Mapping[str, Collection[str]], kinds: Collection[str]
) -> LeadFacts:
    """What is known of a lead without what a message may not speak of, and without what the scout doesn't know.

    A value that hardly another lead has may be text.
    """
    institution = any(is_institution(fact) for fact in known.profile.values())
    profile = {
        name: said
        for name, fact in known.profile.items()
        if (fact.ours or fact.value.strip() in values.get(name, ()))
        and (fact.ours or book.mention is not None or is_spoken_of(name))
        and (said := worded(fact))
        and not (institution and "company" in said.said)
    }
    deeds = tuple(fact for fact in known.deeds if fact.ours or fact.about in kinds)
    told = known.stop is None or known.stop.said != STUDENT or known.stop.about in book.columns
    return replace(known, profile=profile, deeds=deeds, stop=known.stop if told else None)


def _mentioned(mention: Collection[str], there: set[str]) -> set[str]:
    """The columns and kinds that names mean, in capitals or not. Raises ArgumentError for a name that means none."""
    found = set()
    for name in mention:
        alike = {each for each in there if each.casefold() == name.casefold()}
        if not alike:
            said = (
                f'names "{name}", which is no known column or kind of signal; needs some of {", ".join(sorted(there))}'
            )
            raise ArgumentError("Scout.write", "mention", said)
        found |= {name} if name in alike else alike
    return found
