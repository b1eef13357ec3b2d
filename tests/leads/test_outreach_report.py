"""The figures of drafts: all right for the corpus's own, and each fault in its place."""

from random import Random

import numpy as np
import pytest

from tinyscout.leads.outreach import compose
from tinyscout.leads.outreach_instructions import HELD_OUT_PHRASINGS, LENGTHS
from tinyscout.leads.outreach_report import FIGURES, IN_TURN, Asked, ask_for, ask_for_made_up, report
from tinyscout.leads.outreach_templates import TONES


@pytest.fixture(scope="module")
def asked(small_tables) -> list[Asked]:
    return ask_for(small_tables, range(400), seed=1)


def answers(asked: list[Asked]) -> list[str]:
    return [compose(each.plan, each.instruction, "honest", Random(i)) for i, each in enumerate(asked)]


def test_what_is_asked_covers_every_channel_tone_and_length_in_held_out_words(asked):
    hows = [each.instruction for each in asked]
    assert {how.channel for how in hows} == {*IN_TURN, "decline"}
    assert {(how.tone, how.length) for how in hows} == {(tone, length) for tone in TONES for length in LENGTHS}
    assert {how.phrasing for how in hows} == set(HELD_OUT_PHRASINGS)
    for each in asked:
        assert set(each.plan) <= set(each.true) or each.instruction.channel == "decline"
        assert each.prompt == each.instruction.with_plan(each.plan)


def test_the_corpus_itself_gets_full_marks(asked):
    for wanted in (asked, ask_for_made_up(200, seed=4)):
        figures = report(answers(wanted), wanted)
        assert figures["broken"] == {}
        assert all(row[name] == 1 for group, row in figures.items() if group != "broken" for name in FIGURES)


def test_groups_add_up(asked):
    figures = report(answers(asked), asked)
    for names in ((*IN_TURN, "decline"), TONES, LENGTHS):
        assert sum(figures[name]["n"] for name in names) == figures["all"]["n"] == 400


def test_each_fault_is_counted_where_it_is(asked):
    texts = answers(asked)
    emails = [i for i, each in enumerate(asked) if each.instruction.channel == "email"]
    spoiled = list(texts)
    for i in emails:
        lines = texts[i].split("\n")
        lines[2] = f"Greta told me to write. {lines[2]}"
        spoiled[i] = "\n".join(lines)
    figures = report(spoiled, asked)
    assert figures["email"]["free"] == figures["email"]["named"] == 0 and figures["linkedin"]["free"] == 1
    assert figures["all"]["free"] == pytest.approx(1 - len(emails) / 400)
    assert figures["broken"]["name"] == pytest.approx(len(emails) / 400)
    without = report([text.replace("?", ".") for text in texts], asked)
    assert without["all"]["follows"] == pytest.approx(np.mean([e.instruction.channel == "decline" for e in asked]))
    assert without["all"]["free"] == 1 and without["broken"] == {"question": 1 - without["all"]["follows"]}


def test_what_is_not_stated_is_missed(asked):
    none = [compose((), each.instruction, "honest", Random(i)) for i, each in enumerate(asked)]
    figures = report(none, asked)
    assert figures["all"]["stated"] == pytest.approx(np.mean([not each.plan for each in asked]))
