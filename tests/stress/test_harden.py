"""Hardening, small: on whose leads, on which and how often, and attacked when."""

from itertools import pairwise

import numpy as np
import pytest

from tinyscout.leads.tables import microseconds
from tinyscout.metrics import log_loss
from tinyscout.stress import trial
from tinyscout.stress.contestants import calibrated_score
from tinyscout.stress.contrast import contrast
from tinyscout.stress.families import families
from tinyscout.stress.harden import Hardened, attack_scout, calibrated, harden, score_of
from tinyscout.stress.supply import Supply
from tinyscout.stress.trial import CAREFUL, SCOUT, YARDSTICKS, TrialSettings
from tinyscout.training import Stack


@pytest.fixture(scope="module")
def hardened(pools, small) -> Hardened:
    return harden(pools, small)


def test_hardening_leads_are_of_every_source_and_of_no_held_out_family(pools, hardened):
    held_out = {each.name for each in families(held_out=True)}
    before, after = pools.train, hardened.train
    names = set(after.attacked.world.truth["family"])
    assert names >= set(before.attacked.world.truth["family"]) | {"search: logistic", "search: scout"}
    assert not names & held_out
    assert not set(pools.valid.attacked.world.truth["family"]) & held_out
    of_train, of_valid = (set(part.natural.tables.leads["lead_id"]) for part in (pools.train, pools.valid))
    assert set(after.attacked.world.tables.leads["lead_id"]) <= of_train
    assert set(hardened.valid.leads["lead_id"]) <= of_valid
    assert not (of_train | of_valid) & set(pools.test.natural.tables.leads["lead_id"])
    first_valid = microseconds(pools.valid.natural.tables.leads["contacted_at"]).min()
    for rows in (hardened.natural, hardened.attacked):  # all that others are told of, contrast leads among them
        assert len(rows.contacted) == len(rows.y) and rows.contacted.max() < first_valid


def test_the_contrast_leads_are_variants_of_training_leads(pools, small, monkeypatch):
    ids = []

    def made(source, *args, **options):
        found = contrast(source, *args, **options)
        ids.append(set(found.world.tables.leads["lead_id"]))
        return found

    monkeypatch.setattr("tinyscout.stress.harden.fit", lambda *args, **options: None)
    monkeypatch.setattr("tinyscout.stress.supply.contrast", made)
    harden(pools, small)
    assert len(ids) >= 6 and set.union(*ids) <= set(pools.train.natural.tables.leads["lead_id"])


def test_contrast_leads_are_read_once_and_all_others_so_often_as_asked(pools, small, monkeypatch):
    read = []
    monkeypatch.setattr("tinyscout.stress.harden.fit", lambda member, examples, *args, **options: read.append(examples))
    often = small.model_copy(update={"often": 3, "again_often": 2})
    found = harden(pools, often)
    family = found.train.attacked.world.truth["family"]
    known = len(pools.train.natural.tables) + len(family) - (family == "search: scout").sum()
    before, again = (len(examples.tokens) for examples in read)
    first, fresh = before - 3 * known, again - 2 * (known + (family == "search: scout").sum())
    assert first + fresh == found.more["contrast"]
    assert first == pytest.approx(220, abs=12) and fresh == pytest.approx(80, abs=8)


def test_the_first_contrast_leads_are_any_and_later_ones_are_chosen_for_the_scout_as_it_is(pools, small, monkeypatch):
    asked = []

    def start(supply, number, *sizes, pupil=None, choice=1):
        asked.append((number, pupil, choice))
        return real(supply, number, *sizes, pupil=pupil, choice=choice)

    real = Supply.start
    monkeypatch.setattr("tinyscout.stress.supply.Supply.start", start)
    found = harden(pools, small.model_copy(update={"rounds": 2, "steps": 3, "choice": 2}))
    (first, nobody, one), (second, pupil, two), (third, later, _) = asked
    assert (first, second, third) == (0, 1, 2) and nobody is None and (one, two) == (1, 2)
    weights = [each.weights()["0.reply.weight"] for each in (pupil, later, found.scout)]
    assert all((one != other).any() for one, other in pairwise(weights))


def test_whatever_a_scout_is_hardened_on_all_contestants_are(pools, hardened):
    ground = hardened.ground(1)
    attacked = len(hardened.train.attacked.world.tables) + hardened.more["contrast"]
    assert ground.attacked.sum() == attacked + hardened.more["cut short"]
    assert (~ground.attacked).sum() == len(pools.train.natural.tables)
    assert attacked / 4 < hardened.more["cut short"] <= attacked / 3  # a lead of one signal can't be


def test_so_many_processes_as_there_are_harden_the_same_scout(pools, small, hardened):
    settings = {"scout": small.scout.model_copy(update={"members": 2})}
    alone, together = (harden(pools, small.model_copy(update={**settings, "processes": n})).scout for n in (1, 2))
    assert len(together.members) == 2
    for name, each in alone.weights().items():
        np.testing.assert_array_equal(each, together.weights()[name])
    assert not np.array_equal(alone.weights()["0.reply.weight"], alone.weights()["1.reply.weight"])


def test_a_scout_is_attacked_along_its_gradient_before_it_goes_on(pools, small, monkeypatch):
    attacked = []

    def attack(scout, *args, **options):
        attacked.append(scout.weights()["0.reply.weight"].copy())
        return attack_scout(scout, *args, **options)

    monkeypatch.setattr("tinyscout.stress.harden.attack_scout", attack)
    found = harden(pools, small.model_copy(update={"rounds": 2, "steps": 3}))
    attacked.append(found.scout.weights()["0.reply.weight"])
    assert len(attacked) == 3 and all((one != other).any() for one, other in pairwise(attacked))


def test_a_scout_that_is_too_sure_becomes_less_so(hardened):
    tables = hardened.valid
    state, weights = hardened.scout.to_state(), hardened.scout.weights()
    sure = Stack.from_state(state, weights)
    sure.members[0].recalibrate(4.0, 1.0)
    before = score_of(sure)(tables)
    after = score_of(calibrated(sure, tables))(tables)
    slope = np.polyfit(before, after, 1)[0]
    assert 0 < slope < 0.9
    assert log_loss(tables.labels, after) < log_loss(tables.labels, before)


def test_a_hardened_scout_is_better_on_attacked_leads_than_a_logistic_of_the_same_leads(pools, hardened):
    judged = pools.test.attacked.world.tables
    logits = hardened.scout.member_logits(hardened.scout.examples(judged))
    assert log_loss(judged.labels, logits) < log_loss(
        judged.labels, hardened.scout.baseline_logits(hardened.scout.examples(judged))
    )


def test_the_scout_is_calibrated_on_the_leads_that_the_yardstick_is(pools, small, hardened, monkeypatch):
    """Made as the judged leads are, and for the hardened contestants alone."""
    read, sure = [], []

    def score(contestant, tables):
        read.append((type(contestant).__name__, id(tables)))
        return calibrated_score(contestant, tables)

    def scout(stack, tables):
        sure.append(tables)
        return calibrated(stack, tables)

    monkeypatch.setattr(trial, "calibrated_score", score)
    monkeypatch.setattr(trial, "calibrated", scout)
    plan = TrialSettings(leads=4_000, judged=600, own=40, steps=3, trials=0, natural=small.scout, harden=small)
    scores, scouts, _ = trial.contestants(pools, hardened, plan)
    assert read == [("Logistic", id(sure[0]))] * 2  # the yardstick and the careful one
    ids = set(sure[0].leads["lead_id"])
    assert ids <= set(pools.valid.natural.tables.leads["lead_id"])
    assert scores.keys() - scouts.keys() == {*YARDSTICKS, CAREFUL}
    raw, now = (score_of(each)(sure[0]) for each in (hardened.scout, scouts[SCOUT]))
    assert np.corrcoef(raw, now)[0, 1] > 0.999 and log_loss(sure[0].labels, now) <= log_loss(sure[0].labels, raw)
