"""A whole trial, small: who is judged on what, and that nothing of the final test is known before."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tinyscout.metrics import credit_waste, log_loss
from tinyscout.stress import trial
from tinyscout.stress.ceiling import HARDENED, NATURAL
from tinyscout.stress.check import ORACLE, check, divergence
from tinyscout.stress.families import families
from tinyscout.stress.ground import WEIGHTS
from tinyscout.stress.records import Record, kept
from tinyscout.stress.report import report, stories
from tinyscout.stress.trial import (
    CANDIDATES,
    CAREFUL,
    INT8,
    PARTS,
    SCOUT,
    SCOUT_NATURAL,
    SEARCHED,
    TREES,
    TREES_NATURAL,
    YARDSTICKS,
    Trial,
    TrialSettings,
)


@pytest.fixture(scope="module")
def found(small) -> Trial:
    plan = TrialSettings(leads=4_000, judged=600, own=40, steps=8, trials=1, natural=small.scout, harden=small)
    return trial.run(trial.pools_of(1109, plan), plan)


def test_two_candidates_are_judged_and_one_of_them_computes_in_bytes(found):
    assert set(found.check.falls) == {SCOUT, INT8}
    assert (found.logits[SCOUT] != found.logits[INT8]).mean() > 0.9
    assert np.abs(found.logits[SCOUT] - found.logits[INT8]).max() < 1.5


def test_the_rise_on_natural_leads_is_that_of_the_logits(found):
    losses = found.natural.figures["all"]["log_loss"]
    best = min(losses[NATURAL], losses[TREES_NATURAL], losses[SCOUT_NATURAL])
    assert found.natural_rise == pytest.approx(max(losses[SCOUT], losses[INT8]) / best - 1) and found.natural_rise != 0
    for name in CANDIDATES:
        worse = {**losses, **dict.fromkeys(CANDIDATES, 0.9 * best), name: 1.02 * best}
        figures = {"all": {**found.natural.figures["all"], "log_loss": worse}}
        costly = replace(found, natural=replace(found.natural, figures=figures))
        assert costly.natural_rise == pytest.approx(0.02)
        assert any("natural leads cost +2.0 %" in why for why in Record.of(costly, "abc").shortfalls)


def test_no_contestant_reads_what_tells_the_answer(found):
    """Labels, replies, the order of rows and the contact's id say nothing to any score: without them it is the same."""
    some = found.judged.tables.take(np.arange(200))
    order = np.random.default_rng(0).permutation(len(some))
    wiped = some.leads.assign(
        label=np.nan,
        replied_at=pd.Series(pd.NaT, index=some.leads.index, dtype=some.leads["replied_at"].dtype),
        order=order,
        contact_id=[f"c{i}" for i in order],
    )
    for name, target in found.arena.targets.items():
        np.testing.assert_array_equal(target.score(some), target.score(replace(some, leads=wiped)), err_msg=name)


def test_the_judged_leads_stand_in_their_shares(found):
    leads = found.check.leads
    written = sum(leads[part] for part in PARTS)
    searched = [leads[f"search: {name}"] for name in SEARCHED]
    assert leads["all"] == written + sum(searched) and written == pytest.approx(leads["all"] / 2, rel=0.1)
    assert leads[PARTS[0]] == pytest.approx(leads[PARTS[1]], rel=0.2)
    assert max(searched) == pytest.approx(min(searched), rel=0.1)
    assert (found.judged.truth["role"] == "decoy").mean() == pytest.approx(0.5, abs=0.05)


def test_every_search_finds_its_contestants_weak_points(found):
    for name in SEARCHED:
        elsewhere = min(found.check.figures[part]["log_loss"][name] for part in PARTS)
        assert found.check.figures[f"search: {name}"]["log_loss"][name] > elsewhere
    for name in SEARCHED:
        part = found.judged.part == f"search: {name}"
        y, logit = found.judged.tables.labels[part], found.logits[name][part]
        assert found.own[name]["log_loss"] == pytest.approx(log_loss(y, logit))
    assert found.own[INT8]["log_loss"] > min(found.check.figures[part]["log_loss"][INT8] for part in PARTS)


def test_bytes_are_searched_for_their_own_weak_points(pools, monkeypatch):
    """And everybody else for theirs: the judged ones on as many leads as are judged."""
    scouts = {name: object() for name in (SCOUT, INT8)}
    scores, searched = {name: object() for name in (HARDENED, *scouts)}, {}

    def attack_anybody(title, source, score, *args, number, proposer, **options):
        name = title.removeprefix("search: ")
        assert score is scores[name] and proposer is scouts.get(name)  # a scout along its gradient
        searched[name] = number
        return pools.test.attacked

    def stop(*args):
        raise StopIteration

    monkeypatch.setattr(trial, "harden", lambda *args, **options: None)
    monkeypatch.setattr(trial, "contestants", lambda *args: (scores, scouts, {}))
    monkeypatch.setattr(trial, "attack_model", attack_anybody)
    monkeypatch.setattr("tinyscout.stress.validation.HotFlip", lambda scout, *args: scout)
    monkeypatch.setattr(trial, "judged_leads", stop)
    with pytest.raises(StopIteration):
        trial.run(pools, TrialSettings(judged=600, own=40))
    assert searched == {HARDENED: 150, SCOUT: 150, INT8: 40}


def test_figures_are_those_of_the_logits(found):
    y = found.judged.tables.labels
    for name in (*YARDSTICKS, *CANDIDATES):
        assert found.check.figures["all"]["log_loss"][name] == pytest.approx(log_loss(y, found.logits[name]))
        assert found.check.figures["all"]["credit_waste"][name] == pytest.approx(credit_waste(y, found.logits[name]))
    part, worst = found.worst("log_loss", SCOUT)
    places = {each: of["log_loss"][SCOUT] for each, of in found.check.figures.items() if each != "all"}
    places |= {each: of.figures["log_loss"][SCOUT] for each, of in found.families.items()}
    assert worst == max(*places.values(), found.own[SCOUT]["log_loss"]) and part in {*places, "own search"}
    one = next(each for each in found.families if each not in (part, *PARTS))
    of = found.families[one]
    high = of._replace(figures={**of.figures, "log_loss": {**of.figures["log_loss"], SCOUT: 9.0}})
    assert replace(found, families={**found.families, one: high}).worst("log_loss", SCOUT) == (one, 9.0)
    best = min(found.worst("log_loss", name)[1] for name in YARDSTICKS)
    assert found.fall_at_worst("log_loss", SCOUT) == pytest.approx(1 - worst / best)


def test_gaps_to_the_oracle_are_those_of_the_logits(found):
    chance = found.judged.truth["reply_probability"].to_numpy()
    far = {name: divergence(chance, found.logits[name]) for name in (SCOUT, HARDENED)}
    for part in PARTS:
        rows = found.judged.part == part
        for name, each in far.items():
            assert found.check.gaps[part][name].value == pytest.approx(each[rows].mean())
    seen, held_out = (far[SCOUT][found.judged.part == part].mean() for part in PARTS)
    gap = found.held_out_gap
    assert gap.value == pytest.approx(held_out / seen) and gap.low < gap.value < gap.high
    like = [each.name for each in families(held_out=True) if each.like]
    unlike = (found.judged.part == PARTS[1]) & ~found.judged.truth["family"].isin(like).to_numpy()
    assert len(like) == 4 and found.unlike_gap.value == pytest.approx(far[SCOUT][unlike].mean() / seen)
    if TREES in found.logits:
        assert found.beyond_half_of_trees.value == pytest.approx(
            (far[SCOUT] - divergence(chance, found.logits[TREES]) / 2).mean()
        )
    there = set(found.judged.truth["family"][np.isin(found.judged.part, PARTS)])
    assert there and all(name in report(found) for name in there)


def test_impostors_fail(found):
    y = found.judged.tables.labels
    better = min(YARDSTICKS, key=lambda name: log_loss(y, found.logits[name]))
    for impostor in (found.logits[better], np.zeros(len(y))):
        judged = check(
            found.judged, {**found.logits, SCOUT: impostor}, yardsticks=YARDSTICKS, candidates=[SCOUT], draws=100
        )
        assert not judged.passed


def test_what_is_not_defined_is_nobodys_worst(found):
    nan = float("nan")
    own = {name: {"log_loss": each["log_loss"], "credit_waste": nan} for name, each in found.own.items()}
    parts = {part: found.check.figures[part]["credit_waste"][SCOUT] for part in PARTS}
    some = replace(
        found, own=own, families={}, check=replace(found.check, figures={p: found.check.figures[p] for p in PARTS})
    )
    part, worst = some.worst("credit_waste", SCOUT)
    assert worst == parts[part] == max(parts.values())
    figures = {part: {"credit_waste": dict.fromkeys(found.logits, nan)} for part in PARTS}
    nothing = replace(some, check=replace(found.check, figures=figures))
    assert np.isnan(nothing.worst("credit_waste", SCOUT)[1]) and np.isnan(nothing.fall_at_worst("credit_waste", SCOUT))


def test_the_report_can_be_read_and_stored(found):
    text = report(found)
    assert text.isascii() and "natural held-out leads" in text and "Hardened on:" in text
    assert "Decoys among the judged leads: 50 % (" in text
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["natural_rise"] == found.natural_rise and stored["held_out_gap"] == found.held_out_gap.to_dict()
    assert set(stored["judged"]["parts"]) == set(found.judged.part)


def test_a_record_says_what_the_trial_said_and_comes_back_from_its_file(found, tmp_path):
    record = Record.of(found, "abc")
    assert Record.from_json(json.loads(json.dumps(record.to_json(), allow_nan=False))) == record
    assert record.falls == found.check.falls and record.leads == len(found.judged) and record.text == report(found)
    assert (not record.shortfalls, record.least_ceiling) == (found.check.passed, found.check.least_ceiling)
    file = tmp_path / "check.json"
    other = replace(record, seed=2, made_of="other", found={**record.found, "seed": 2})
    file.write_text(json.dumps({"trials": [record.to_json()], "before": [other.to_json()]}), encoding="utf-8")
    assert kept(file, "abc") == {found.seed: record} and set(kept(file, "other")) == {2}
    for broken in ("{", "[]", '{"trials": [{"made_of": "abc"}], "before": []}', '{"trials": []}'):
        file.write_text(broken, encoding="utf-8")
        assert kept(file, "abc") == {}
    assert kept(tmp_path / "nothing.json", "abc") == {}


def test_a_curve_of_every_contestant_begins_where_nothing_was_edited(found):
    curves = found.strength(20, (0, 4))
    assert set(curves) == set(found.logits)
    assert all(len(each) == 2 and each[1] > 0 for each in curves.values())
    assert curves[SCOUT][0] == pytest.approx(curves[INT8][0], abs=0.02)


def test_everybody_stands_beside_the_better_yardstick_on_its_own_search_and_in_each_family(found):
    assert set(found.own_beside) == set(found.own) == set(found.logits)
    for name in SEARCHED:
        part = f"search: {name}"
        assert found.own_beside[name] == found.check.differences[part].of[name]
    assert all(
        each.low <= each.value <= each.high for each in (found.own_beside[INT8][m] for m in ("log_loss", "brier"))
    )
    named = {each.name for each in families()} & set(found.judged.truth["family"])
    assert set(found.families) == named
    assert all(set(each.beside.of) == set(found.logits) for each in found.families.values())
    name, (figures, beside) = next(iter(found.families.items()))
    rows = found.judged.truth["family"].to_numpy(str) == name
    y, losses = found.judged.tables.labels[rows], {}
    for each in (*YARDSTICKS, SCOUT):
        losses[each] = log_loss(y, found.logits[each][rows])
    expected = losses[SCOUT] - min(losses[each] for each in YARDSTICKS)
    assert beside.of[SCOUT]["log_loss"].value == pytest.approx(expected)
    assert figures["log_loss"][SCOUT] == pytest.approx(losses[SCOUT])
    assert figures["log_loss"][ORACLE] == pytest.approx(log_loss(y, found.judged.oracle[rows]))
    tables = [text for text in report(found).split("\n\n") if "log loss by family" in text]
    assert len(tables) == 1 and ORACLE in tables[0] and all(each in tables[0] for each in found.families)


def test_what_was_chosen_is_printed(found):
    assert set(found.chosen) == {*YARDSTICKS, CAREFUL, TREES_NATURAL, TREES}
    assert all(each["weight"] in WEIGHTS for each in found.chosen.values())
    assert f"{HARDENED}: weight {found.chosen[HARDENED]['weight']:g}, l2 " in report(found)


def test_a_story_has_the_score_of_every_contestant(found):
    told = stories(found, 3)
    assert len(told) == 3 and len({each.partition(":")[0] for each in told}) == 3
    for each in told:
        last = each.splitlines()[-1]
        assert last.startswith("  a reply: oracle ") and all(f"{name} " in last for name in found.logits)
