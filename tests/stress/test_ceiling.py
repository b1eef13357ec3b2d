"""The ceiling: the oracle's own fall below the yardsticks, and figures by family that can be recomputed."""

import json

import numpy as np
import pandas as pd
import pytest

from tinyscout.metrics import log_loss
from tinyscout.stress.ceiling import (
    HARDENED,
    LEAST_FALL,
    NATURAL,
    ORACLE,
    Ceiling,
    auc_within_pairs,
    ceiling,
    judge,
    oracle_logits,
)

GRID = (10.0,)  # as the fixture's


@pytest.fixture(scope="module")
def found(pools) -> Ceiling:
    return ceiling(pools, GRID, draws=200)


def test_there_is_room_for_a_reader_of_timelines(found):
    assert found.least > LEAST_FALL


def test_the_ceiling_is_what_the_oracle_scores_as_a_contestant(found, pools, yardsticks):
    world = pools.test.attacked.world
    yardstick = yardsticks[NATURAL].logits(world.tables)
    contestant = oracle_logits(world.truth["reply_probability"].to_numpy())
    result = judge(world.tables, {"a": contestant, "b": yardstick}, draws=200)
    for metric in ("log_loss", "credit_waste"):
        assert result.fall(metric, "a", "b") == found.falls[NATURAL][metric]
        doubting = judge(world.tables, {"a": 0.9 * contestant, "b": yardstick}, draws=200)
        assert metric != "log_loss" or doubting.fall(metric, "a", "b") != found.falls[NATURAL][metric]
    assert found.losses["log_loss"][ORACLE] == log_loss(world.tables.labels, contestant)


def test_exact_twins_are_even_and_the_oracle_knows(found):
    for each in found.families:
        if each.match == "exact":
            assert each.auc_within_pairs[NATURAL] == each.auc_within_pairs[HARDENED] == 0.5
        if each.match == "balanced":
            assert 0.3 < each.auc_within_pairs[HARDENED] < 0.7
        assert each.auc_within_pairs[ORACLE] > 0.85
    better = [each.log_loss[ORACLE] < 0.65 * each.log_loss[HARDENED] for each in found.families]
    assert np.mean(better) > 0.85  # of about 30 leads each, so that a label or two decide


def test_hardening_leads_help_the_yardstick(found):
    assert found.chosen[HARDENED]["weight"] > 0 and found.chosen[NATURAL]["weight"] == 0
    assert found.losses["log_loss"][HARDENED] < found.losses["log_loss"][NATURAL]


def test_labels_dealt_out_at_random_leave_no_room(pools, yardsticks):
    """What the oracle knows is in the labels: permuted, nobody falls below anybody."""
    world = pools.test.attacked.world
    rng = np.random.default_rng(0)
    shuffled = world.tables.leads.assign(label=rng.permutation(world.tables.labels))
    tables = type(world.tables)(
        shuffled, world.tables.signals, world.tables.offsets, world.tables.schema, world.tables.account
    )
    logits = {
        "oracle": oracle_logits(world.truth["reply_probability"].to_numpy()),
        "yardstick": yardsticks[HARDENED].logits(world.tables),
    }
    assert judge(tables, logits, draws=200).fall("log_loss", "oracle", "yardstick").value < 0


def test_auc_within_pairs_by_hand():
    truth = pd.DataFrame({"pair": [0, 0, 1, 1, 2, 2], "role": ["decoy", "sleeper"] * 3})
    assert auc_within_pairs(truth, np.array([0.0, 1.0, 3.0, 2.0, 5.0, 5.0])) == pytest.approx(0.5)
    assert auc_within_pairs(truth, np.array([0.0, 1.0, 1.0, 2.0, 5.0, 5.0 + 1e-12])) == pytest.approx(2.5 / 3)


def test_leads_that_are_no_twins_have_no_order_in_pairs():
    truth = pd.DataFrame({"pair": [0, 0, 1], "role": ["decoy", "sleeper", "decoy"]})
    assert np.isnan(auc_within_pairs(truth, np.zeros(3)))
    assert np.isnan(auc_within_pairs(truth.assign(role="decoy", pair=range(3)), np.zeros(3)))


def test_the_report_can_be_read_and_stored(found):
    text = found.text()
    assert text.isascii() and all(each.family in text for each in found.families)
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["falls"][HARDENED]["log_loss"]["value"] == found.falls[HARDENED]["log_loss"].value
    assert found.least == min(stored["falls"][name][metric]["value"] for name in (NATURAL, HARDENED)
                              for metric in ("log_loss", "credit_waste"))  # fmt: skip
