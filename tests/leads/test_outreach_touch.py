"""The written rules of the human touch: each sees what it is named after, and no touch makes up for what is wrong."""

from random import Random

import numpy as np
import pytest

from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_facts import Fact
from tinyscout.leads.outreach_instructions import Instruction
from tinyscout.leads.outreach_report import Asked
from tinyscout.leads.outreach_touch import TOUCH, Rater, judge, touch

DID = Fact("docs_visit", "30 h ago", "read our docs", "a few days ago", True)
ASKED = Asked(Instruction("follow_up", "friendly", "short"), (DID,), (DID,))
GOOD = (
    "Hello,\nComing back to my last note. You read our docs a few days ago, and I wondered whether any question was "
    "left open. What would be of use to you now?\nBest wishes"
)
COLD = (  # the same facts, told by a bot that is true and does as told
    "Hello,\nComing back to my last note. I am happy to help either way. I can help if you wish. Can I help? I saw "
    "that you read our docs a few days ago!\nBest wishes"
)


@pytest.mark.parametrize("rule", TOUCH)
def test_each_rule_tells_a_person_from_a_form_letter(rule: str) -> None:
    good, cold = touch(GOOD, ASKED), touch(COLD, ASKED)
    assert 0 <= cold[rule] < good[rule] <= 1


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (GOOD.replace("a few days ago", "in the last day"), "true"),
        (GOOD.replace("Hello", "Hey"), "follows"),
        (GOOD.replace("You read our docs a few days ago, and I wondered", "I wondered"), "stated"),
        (GOOD.replace("What", "I can show you. I can show you. What"), "fresh"),
    ],
)
def test_what_is_wrong_loses_to_the_coldest_draft_that_is_right(text: str, field: str) -> None:
    assert judge(GOOD, ASKED).right and judge(COLD, ASKED).right
    found = judge(text, ASKED)
    assert not getattr(found, field) and not found.right
    assert found.points < judge(COLD, ASKED).points < judge(GOOD, ASKED).points


def test_a_persons_message_beats_a_bots(small_tables) -> None:
    examples = write_examples(small_tables, range(60), seed=2)
    for each in examples:
        asked = Asked(each.instruction, each.facts, each.facts)
        assert judge(each.message, asked).right
        assert judge(each.message, asked).points > judge(each.bot, asked).points
        assert all(0 <= value <= 1 for text in (each.message, each.bot) for value in touch(text, asked).values())


def test_a_text_without_anything_has_a_touch_too() -> None:
    for text in ("", "Hello,", "Hello,\n\nBest wishes"):
        assert 0 <= judge(text, ASKED).touch <= sum(TOUCH.values())


def test_a_rater_is_unsure_where_it_is_close_and_slips_now_and_then() -> None:
    rng = Random(1)

    def share(gap: float, **rater: float) -> float:
        return float(np.mean([Rater(**rater).prefers(gap, 0.0, rng) for _ in range(4000)]))

    assert share(0.5, unsure=0.5, slips=0.0) == pytest.approx(0.731, abs=0.025)
    assert share(-0.5, unsure=0.5, slips=0.0) == pytest.approx(0.269, abs=0.025)
    assert share(90.0, unsure=0.5, slips=0.2) == pytest.approx(0.9, abs=0.02)
    assert share(1e-6, unsure=0.0, slips=0.0) == 1 and share(-1e9, unsure=0.0, slips=0.0) == 0
