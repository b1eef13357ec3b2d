"""Strength curves and stories: what an attack takes from a score, edit by edit, and how it reads."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.leads import oracle
from tinyscout.stress.ceiling import NATURAL
from tinyscout.stress.check import oracle_logits
from tinyscout.stress.story import story
from tinyscout.stress.strength import Target, expected_loss, strength
from tinyscout.stress.timelines import Texts


def test_more_edits_cost_a_score_more_and_the_oracle_nothing(tables, yardsticks):
    texts = Texts(tables.signals["text"].dropna(), np.random.default_rng(0), more=300)
    targets = {
        "logistic": Target(yardsticks[NATURAL].logits),
        "oracle": Target(lambda some: oracle_logits(oracle.reply_probability(some))),
    }
    found = strength(tables, targets, texts, leads=120, budgets=(0, 4, 16))
    assert found["logistic"][2] > 1.3 * found["logistic"][0]
    assert found["logistic"][2] > 2.5 * found["oracle"][2]
    assert found["oracle"][2] < found["oracle"][0] + 0.05
    again = strength(tables, targets, texts, leads=120, budgets=(0, 4, 16))
    assert again == found


def test_expected_loss_by_hand():
    chance, logit = np.array([0.25, 1.0]), np.array([0.0, np.log(3.0)])
    assert expected_loss(chance, logit) == pytest.approx((np.log(2) - np.log(0.75)) / 2)
    assert expected_loss(np.array([0.0]), np.array([900.0])) == pytest.approx(-np.log(1e-7), rel=1e-6)


def test_a_story_marks_what_was_edited(attacked, tables):
    found = attacked["stale_stuffing"].world
    edited = found.tables.take(np.arange(1))
    source = tables.take(
        np.flatnonzero(tables.leads["contact_id"] == edited.leads["contact_id"].iloc[0].rsplit("~")[0])
    )
    text = story(source, edited, {"the oracle": 0.0, "scout": np.log(9.0)})
    lines = text.splitlines()
    before, after = (
        set(zip(each.signals["age_hours"].round(3), each.signals["kind"].astype(str), strict=True))
        for each in (source, edited)
    )
    assert text.isascii() and "the oracle 50 %, scout 90 %" in lines[-1]
    assert sum(line.startswith("  +") for line in lines) == len(after - before) > 0
    assert sum(line.startswith("  -") for line in lines) == len(before - after)
    one, other = (replace(edited, leads=edited.leads.assign(employees=number)) for number in (12_000.0, 9_000.0))
    assert "\n  + employees was 12000, is 9000\n" in story(one, other, {})
