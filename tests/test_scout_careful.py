"""A scout with the careful modeller's features and signals newest first: saved and explained like any other."""

import numpy as np
import pytest

from tinyscout.explain import contributions
from tinyscout.explain.reasons import feature_ids
from tinyscout.models.lead_scout import predict_logits
from tinyscout.scout import Scout
from tinyscout.training import Stack
from tinyscout.training.contenders import NO_CALIBRATION, SHARES


@pytest.fixture(scope="module")
def scout(small_tables, small_settings) -> Scout:
    """With a transformer on top, whether it beats so strong a baseline on so few leads or not."""
    tokenizer = small_settings.tokenizer.model_copy(update={"newest_first": True})
    settings = small_settings.model_copy(update={"wide": "careful", "tokenizer": tokenizer})
    scout = Scout.fit(small_tables, settings)
    known = np.flatnonzero(small_tables.mature)
    scout.stack = Stack.refit(small_tables, known, settings, l2=10.0, shares=[1.0])
    scout.calibrators, scout.ships = dict.fromkeys(SHARES, NO_CALIBRATION), "scout"
    return scout


def test_it_knows_more_features_than_the_baseline(scout, small_scout):
    careful, baseline = scout.stack.features, small_scout.stack.features
    assert len(careful.names) > len(baseline.names)
    assert any(" x signal=" in name for name in careful.names)


def test_saved_and_loaded_it_says_the_same(scout, small_tables, tmp_path):
    few = small_tables.take(np.arange(50))
    scout.save(tmp_path / "scout")
    assert scout.examples(few).tokens.newest
    np.testing.assert_array_equal(Scout.load(tmp_path / "scout").logits(few), scout.logits(few))


def test_compiled_and_in_bytes_it_says_the_same(scout, small_tables):
    examples = scout.examples(small_tables.take(np.arange(300)))
    own = predict_logits(scout.stack.members[0], examples)
    np.testing.assert_allclose(scout.stack.compiled[0].logits(examples), own, atol=1e-5)
    np.testing.assert_allclose(scout.in_dtype("int8").stack.compiled[0].logits(examples), own, atol=0.2)


def test_every_cross_speaks_of_its_signal(scout):
    names, ids = scout.stack.features.names, feature_ids(scout.stack.features)
    vocabulary = scout.stack.tokenizer.vocabulary
    assert len(names) == len(ids)
    for name, i in zip(names, ids, strict=True):
        if " x signal=" in name:
            assert name.split(" x ")[-1] == vocabulary.names[i]


def test_its_parts_sum_and_its_reasons_are_given(scout, small_tables):
    few = small_tables.take(np.arange(0, 3000, 60))
    examples, stack = scout.examples(few), scout.stack
    parts = contributions(stack.members, stack.baseline, 0.0, (1.0, 0.0), examples)
    np.testing.assert_allclose(parts.explained, stack.baseline_logits(examples), atol=1e-5)
    assert all(1 <= len(reasons) <= 3 for reasons in scout.explain(few).reasons or [])
