"""A whole trial, small: who is judged on what, and that nothing of the final test is known before."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tinyscout.metrics import credit_waste, log_loss
from tinyscout.settings import FitSettings, ModelSettings, ScoutSettings
from tinyscout.stress import trial
from tinyscout.stress.ceiling import HARDENED
from tinyscout.stress.check import check, divergence
from tinyscout.stress.families import families
from tinyscout.stress.harden import Hardened, HardenSettings, attack_scout, calibrated, harden, score_of
from tinyscout.stress.trial import (
    CANDIDATES,
    INT8,
    PARTS,
    SCOUT,
    SEARCHED,
    TREES,
    YARDSTICKS,
    Trial,
    TrialSettings,
    verdict,
)
from tinyscout.training import Stack

ROOT = Path(__file__).parents[2]
ONCE = ScoutSettings(wide="careful", model=ModelSettings(ngram=3), fit=FitSettings(epochs=1))
SMALL = HardenSettings(contrast=200, searched=40, steps=6, rounds=1, scout=ONCE, again=ONCE.fit)


@pytest.fixture(scope="module")
def hardened(pools) -> Hardened:
    return harden(pools, SMALL)


@pytest.fixture(scope="module")
def found() -> Trial:
    return trial.run(
        1109, TrialSettings(leads=4_000, judged=600, own=40, steps=8, trials=1, natural=ONCE, harden=SMALL)
    )


def test_hardening_leads_are_of_every_source_and_of_no_held_out_family(pools, hardened):
    held_out = {each.name for each in families(held_out=True)}
    for before, after in ((pools.train, hardened.train), (pools.valid, hardened.valid)):
        names = set(after.attacked.world.truth["family"])
        assert names >= set(before.attacked.world.truth["family"]) | {"contrast", "search: logistic"}
        assert not names & held_out
        assert set(after.attacked.world.tables.leads["lead_id"]) <= set(before.natural.tables.leads["lead_id"])
        assert "search: scout" in names
    judged = set(pools.test.natural.tables.leads["lead_id"])
    for part in (hardened.train, hardened.valid):
        assert not judged & set(part.natural.tables.leads["lead_id"])


def test_a_scout_is_attacked_along_its_gradient_before_it_goes_on_and_calibrated_at_last(pools, monkeypatch):
    attacked, sure = [], []

    def attack(scout, *args, **options):
        attacked.append(scout.weights()["0.reply.weight"].copy())
        return attack_scout(scout, *args, **options)

    def calibrate(scout, *args):
        sure.append(calibrated(scout, *args))
        return sure[-1]

    monkeypatch.setattr("tinyscout.stress.harden.attack_scout", attack)
    monkeypatch.setattr("tinyscout.stress.harden.calibrated", calibrate)
    found = harden(pools, SMALL.model_copy(update={"rounds": 2, "steps": 3}))
    assert len(attacked) == 3  # each round's, and the validation leads'
    assert all((one != other).any() for one, other in pairwise(attacked))
    assert found.scout is sure[0]


def test_a_scout_that_is_too_sure_becomes_less_so(hardened):
    rng = np.random.default_rng(0)
    tables, attacked = hardened.valid.mixed(rng)
    state, weights = hardened.scout.to_state(), hardened.scout.weights()
    sure = Stack.from_state(state, weights)
    sure.members[0].recalibrate(4.0, 1.0)
    before = score_of(sure)(tables)
    after = score_of(calibrated(sure, hardened.valid, rng))(tables)
    slope = np.polyfit(before, after, 1)[0]
    assert 0 < slope < 0.9
    assert attacked.any() and log_loss(tables.labels, after) < log_loss(tables.labels, before)


def test_a_hardened_scout_is_better_on_attacked_leads_than_a_logistic_of_the_same_leads(pools, hardened):
    judged = pools.test.attacked.world.tables
    logits = hardened.scout.member_logits(hardened.scout.examples(judged))
    assert log_loss(judged.labels, logits) < log_loss(
        judged.labels, hardened.scout.baseline_logits(hardened.scout.examples(judged))
    )


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
    assert found.own[INT8] != found.own[SCOUT]  # the same leads, in bytes


def test_figures_are_those_of_the_logits(found):
    y = found.judged.tables.labels
    for name in (*YARDSTICKS, *CANDIDATES):
        assert found.check.figures["all"]["log_loss"][name] == pytest.approx(log_loss(y, found.logits[name]))
        assert found.check.figures["all"]["credit_waste"][name] == pytest.approx(credit_waste(y, found.logits[name]))
    part, worst = found.worst("log_loss", SCOUT)
    assert worst == max(*(found.check.figures[each]["log_loss"][SCOUT] for each in PARTS), found.own[SCOUT]["log_loss"])
    assert part in (*PARTS, "own search")
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
    assert found.held_out_gap == pytest.approx(held_out / seen)
    if TREES in found.logits:
        assert found.beyond_half_of_trees.value == pytest.approx(
            (far[SCOUT] - divergence(chance, found.logits[TREES]) / 2).mean()
        )
    families = set(found.judged.truth["family"][np.isin(found.judged.part, PARTS)])
    assert families and all(name in found.text() for name in families)


def test_impostors_fail(found):
    y = found.judged.tables.labels
    better = min(YARDSTICKS, key=lambda name: log_loss(y, found.logits[name]))
    for impostor in (found.logits[better], np.zeros(len(y))):
        judged = check(
            found.judged, {**found.logits, SCOUT: impostor}, yardsticks=YARDSTICKS, candidates=[SCOUT], draws=100
        )
        assert not judged.passed


def test_passed_takes_five_seeds_and_20_000_leads_each(found):
    passing = SimpleNamespace(check=SimpleNamespace(passed=True), seed=1, judged=range(20_000))
    five = [SimpleNamespace(**{**vars(passing), "seed": seed}) for seed in range(5)]
    assert verdict([found], full=True) == ("FAILED", 1) == verdict([*five, found], full=True)
    assert verdict(five, full=True) == ("PASSED", 0)
    few = [*five[:4], SimpleNamespace(**{**vars(passing), "seed": 9, "judged": range(600)})]
    for trials, full in ((five, False), (five[:4], True), ([passing] * 5, True), (few, True)):
        line, code = verdict(trials, full=full)
        assert code == 0 and line.startswith("holds on")


def test_the_report_can_be_read_and_stored(found):
    text = found.text()
    assert text.isascii() and "natural held-out leads" in text and "Hardened on:" in text
    stored = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert stored["natural_rise"] == found.natural_rise and stored["held_out_gap"] == found.held_out_gap


def test_the_seeds_of_the_final_test_stand_nowhere_but_in_its_settings():
    settings = tomllib.loads((ROOT / "configs" / "phases.toml").read_text(encoding="utf-8"))
    seeds = settings["phase16"]["seeds"]
    assert len(set(seeds)) == 5
    there = re.compile("|".join(rf"(?<!\d){seed}(?!\d)" for seed in seeds))
    for folder in ("tinyscout", "phases", "benchmarks", "tests", "configs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".toml", ".json"):
                lines = path.read_text(encoding="utf-8").splitlines()
                assert not [line for line in lines if there.search(line) and not line.startswith("seeds = ")], path
