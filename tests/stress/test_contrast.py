"""Contrast leads keep to the threat model, fall on both sides of the truth, and no score has a say in them."""

import numpy as np
import pytest

from tinyscout.leads import oracle
from tinyscout.stress.contrast import Reworder, contrast
from tinyscout.stress.families import Attacked
from tinyscout.stress.threat import BUDGET, check, distance
from tinyscout.stress.timelines import Texts


@pytest.fixture(scope="module", params=["moves", "words"])
def found(tables, texts, request) -> Attacked:
    proposer = Reworder(texts) if request.param == "words" else None
    return contrast(tables, texts, np.random.default_rng(1), number=900, proposer=proposer)


def test_they_keep_to_the_threat_model(tables, found):
    made = found.world.tables
    assert found.refused == [] and check(tables, made) == []
    edits = distance(tables, made)
    assert edits.max() <= BUDGET and (edits > 0).mean() > 0.95  # now and then an edit undoes another
    assert len(np.unique(edits)) > 8  # some are close to their source and some far


def test_half_of_them_are_decoys_and_the_oracle_says_so(found):
    chance = oracle.reply_probability(found.world.tables)
    np.testing.assert_allclose(found.world.truth["reply_probability"], chance, rtol=1e-9)
    assert len(found.world.tables) == pytest.approx(900, abs=4)
    assert (chance > 0.5).mean() == pytest.approx(0.5, abs=0.01)
    drawn = found.world.tables.labels
    assert drawn[chance > 0.5].mean() == pytest.approx(chance[chance > 0.5].mean(), abs=0.08)


def test_a_reworder_makes_texts_that_were_in_no_list(tables):
    texts = Texts(tables.signals["text"].dropna(), np.random.default_rng(0), more=300)
    known, shares = set(texts.number), []
    for proposer in (None, Reworder(texts)):
        made = contrast(tables, texts, np.random.default_rng(3), number=300, proposer=proposer, name="scrambled")
        said = made.world.tables.signals.groupby("row")["text"].apply(lambda each: not set(each.dropna()) <= known)
        shares.append(said.mean())
        assert set(made.world.truth["family"]) == {"scrambled"}
    assert shares[0] == 0 and shares[1] > 0.5


def test_neighbours_on_a_walk_share_their_source(found):
    walks = found.world.tables.leads.groupby("lead_id").size()
    assert walks.max() >= 2 and len(walks) > 200


def test_the_same_seed_makes_the_same_leads(tables, texts):
    one, two = (contrast(tables, texts, np.random.default_rng(2), number=60).world for _ in range(2))
    np.testing.assert_array_equal(one.tables.signals["age_hours"], two.tables.signals["age_hours"])
    np.testing.assert_array_equal(one.tables.labels, two.tables.labels)
