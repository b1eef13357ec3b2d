"""Leads as arrays and back, and random moves that never leave the threat model."""

import re

import numpy as np
import pandas as pd
import pytest

from tinyscout.leads import oracle
from tinyscout.leads.oracle_texts import CUES, MEANINGS, NEGATIONS, read_text
from tinyscout.stress import wordings
from tinyscout.stress.families import told
from tinyscout.stress.moves import MOVES, propose
from tinyscout.stress.threat import BUDGET, LONGEST, MAX_WORDS, distance
from tinyscout.stress.timelines import Timelines
from tinyscout.stress.wordings import rewritten, scrambled, world_texts


@pytest.fixture(scope="module")
def rows(tables) -> np.ndarray:
    return np.flatnonzero(np.diff(tables.offsets) <= LONGEST - BUDGET)[:2_000]


def test_leads_come_back_as_they_were(tables, rows, texts):
    made, natural = Timelines.of(tables, rows, texts).tables(tables, texts), tables.take(rows)
    for name in ("row", "at", "kind", "channel", "text", "age_hours"):
        left, right = (pd.Series(each.signals[name]).astype(object).fillna("") for each in (made, natural))
        assert left.tolist() == right.tolist(), name
    pd.testing.assert_frame_equal(made.leads[["contact_id", "plan_fit"]], natural.leads[["contact_id", "plan_fit"]])
    np.testing.assert_array_equal(made.offsets, natural.offsets)
    np.testing.assert_allclose(oracle.reply_probability(made), oracle.reply_probability(natural), rtol=1e-12)


def test_moves_stay_within_the_threat_model(tables, rows, texts):
    rng = np.random.default_rng(1)
    made = Timelines.of(tables, rows, texts)
    for _ in range(12):
        tried = made.take(np.arange(len(made)))
        propose(tried, texts, rng)
        fits = np.flatnonzero((tried.spent <= BUDGET) & tried.plausible())
        made.put(fits, tried.take(fits))
    assert made.spent.mean() > 5
    attacked = told("moves", tables, *made.frames(tables, texts), rng=rng)
    assert attacked.refused == []
    spent = pd.Series(made.spent, index=tables.leads["contact_id"].to_numpy()[made.source])
    source = attacked.world.tables.leads["contact_id"].str.rsplit("~", n=1).str[0]
    assert (distance(tables, attacked.world.tables) <= spent[source].to_numpy()).all()


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_each_move_changes_leads_and_says_what_it_cost(tables, rows, texts, move):
    rng = np.random.default_rng(2)
    before = Timelines.of(tables, rows, texts)
    after = before.take(np.arange(len(before)))
    cost = move(after, np.arange(len(after)), texts, rng)
    names = ("kind", "channel", "text", "ago")
    same = np.all([(getattr(before, name) == getattr(after, name)).all(axis=1) for name in names], axis=0)
    for name in ("employees", "plan_fit", "stack"):
        old, new = getattr(before, name), getattr(after, name)
        same &= (old == new) | ((old != old) & (new != new))
    assert (cost[~same] > 0).all()
    assert (~same).mean() > 0.05


def test_too_soon_and_too_close_are_not_plausible(tables, rows, texts):
    made = Timelines.of(tables, rows, texts)
    lead = int(np.flatnonzero(made.present.sum(axis=1) >= 2)[0])
    assert made.plausible().all()
    two = np.flatnonzero(made.present[lead])[:2]
    made.ago[lead, two[1]] = made.ago[lead, two[0]]
    assert not made.plausible()[lead]
    made.ago[lead, two[1]] = 30_000_000  # half a minute before contact
    assert not made.plausible()[lead]


def test_a_lead_too_long_is_refused(tables, texts):
    longest = int(np.diff(tables.offsets).argmax())
    with pytest.raises(ValueError, match="needs at most"):
        Timelines.of(tables, np.array([longest]), texts)


def test_texts_have_neighbours_of_another_meaning(texts):
    own = [read_text(text)[0] for text in texts.texts[1:]]
    near = np.array([[read_text(texts.texts[i])[0] for i in row] for row in texts.near[1:]])
    assert 0.2 < (near != np.array(own)[:, None]).mean() < 0.8
    assert (texts.near[1:] > 0).all()
    number = texts.add("in short, please send the newsletter", near=1)
    assert texts.texts[number] == "in short, please send the newsletter" and texts.near.shape[0] == len(texts)
    assert texts.add("in short, please send the newsletter", near=2) == number


@pytest.mark.parametrize("change", [rewritten, scrambled])
def test_rewriting_keeps_to_plain_words(change):
    rng = np.random.default_rng(3)
    known = world_texts(200, rng)
    made = [change(text, rng) for text in known for _ in range(5)]
    assert all(0 < len(text.split()) <= MAX_WORDS for text in made)
    assert np.mean([text not in known for text in made]) > 0.7


def test_rewriting_says_no_in_each_word_that_the_oracle_hears():
    """In words that make the no: without them the text says something else."""
    rng, makes_the_no = np.random.default_rng(4), set()
    for text in (rewritten("hello, we would like to see the demo", rng) for _ in range(6_000)):
        words = text.split()
        if MEANINGS[read_text(text)[0]] == "refuse":
            without = {word: " ".join(each for each in words if each != word) for word in words}
            makes_the_no |= {word for word, rest in without.items() if MEANINGS[read_text(rest)[0]] != "refuse"}
    assert makes_the_no >= NEGATIONS | {"wouldn't", "stop", "unsubscribe", "remove"}


def test_rewriting_knows_every_word_that_the_oracle_hears_and_words_that_nobody_knows():
    rng = np.random.default_rng(5)
    known = world_texts(400, rng)
    words = {word for text in known for _ in range(40) for word in re.findall("[A-Za-z']+", scrambled(text, rng))}
    assert words >= NEGATIONS.union(CUES)
    made_up = words - set(wordings._words())
    assert len(made_up) > 1_000 and not made_up & NEGATIONS.union(CUES)


def test_the_oracle_says_the_same_of_timelines_and_of_their_tables(tables, texts):
    rng = np.random.default_rng(8)
    made = Timelines.of(tables, np.flatnonzero(np.diff(tables.offsets) < 30)[:200], texts)
    for _ in range(6):
        propose(made, texts, rng)
    made.reply_probability(tables, texts)
    spoken = np.argwhere(made.text > 0)[:40]
    for place, column in spoken:  # new texts, after some were read already
        old = int(made.text[place, column])
        made.text[place, column] = texts.add(scrambled(str(texts.texts[old]), rng), old)
    for each in (made, made.take(np.arange(50))):
        expected = oracle.reply_probability(each.tables(tables, texts))
        np.testing.assert_array_equal(each.reply_probability(tables, texts), expected)
    assert (expected > 0.5).any() and (expected < 0.5).any()
