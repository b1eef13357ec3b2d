"""Peers are fitted and chosen without the leads they are judged on."""

from functools import partial

import numpy as np
import pytest

from tinyscout.leads import LeadTables
from tinyscout.leads.splits import latest_slices
from tinyscout.models import peers
from tinyscout.tokenizer import SalesTokenizer


def test_the_labels_of_the_test_leads_do_not_matter(small_tables: LeadTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "BoostedTrees", partial(peers.BoostedTrees, trials=2))
    tables = small_tables.take(np.arange(0, 3000, 3))
    train, valid, test = latest_slices(tables, np.arange(len(tables)), (0.2, 0.2))
    tokenizer = SalesTokenizer.fit(tables.take(train), merges=50)
    tokens = tokenizer.encode(tables)

    def logits(y: np.ndarray) -> dict[str, np.ndarray]:
        return peers.peer_logits(tokens, tokenizer.vocabulary, y, train=train, valid=valid, test=test)[0]

    known, unknown = tables.labels, tables.labels.copy()
    unknown[test] = np.nan
    found, blind = logits(known), logits(unknown)
    assert set(found) == {peers.CAREFUL, peers.TREES}
    for name, logit in found.items():
        assert logit.shape == test.shape and np.isfinite(logit).all() and logit.std() > 0
        np.testing.assert_array_equal(blind[name], logit)
