"""What is asked of a writer in a test, and the figures of what it wrote: over all, and by channel, tone and length."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from tinyscout.leads.outreach_checks import faults, inventions, repeats, states
from tinyscout.leads.outreach_facts import Fact, FactBook, LeadFacts
from tinyscout.leads.outreach_instructions import HELD_OUT_PHRASINGS, LENGTHS, Instruction, plan
from tinyscout.leads.outreach_invented import invent_facts
from tinyscout.leads.outreach_offer import places
from tinyscout.leads.outreach_templates import TONES
from tinyscout.leads.tables import LeadTables

IN_TURN = ("email", "linkedin", "follow_up", "re_engage")
FIGURES = ("free", "named", "follows", "stated", "fresh", "placed")


class Asked(NamedTuple):
    """A message to be written: the instruction, the facts of its plan, and all that is true of the lead."""

    instruction: Instruction
    plan: tuple[Fact, ...]
    true: tuple[Fact, ...]

    @property
    def prompt(self) -> str:
        return self.instruction.with_plan(self.plan)


def ask_for(tables: LeadTables, rows: Iterable[int], *, seed: int) -> list[Asked]:
    """For each lead a message in a wording that is held out: channels, tones and lengths in turn, a decline to whoever
    wants to be left alone."""
    book = FactBook(tables)
    return [_ask(book.of(row), book.facts(row), i, seed) for i, row in enumerate(rows)]


def ask_for_made_up(number: int, *, seed: int) -> list[Asked]:
    """The same of leads that nobody has, whose columns, values and deeds no lesson had."""
    known = [invent_facts(Random(f"asked {seed} {i}")) for i in range(number)]
    return [_ask(each, each.all, i, seed) for i, each in enumerate(known)]


def _ask(known: LeadFacts, true: tuple[Fact, ...], number: int, seed: int) -> Asked:
    rng = Random(f"{seed} {number}")
    instruction = Instruction(
        "decline" if known.stop else IN_TURN[number % 4],
        list(TONES)[number // 4 % len(TONES)],
        list(LENGTHS)[number // 24 % len(LENGTHS)],
        rng.choice(HELD_OUT_PHRASINGS),
        rng.randrange(2),
    )
    return Asked(instruction, plan(known, instruction), true)


def report(texts: Sequence[str], asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """Shares of the messages, of all and of each channel, tone and length; "n" is how many there are.

    free: nothing is invented; named: no name, number, date, claim or age is (words misspelled and odd statements
    aside); follows: channel, tone, length and question are as asked; stated: every fact of the plan is; fresh: no
    sentence comes twice; placed: it has one place for an offer, a decline none. Then the rules and faults by
    name, as shares of all.
    """
    rows: list[tuple[bool, ...]] = []
    groups: dict[str, list[int]] = {}
    broken: list[str] = []
    for i, (text, wanted) in enumerate(zip(texts, asked, strict=True)):
        rules, wrong = {each.rule for each in inventions(text, wanted.true)}, faults(text, wanted.instruction)
        done = all(states(text, fact) for fact in wanted.plan)
        placed = places(text) == (wanted.instruction.channel != "decline")
        rows.append((not rules, not rules - {"word", "you", "us", "thing"}, not wrong, done, not repeats(text), placed))
        broken += [*rules, *wrong]
        how = wanted.instruction
        for name in ("all", how.channel, how.tone, how.length):
            groups.setdefault(name, []).append(i)
    found = np.array(rows, dtype=float).reshape(-1, len(FIGURES))
    shares = {
        name: {"n": float(len(places))} | dict(zip(FIGURES, map(float, found[places].mean(axis=0)), strict=True))
        for name, places in groups.items()
    }
    return shares | {"broken": {name: broken.count(name) / len(rows) for name in sorted(set(broken))}}
