"""The supply of contrast leads: so many as asked, the same whoever makes them, each with its prefix labels."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.leads import oracle
from tinyscout.metrics import log_loss
from tinyscout.settings import ScoutSettings, TokenizerSettings
from tinyscout.stress import supply
from tinyscout.stress.check import divergence
from tinyscout.stress.supply import Supply, TrainingSet, unguided
from tinyscout.stress.timelines import Texts
from tinyscout.training import Stack

SETTINGS = ScoutSettings(wide="careful", tokenizer=TokenizerSettings(newest_first=True))


@pytest.fixture(scope="module")
def reader(tables) -> Stack:
    return Stack.refit(tables, np.arange(2_000), SETTINGS, l2=30.0, shares=[])


@pytest.fixture(scope="module")
def pupil(reader) -> Stack:
    """It knows what the logistic regression knows that a scout starts from."""
    return replace(reader, members=[reader.new_member(0, SETTINGS)])


def made_by(tables, reader, processes, number=0, **choice) -> list[TrainingSet]:
    return list(Supply(tables, reader, 3, processes).start(number, 70, 90, **choice))


def test_one_process_and_two_make_the_same_leads_and_another_turn_makes_others(tables, reader, monkeypatch):
    monkeypatch.setattr(supply, "PIECE", 100)
    alone, together, later = (made_by(tables, reader, *each) for each in ((1,), (2,), (1, 1)))
    assert len(alone) == len(together) == 2
    assert sum(len(each.rows.y) for each in alone) == pytest.approx(160, abs=8)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.examples.tokens.ids, other.examples.tokens.ids)
        np.testing.assert_array_equal(one.examples.prefix_labels, other.examples.prefix_labels)
        for rows, others in ((one.rows, other.rows), (one.cut_short, other.cut_short)):
            np.testing.assert_array_equal(rows.y, others.y)
            np.testing.assert_array_equal(rows.contacted, others.contacted)
            assert (rows.X != others.X).nnz == 0
    assert not np.array_equal(alone[0].examples.tokens.ids, later[0].examples.tokens.ids)


@pytest.mark.parametrize("processes", [1, 2])
def test_of_three_times_as_many_leads_a_pupil_gets_those_it_is_most_wrong_about(
    tables, reader, pupil, monkeypatch, processes
):
    monkeypatch.setattr(supply, "PIECE", 250)
    any_ = TrainingSet.concatenate(made_by(tables, reader, processes))
    chosen = TrainingSet.concatenate(made_by(tables, reader, processes, pupil=pupil, choice=3))
    assert len(chosen.rows.y) == pytest.approx(len(any_.rows.y), abs=8)
    lost = [log_loss(each.rows.y, pupil.member_logits(each.examples)) for each in (any_, chosen)]
    assert lost[1] > 1.5 * lost[0]


def test_what_is_kept_depends_on_the_oracle_and_not_on_the_label_drawn(tables, pupil):
    rng = np.random.default_rng(4)
    made = [each.world for each in unguided(tables, Texts.of(tables, rng), rng, 120, 150)]
    kept = supply._hardest(made, pupil, 90)
    far = [
        divergence(oracle.reply_probability(each.tables), pupil.member_logits(pupil.examples(each.tables)))
        for each in made
    ]
    least = np.sort(np.concatenate(far))[-90]
    for world, one, some in zip(made, far, kept, strict=True):
        expected = world.tables.leads["contact_id"][one >= least]
        assert list(some.leads["contact_id"]) == list(expected) and len(some)
    assert sum(map(len, kept)) == 90
    for each in made:
        each.tables.leads["label"] = 1 - each.tables.leads["label"]
    for one, other in zip(kept, supply._hardest(made, pupil, 90), strict=True):
        assert list(one.leads["contact_id"]) == list(other.leads["contact_id"])


def test_training_sets_stand_behind_one_another_with_what_is_known_of_their_prefixes(tables, reader):
    natural = TrainingSet.of(tables.take(np.arange(30)), reader)
    attacked = made_by(tables, reader, 1)[0]
    both = TrainingSet.concatenate([natural, attacked])
    first = len(natural.examples.tokens.ids)
    assert natural.examples.prefix_labels is None and both.examples.prefix_labels is not None
    assert np.isnan(both.examples.prefix_labels[:first]).all()
    np.testing.assert_array_equal(both.examples.prefix_labels[first:], attacked.examples.prefix_labels)
    some = both.examples.take(np.array([31, 2]))
    tail = attacked.examples.take(np.array([1]))
    np.testing.assert_array_equal(some.tokens.ids[: len(tail.tokens.ids)], tail.tokens.ids)
    np.testing.assert_array_equal(some.prefix_labels[: len(tail.tokens.ids)], tail.prefix_labels)
    np.testing.assert_array_equal(both.rows.y[:30], natural.rows.y)
    assert (both.rows.X[30:] != attacked.rows.X).nnz == 0
    assert natural.cut_short is None
    np.testing.assert_array_equal(both.cut_short.y, attacked.cut_short.y)


def test_leads_cut_short_are_read_as_any_others_and_their_labels_are_those_of_the_prefixes(tables, reader):
    """Their counts of signals say which prefix each is; the scout hears the same label there."""
    few = tables.take(np.flatnonzero(np.diff(tables.offsets) > 2)[:90])
    made = TrainingSet.of(few, reader, np.random.default_rng(3))
    tokens, vocabulary = made.examples.tokens, reader.tokenizer.vocabulary
    is_signal = vocabulary.is_signal(tokens.ids)
    signals = reader.features.baseline.names.index("count of all signals")
    left = np.rint(np.expm1(made.cut_short.X[:, signals].toarray().ravel())).astype(int)
    of_lead = {time: np.flatnonzero(is_signal & (tokens.lead == lead)) for lead, time in enumerate(made.rows.contacted)}
    assert len(of_lead) == len(few) and len(left) == 30
    for count, time, label in zip(left, made.cut_short.contacted, made.cut_short.y, strict=True):
        assert made.examples.prefix_labels[of_lead[time][count - 1]] == label
    assert {0.0, 1.0} == set(made.cut_short.y)


def test_signals_oldest_first_have_no_prefixes(tables):
    old = Stack.refit(tables, np.arange(2_000), ScoutSettings(), l2=30.0, shares=[])
    made = TrainingSet.of(tables.take(np.arange(10)), old, np.random.default_rng(0))
    assert made.examples.prefix_labels is None and made.cut_short is None
