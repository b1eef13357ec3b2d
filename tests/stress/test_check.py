"""The check can't be had for nothing: noise, constants and the yardstick itself fail it, and only knowledge passes."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.metrics import fall, log_loss
from tinyscout.metrics.bootstrap import Interval
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.check import COIN, ORACLE, RULE, Check, Judged, check, divergence, interval
from tinyscout.stress.records import Record, verdict

SCOUT = "scout"


def of_one_seed(found: Check, judged: Judged) -> Record:
    """The record of a trial that found this."""
    return Record(1, "", len(judged), found.least_ceiling, 0.0, found.falls, found.figures["all"], found.text(), {})


@pytest.fixture(scope="module")
def judged(pools) -> Judged:
    world = pools.test.attacked.world
    part = np.where(world.truth["family"].isin(["circle_back", "bot_opens"]), "some", "others")
    return Judged(world.tables, world.truth, part)


@pytest.fixture(scope="module")
def scored(yardsticks, judged) -> dict[str, np.ndarray]:
    return {name: each.logits(judged.tables) for name, each in yardsticks.items()}


def run(judged, scored, scout):
    return check(judged, {**scored, SCOUT: scout}, yardsticks=list(scored), candidates=[SCOUT], draws=200)


def test_the_oracle_in_the_scouts_place_passes_and_equals_the_ceiling(judged, scored):
    found = run(judged, scored, judged.oracle)
    assert found.passed
    assert found.falls[SCOUT] == found.ceiling
    assert found.figures["all"]["log_loss"][SCOUT] == found.figures["all"]["log_loss"][ORACLE]
    assert found.gaps["all"][ORACLE].value == pytest.approx(0, abs=1e-6)
    assert "reaches" in found.text() and "DOES NOT" not in found.text()


@pytest.mark.parametrize("metric", RULE)
def test_who_falls_by_one_metric_alone_fails(judged, scored, metric):
    found = run(judged, scored, judged.oracle)
    short = {**found.falls[SCOUT], metric: Interval(0.52, 0.499, 0.54)}
    assert not replace(found, falls={SCOUT: short}).passed
    assert not replace(found, falls={SCOUT: found.falls[SCOUT], "int8": short}).passed
    enough = {**found.falls[SCOUT], metric: Interval(0.52, 0.501, 0.54)}
    assert replace(found, falls={SCOUT: enough}).passed


def test_the_yardstick_in_the_scouts_place_falls_by_exactly_nothing(judged, scored):
    best = {name: log_loss(judged.tables.labels, logit) for name, logit in scored.items()}
    found = run(judged, scored, scored[min(best, key=best.__getitem__)])
    assert not found.passed
    interval = found.falls[SCOUT]["log_loss"]
    assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)
    assert "DOES NOT REACH" in found.text()
    for full in (True, False):
        line, code = verdict([of_one_seed(found, judged)], full=full)
        assert line.startswith("FAILED: seed") and "is 0.0 %: it DOES NOT REACH 50 %" in line and code == 1


def test_every_contestant_is_set_beside_the_better_yardstick_by_each_metric(judged, scored):
    found = run(judged, scored, judged.oracle)
    assert set(found.differences) == set(found.figures) == {"all", "some", "others"}
    for part, beside in found.differences.items():
        assert set(beside.of) == {*scored, SCOUT, ORACLE, COIN} and set(beside.better.values()) <= set(scored)
        for metric, name in beside.better.items():
            figures = found.figures[part][metric]
            best = max if metric == "roc_auc" else min
            if np.isnan(figures[name]):  # credit waste of too few repliers
                assert part != "all" and metric == "credit_waste" and np.isnan(beside.of[SCOUT][metric].value)
                continue
            assert figures[name] == best(figures[each] for each in scored)
            own, nothing = beside.of[SCOUT][metric], beside.of[name][metric]
            assert own.low <= own.value == figures[SCOUT] - figures[name] <= own.high and own.excludes_zero
            assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, 0.0)
    assert interval(Interval(float("nan"), float("nan"), float("nan"))) == "-"


@pytest.mark.parametrize("who", ["oracle", HARDENED])
def test_the_scout_in_the_yardsticks_place_falls_by_exactly_nothing_and_exits_1(judged, scored, who):
    scout = judged.oracle if who == "oracle" else scored[who]
    found = run(judged, dict.fromkeys(scored, scout), scout)
    for metric in RULE:
        interval = found.falls[SCOUT][metric]
        assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)
    assert not found.passed
    line, code = verdict([of_one_seed(found, judged)], full=True)
    assert line.startswith("FAILED: seed") and code == 1


@pytest.mark.parametrize("constant", [-3.0, 0.0])
def test_a_constant_fails(judged, scored, constant):
    assert not run(judged, scored, np.full(len(judged), constant)).passed


def test_permuted_labels_fail_even_the_oracle(judged, scored):
    rng = np.random.default_rng(0)
    tables = judged.tables.take(np.arange(len(judged)))
    tables.leads["label"] = rng.permutation(tables.labels)
    shuffled = Judged(tables, judged.truth, judged.part)
    found = run(shuffled, scored, judged.oracle)
    assert not found.passed
    assert max(found.falls[SCOUT][metric].value for metric in RULE) < 0.2


@pytest.mark.parametrize("missing", ["yardsticks", "candidates"])
def test_nobody_to_judge_is_no_pass(judged, scored, missing):
    who = {"yardsticks": [NATURAL], "candidates": [HARDENED]} | {missing: []}
    with pytest.raises(ValueError, match=f"0 {missing}"):
        check(judged, scored, **who, draws=20)
    found = run(judged, scored, judged.oracle)
    assert found.passed and not replace(found, falls={}).passed


def test_falls_by_part_are_against_who_is_better_there(judged, scored):
    found = run(judged, scored, judged.oracle)
    for part, falls in found.parts.items():
        rows = judged.part == part
        losses = {name: log_loss(judged.tables.labels[rows], logit[rows]) for name, logit in scored.items()}
        best = min(losses, key=losses.__getitem__)
        assert falls.better["log_loss"] == best
        fell = falls.of[SCOUT]["log_loss"]
        assert fell.value == pytest.approx(1 - log_loss(judged.tables.labels[rows], judged.oracle[rows]) / losses[best])
        assert fell.low < fell.value < fell.high and fell == falls.of[ORACLE]["log_loss"]
    assert set(found.parts) == {"some", "others"}
    assert "fall in log loss by part" in found.text() and set(found.to_json()["parts"]) == {"some", "others"}


def test_a_little_of_the_oracle_is_reported_and_not_enough(judged, scored):
    little = 0.05 * judged.oracle + 0.95 * scored[HARDENED]
    found = run(judged, scored, little)
    assert 0 < found.falls[SCOUT]["log_loss"].value < found.ceiling["log_loss"].value
    assert not found.passed


def test_falls_are_those_of_the_metrics_room(judged, scored):
    found = run(judged, scored, judged.oracle)
    for metric in RULE:
        expected = fall(
            judged.tables.labels,
            judged.oracle,
            scored[found.better[metric]],
            metrics=[metric],
            groups=judged.groups,
            draws=200,
        )[metric]
        assert found.falls[SCOUT][metric] == expected


def test_parts_add_up_and_everybody_is_judged_on_them(judged, scored):
    found = run(judged, scored, judged.oracle)
    assert found.leads["some"] + found.leads["others"] == found.leads["all"] == len(judged)
    losses = found.figures
    for name in (NATURAL, HARDENED, SCOUT, ORACLE):
        mean = sum(losses[part]["log_loss"][name] * found.leads[part] for part in ("some", "others")) / len(judged)
        assert losses["all"]["log_loss"][name] == pytest.approx(mean)
    assert set(found.to_json()["falls"]) == {SCOUT}


def test_a_coin_is_always_there_and_what_is_left_against_it_is_said(judged, scored):
    found = run(judged, scored, judged.oracle)
    figures = found.figures["all"]["log_loss"]
    assert figures[COIN] == pytest.approx(np.log(2))
    assert found.beyond_coin[SCOUT].value == pytest.approx(1 - figures[SCOUT] / np.log(2))
    assert f"against {COIN}: {SCOUT} {100 * found.beyond_coin[SCOUT].value:.1f} %" in found.text()
    assert run(judged, scored, np.zeros(len(judged))).beyond_coin[SCOUT].value == 0.0


def test_divergence_is_zero_for_the_truth_and_positive_for_anything_else():
    chance = np.array([0.1, 0.5, 0.9])
    logit = np.log(chance / (1 - chance))
    np.testing.assert_allclose(divergence(chance, logit), 0, atol=1e-12)
    assert (divergence(chance, logit + 0.5) > 0).all()
    assert divergence(np.array([0.5]), np.array([np.log(3)]))[0] == pytest.approx(0.5 * np.log(4 / 3))
