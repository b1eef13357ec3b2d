"""The supply of contrast leads: so many as asked, the same whoever makes them, each with its prefix labels."""

import numpy as np
import pytest

from tinyscout.settings import ScoutSettings, TokenizerSettings
from tinyscout.stress import supply
from tinyscout.stress.supply import Supply, TrainingSet
from tinyscout.training import Stack


@pytest.fixture(scope="module")
def reader(tables) -> Stack:
    settings = ScoutSettings(tokenizer=TokenizerSettings(newest_first=True))
    return Stack.refit(tables, np.arange(2_000), settings, l2=30.0, shares=[])


def made_by(tables, reader, processes, number=0) -> list[TrainingSet]:
    return list(Supply(tables, reader, 3, contrast=70, reworded=90, processes=processes).start(number))


def test_one_process_and_two_make_the_same_leads_and_another_turn_makes_others(tables, reader, monkeypatch):
    monkeypatch.setattr(supply, "PIECE", 100)
    alone, together, later = (made_by(tables, reader, *each) for each in ((1,), (2,), (1, 1)))
    assert len(alone) == len(together) == 2
    assert sum(len(each.labels) for each in alone) == pytest.approx(160, abs=8)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.examples.tokens.ids, other.examples.tokens.ids)
        np.testing.assert_array_equal(one.examples.prefix_labels, other.examples.prefix_labels)
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
    np.testing.assert_array_equal(both.labels[:30], natural.labels)


def test_signals_oldest_first_have_no_prefixes(tables):
    old = Stack.refit(tables, np.arange(2_000), ScoutSettings(), l2=30.0, shares=[])
    made = TrainingSet.of(tables.take(np.arange(10)), old, np.random.default_rng(0))
    assert made.examples.prefix_labels is None
