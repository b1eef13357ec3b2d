"""The supply of contrast leads: so many as asked, the same whoever makes them, each with its prefix labels."""

import numpy as np
import pytest

from tinyscout.settings import ScoutSettings, TokenizerSettings
from tinyscout.stress import supply
from tinyscout.stress.supply import Supply, TrainingSet
from tinyscout.training import Stack


@pytest.fixture(scope="module")
def reader(tables) -> Stack:
    settings = ScoutSettings(wide="careful", tokenizer=TokenizerSettings(newest_first=True))
    return Stack.refit(tables, np.arange(2_000), settings, l2=30.0, shares=[])


def made_by(tables, reader, processes, number=0) -> list[TrainingSet]:
    return list(Supply(tables, reader, 3, processes).start(number, 70, 90))


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
