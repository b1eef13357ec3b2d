"""Drafts of first messages: what may be said of a lead, written by the writer, checked, and withheld where it's wrong.

A draft depends on the lead's id, its few usable facts, the instruction and the seed: not on the other leads, and on no
text of the CRM. Notes, replies and tickets are never read by the writer; what a reply or ticket says, and that there
was a reply, can only keep a lead from being written to. Values of the profile are put in after the writing
(leads/outreach_stand_ins.py), and so is what the seller says of the product and who signs (leads/outreach_offer.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

import pandas as pd

from tinyscout.errors import ArgumentError
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.consent import NEEDED
from tinyscout.leads.outreach import IDLE_DAYS, suitable_channels
from tinyscout.leads.outreach_checks import doubts, faults, inventions, repeats, states
from tinyscout.leads.outreach_facts import REFUSED, STUDENT, UNSUBSCRIBED, Fact, FactBook, LeadFacts
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
from tinyscout.leads.outreach_stand_ins import Told, put_back, stand_ins
from tinyscout.leads.tables import LeadTables
from tinyscout.training.writer import Writer

TRIES = 8  # drawings for one draft, until one passes the checks
MIN_P = 0.1  # tokens less likely than a tenth of the likeliest are never drawn
LONGEST = 140  # tokens of a message
HOTTEST = 2.0  # temperature: of 200 drafts 97 % pass the checks at once, all at 0.8; 68 % at 3; 9 % at 4, 40 % never
_REPLY = ["earlier_reply", "earlier_reply_at", "earlier_reply_positive"]
_STOPS = {UNSUBSCRIBED: "unsubscribed", STUDENT: "a student, who is not here to buy"}
# Who turns a quote down and wants the slides has not said that it is not for them; who says "stop" wants no answer.
_LEAVE_ALONE = re.compile(
    r"\b(stop|remove|unsubscribe|leave (?:us|me) alone|(?:do not|don't) (?:contact|e?mail|write|call))\b", re.IGNORECASE
)
_PLAIN_NO = re.compile(
    r"\b(not interested|no interest|no,? thanks?|(?:do not|don't) (?:need|want|require))\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Draft:
    """A message to a lead, or none: number counts a lead's drafts from 1.

    text: subject (in an email), greeting, body and parting; empty where nothing passed the checks. facts: what it
    says of the lead. drawn: how many messages were drawn for it. problems: what the checks said of the last of them;
    empty for a draft.
    """

    number: int
    text: str
    facts: tuple[Fact, ...]
    drawn: int
    problems: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The subject of an email; empty for what has none."""
        first = self.text.split("\n")[0]
        return first.removeprefix("Subject: ") if first.startswith("Subject: ") else ""

    @property
    def message(self) -> str:
        """The text without its subject."""
        return self.text.split("\n", 1)[1] if self.subject else self.text


@dataclass(frozen=True)
class Drafted:
    """What was written to one contact: drafts, or why it may not be written to (why_not, empty where it may)."""

    lead_id: str
    contact_id: str
    why_not: str = ""
    drafts: list[Draft] = field(default_factory=list)


def sampler_of(*, temperature: float, seed: int, n: int, tries: int = TRIES) -> SamplerSettings:
    """How `n` drafts a lead are drawn. Raises ArgumentError for numbers that make no sense."""
    for name, value in (("n", n), ("tries", tries)):
        if value < 1:
            raise ArgumentError("Scout.write", name, f"is {value}; needs 1 or more")
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
) -> list[Drafted]:
    """Drafts for the contacts of `tables`, in their order, `number` for each that may be written to.

    A message is drawn up to `tries` times until it states a fact of the plan (where there is any), invents nothing, is
    as instructed, says nothing twice and differs from the contact's earlier drafts; and while there are tries left,
    until no sentence of it may be taken amiss (outreach_checks.doubts). values (by column) and kinds: what may be said
    because the scout knows it; see FactBook for mention. With most, the list ends after so many contacts that may be
    written to. offer and sender: the sender's own words, put in as they are and checked for nothing but that they are
    one short line each. Raises ArgumentError for an unknown name in mention, and for an offer or sender of more.
    """
    _check_mention(mention or (), {*tables.schema.profile, *kinds})
    own_words = _OwnWords(one_line("offer", offer, LONGEST_OFFER), one_line("sender", sender, LONGEST_SENDER))
    book = FactBook(tables, mention)
    latest = {lead_id: row for row, lead_id in enumerate(tables.leads["lead_id"])}
    found: list[Drafted] = []
    known: dict[int, LeadFacts] = {}
    ids = zip(tables.leads["lead_id"], tables.leads["contact_id"], strict=True)
    for row, (lead_id, contact_id) in enumerate(ids):
        if most is not None and len(known) >= most:
            break
        own, reply = book.of(row), _Reply.of(tables, row)
        stop, since_no, text = book.last_stop(latest[lead_id])
        own = replace(own, stop=stop, stop_hours=since_no, stop_text=text, idle_hours=min(own.idle_hours, reply.hours))
        answered = reply.forbids(instruction.channel, since_no)
        why_not = _why_not(tables, row, own, instruction, f"already replied ({reply.said})" if answered else "")
        found.append(Drafted(lead_id, contact_id, why_not))
        if not why_not:
            known[row] = _usable(own, values, kinds)
    asked = [_Asked(found[row], plan(facts, instruction), instruction, own_words) for row, facts in known.items()]
    _write(asked, writer, sampler, number, tries if sampler.temperature else 1)
    return found


class _Reply(NamedTuple):
    """What is known of a contact's reply: said in words, empty for none; the hours since, inf where not known."""

    said: str
    hours: float
    positive: bool

    @classmethod
    def of(cls, tables: LeadTables, row: int) -> _Reply:
        if "earlier_reply" not in tables.leads:
            return cls("", math.inf, False)
        said, at, positive, now = tables.leads.loc[row, [*_REPLY, "contacted_at"]]
        hours = (now - at) / pd.Timedelta(hours=1)
        return cls(said, math.inf if pd.isna(hours) else max(hours, 0.0), bool(positive))

    def forbids(self, channel: str, since_no: float) -> bool:
        """Whether it is a reason not to write by a channel; since_no: hours since the lead said that it wants no more.

        Who replied is in a conversation whose words are not read here: no first message, by email or LinkedIn, and no
        follow-up, which is for those who did not answer. A note to re-engage says that we have not spoken for a while,
        which is true of a lead that replied well, is known when, and has been silent since: a reply is heard of it as a
        signal is. A decline answers a no: the reply may be that no (it isn't positive, or no more than a day later than
        the no); one that came after it is for a person to read.
        """
        if not self.said:
            return False
        if channel == "re_engage":
            return not (self.positive and math.isfinite(self.hours))
        if channel == "decline":
            return self.positive and not (math.isfinite(self.hours) and self.hours + 24 >= since_no)
        return True


class _OwnWords(NamedTuple):
    """What the sender says of the product (not in a decline), and how they sign (not in a LinkedIn note)."""

    offer: str
    sender: str


class _Asked:
    """A contact with its plan, as the writer is told it, and the drafts so far."""

    def __init__(self, drafted: Drafted, facts: tuple[Fact, ...], instruction: Instruction, own_words: _OwnWords):
        self.drafts, self.contact_id = drafted.drafts, drafted.contact_id
        self.offer = own_words.offer if instruction.channel != WITHOUT_OFFER else ""
        self.sender = own_words.sender if instruction.channel != WITHOUT_SENDER else ""
        self.facts, self.instruction = facts, instruction
        self.told: list[Told] = stand_ins(facts)
        self.prompt = instruction.with_plan(each.told for each in self.told)

    def stream(self, number: int, draw: int) -> int:
        """The stream of random numbers of one drawing: its own, whoever else is written to."""
        name = f"{self.contact_id}\n{number}\n{draw}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")

    def judge(self, raw: str) -> tuple[str, tuple[Fact, ...], tuple[str, ...]]:
        """The message that a drawing makes, the facts it states, and what is wrong with it.

        The sender's own words go in last of all and are judged by nothing but the room that a channel has.
        """
        text = put_back(with_offer(raw), self.told)
        invented = inventions(raw, [each.told for each in self.told]) or inventions(text, self.facts)
        problems = [f'invented "{each.words}" ({each.rule})' for each in invented]
        stated = tuple(fact for fact in self.facts if states(text, fact))
        problems += ["states none of the facts"] if self.facts and not stated else []
        problems += [f"{fault} not as asked" for fault in faults(text, self.instruction)]
        problems += ["a sentence comes twice"] if repeats(text) else []
        problems += self._misplaced(places(raw))
        whole = signed(with_offer(put_back(raw, self.told), self.offer), self.sender)
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
    """Fill in the drafts: the n-th of all contacts at once, and again for those whose drawing did not pass."""
    for n in range(1, number + 1):
        open_, doubtful = list(asked), {}
        for draw in range(1, tries + 1):
            streams = [each.stream(n, draw) for each in open_]
            texts = writer.write([each.prompt for each in open_], sampler, streams=streams) if open_ else []
            failed = []
            for each, raw in zip(open_, texts, strict=True):
                text, facts, problems = each.judge(raw)
                if not problems:
                    doubtful[each] = Draft(n, text, facts, draw)
                if not problems and not doubts(raw):
                    each.drafts.append(doubtful[each])
                elif draw == tries:
                    each.drafts.append(replace(doubtful.get(each, Draft(n, "", (), draw, problems)), drawn=draw))
                else:
                    failed.append(each)
            open_ = failed


def _why_not(tables: LeadTables, row: int, known: LeadFacts, instruction: Instruction, answered: str) -> str:
    """Why a contact may not be written to; empty where it may. answered: why not, if only for its reply."""
    channel = instruction.channel
    needed = NEEDED.get(channel)
    if needed and f"no_consent_{needed}" in tables.leads:
        reason = tables.leads[f"no_consent_{needed}"].iloc[row]
        if reason:
            return f"no consent for {needed}: {reason}"
    if known.stop is not None:
        said, answers_a_no = _in_words(known.stop, known.stop_text)
        if not (answers_a_no and channel == "decline"):  # a polite no is one more message, too
            return f"{said} ({known.stop.source})"
    if answered or channel in suitable_channels(known):
        return answered
    if channel == "follow_up":
        return "no earlier message to follow up is known"
    if known.idle_hours == float("inf"):
        return "neither a signal nor an earlier contact is known to come back to"
    return f"no need to re-engage: heard of {known.idle_hours / 24:.0f} days ago, less than {IDLE_DAYS:.0f}"


def _in_words(stop: Fact, text: str) -> tuple[str, bool]:
    """Why a lead is left alone, in words, and whether a polite decline may answer it."""
    if stop.said != REFUSED:
        return _STOPS[stop.said], stop.said == STUDENT
    if _LEAVE_ALONE.search(text):
        return "asked to be left alone", False
    return ("refused in its own words", True) if _PLAIN_NO.search(text) else ("turned something down", False)


def _usable(known: LeadFacts, values: Mapping[str, Collection[str]], kinds: Collection[str]) -> LeadFacts:
    """What is known of a lead without what the scout doesn't know: a value that hardly another lead has may be text."""
    profile = {
        name: fact for name, fact in known.profile.items() if fact.ours or fact.value.strip() in values.get(name, ())
    }
    deeds = tuple(fact for fact in known.deeds if fact.ours or fact.about in kinds)
    return replace(known, profile=profile, deeds=deeds)


def _check_mention(mention: Collection[str], there: set[str]) -> None:
    for name in mention:
        if name not in there:
            said = (
                f'names "{name}", which is no known column or kind of signal; needs some of {", ".join(sorted(there))}'
            )
            raise ArgumentError("Scout.write", "mention", said)
