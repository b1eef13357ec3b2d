"""Batches by tokens hold every lead once within their size; threads do all the work and pass on what goes wrong."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyscout.models import batches
from tinyscout.models.batches import batches_of_tokens, for_each_batch


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 100))
def test_batches_hold_every_row_once_within_their_size(lengths, tokens):
    lengths = np.array(lengths, int)
    found = batches_of_tokens(lengths, tokens)
    rows = np.concatenate([np.zeros(0, int), *found])
    assert sorted(rows) == list(range(len(lengths)))
    assert (np.diff(lengths[rows]) >= 0).all()
    for batch in found:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= tokens
    for batch, following in pairwise(found):  # as full as can be
        assert (len(batch) + 1) * lengths[following[0]] > tokens


@pytest.mark.parametrize("cores", [1, 3])
def test_every_batch_is_worked_on_once_by_any_number_of_threads(monkeypatch, cores):
    monkeypatch.setattr(batches, "cores", lambda: cores)
    counts = np.zeros(100, int)

    def work(rows):
        counts[rows] += 1

    for_each_batch(work, np.split(np.random.default_rng(0).permutation(100), 20))
    assert (counts == 1).all()


@pytest.mark.parametrize("cores", [1, 3])
def test_what_a_batch_raises_is_raised(monkeypatch, cores):
    monkeypatch.setattr(batches, "cores", lambda: cores)

    def work(rows):
        if 7 in rows:
            raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        for_each_batch(work, np.split(np.arange(20), 10))
