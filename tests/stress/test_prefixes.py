"""Prefixes: labels of the shorter leads that a lead's newest signals would make, at the tokens where these end."""

from dataclasses import replace

import numpy as np
import pytest

from tinyscout.leads import oracle
from tinyscout.leads.tables import LeadTables
from tinyscout.stress.contrast import contrast
from tinyscout.stress.prefixes import ONE_IN, cut_short, drawn_labels, on_tokens, prefix_probability
from tinyscout.stress.timelines import Texts
from tinyscout.tokenizer import SalesTokenizer


@pytest.fixture(scope="module")
def made(tables) -> LeadTables:
    texts = Texts(tables.signals["text"].dropna(), np.random.default_rng(0), more=300)
    return contrast(tables, texts, np.random.default_rng(5), number=300).world.tables


def without_the_oldest(tables: LeadTables, lead: int, gone: int) -> LeadTables:
    """One lead as if its `gone` oldest signals were not there."""
    one = tables.take(np.array([lead]))
    signals = one.signals.iloc[gone:].reset_index(drop=True)
    return replace(one, signals=signals, offsets=np.array([0, len(signals)]))


def test_a_prefix_is_what_the_oracle_says_of_the_shorter_lead(made, monkeypatch):
    monkeypatch.setattr("tinyscout.stress.prefixes.AT_ONCE", 70)
    chance = prefix_probability(made)
    differ = 0
    for lead in range(0, len(made), 15):
        first, end = made.offsets[lead : lead + 2]
        for place in range(first, end):
            short = oracle.reply_probability(without_the_oldest(made, lead, place - first))[0]
            assert chance[place] == pytest.approx(short, rel=1e-12)
            differ += abs(short - chance[first]) > 0.3
    assert differ > 20  # or nothing would be learnt from them


def test_each_signal_token_has_the_label_of_the_lead_that_ends_there(made):
    tokenizer = SalesTokenizer.fit(made)
    vocabulary = tokenizer.vocabulary
    tokens = tokenizer.encode(made).truncate(60, vocabulary).newest_first(vocabulary)
    is_signal = vocabulary.is_signal(tokens.ids)
    assert is_signal.sum() < len(made.signals)  # some of the oldest were dropped
    chance, drawn = prefix_probability(made), []
    for seed in range(200):
        labels = on_tokens(drawn_labels(made, np.random.default_rng(seed)), made, tokens, vocabulary)
        assert np.isnan(labels[~is_signal]).all() and set(labels[is_signal]) == {0.0, 1.0}
        drawn.append(labels)
    age = made.signals["age_hours"].to_numpy(np.float32)
    means, lead = np.mean(drawn, axis=0), tokens.lead
    for at in np.flatnonzero(is_signal)[::7]:
        first, end = made.offsets[lead[at] : lead[at] + 2]
        place = first + int(np.flatnonzero(age[first:end] == tokens.ages[at])[0])
        assert means[at] == pytest.approx(chance[place], abs=0.16)


def test_tokens_oldest_first_have_no_such_prefixes(made):
    tokenizer = SalesTokenizer.fit(made)
    with pytest.raises(ValueError, match="oldest first"):
        on_tokens(np.zeros(len(made.signals)), made, tokenizer.encode(made), tokenizer.vocabulary)


def test_a_lead_cut_short_has_its_newest_signals_alone_and_the_label_that_was_drawn_for_those(made):
    drawn = np.arange(len(made.signals), dtype=np.float32)  # each label another, to be told apart
    short = cut_short(drawn, made, np.random.default_rng(0))
    assert len(short) == (np.diff(made.offsets) > 1).sum() // ONE_IN > 50
    place = dict(zip(made.leads["contact_id"], range(len(made)), strict=True))
    left = []
    for lead in range(len(short)):
        first, end = made.offsets[place[short.leads["contact_id"][lead]] :][:2]
        one, whole = short.take(np.array([lead])).signals, made.signals.iloc[first:end]
        assert 1 <= len(one) < len(whole)
        np.testing.assert_array_equal(one["at"], whole["at"].iloc[-len(one) :])
        np.testing.assert_array_equal(one["kind"], whole["kind"].iloc[-len(one) :])
        assert short.labels[lead] == end - len(one)
        left.append(len(one) / len(whole))
    assert min(left) < 0.2 and max(left) > 0.8


def test_what_is_cut_short_is_likely_what_the_oracle_says_of_it(made):
    labels, chances = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        short = cut_short(drawn_labels(made, rng), made, rng)
        labels.append(short.labels)
        chances.append(oracle.reply_probability(short))
    labels, chances = np.concatenate(labels), np.concatenate(chances)
    for low, high in ((0, 0.1), (0.1, 0.9), (0.9, 1)):
        some = (chances >= low) & (chances <= high)
        assert some.sum() > 100 and labels[some].mean() == pytest.approx(chances[some].mean(), abs=0.05)
