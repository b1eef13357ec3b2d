"""Kinds of leads without labels: routers follow the column that goes along with signals, and no column is a target."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tinyscout.autograd import Tensor, gradcheck
from tinyscout.metrics import normalised_mutual_information, table_of
from tinyscout.models.expert_use import lead_use
from tinyscout.models.lead_kinds import kind_losses
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.nn import Routing
from tinyscout.nn.moe import best
from tinyscout.settings import FitSettings
from tinyscout.tokenizer import Padded, Tokens
from tinyscout.training import fit

LANGUAGE, ROLES, DECOYS, SIGNALS = 4, range(4, 8), range(8, 12), range(12, 20)
CONFIG = LeadScoutConfig(20, LANGUAGE, (), 1, width=16, depth=2, heads=2, max_tokens=16, dropout=0.0, experts=4)


def make_leads(n: int, seed: int, telling: int = 0) -> tuple[Examples, np.ndarray, np.ndarray]:
    """A role and a decoy in each profile; three signals of four are of two kinds that go with one of those columns.

    A word, which says nothing, comes behind the last.
    """
    rng = np.random.default_rng(seed)
    role, decoy, count = rng.integers(0, 4, n), rng.integers(0, 4, n), rng.integers(3, 9, n)
    ids, ages = [], []
    for r, d, c in zip(role, decoy, count, strict=True):
        liked = SIGNALS[0] + 2 * (r, d)[telling] + rng.integers(0, 2, c)
        signals = np.where(rng.random(c) < 0.75, liked, rng.choice(SIGNALS, c))
        ids.append([ROLES[r], DECOYS[d], *signals, rng.integers(2, LANGUAGE), 1])
        ages.append([np.nan, np.nan, *np.sort(rng.exponential(200, c))[::-1], 0.5, np.nan])
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in ids])])
    flat = np.concatenate(ids).astype(np.int32)
    nothing = np.zeros(len(flat), np.float32)
    tokens = Tokens(flat, nothing, np.concatenate(ages).astype(np.float32), offsets, np.zeros(n, np.int32))
    return Examples(tokens, sparse.csr_matrix((n, 1), dtype=np.float32)), role, decoy


def routing_of(batch: Padded, seed: int = 0) -> Routing:
    rows = np.flatnonzero(np.arange(batch.ids.shape[1]) < batch.lengths[:, None])
    logits = np.random.default_rng(seed).normal(size=(len(rows), 3))
    return Routing(Tensor(logits), best(logits, 1), rows, np.zeros(3, np.int64))


def test_both_losses_are_what_they_say() -> None:
    batch = make_leads(5, 0)[0].tokens.pad()
    batch.ages[4, : batch.lengths[4]] = np.nan  # no signal: the profile is all before <score>
    batch.ages[3, 0] = 5.0  # no profile
    routing = routing_of(batch)
    logits = np.full((*batch.ids.shape, 3), np.nan)
    logits.reshape(-1, 3)[routing.rows] = routing.logits.data
    joint, strays = np.zeros((3, 20)), []
    for i in range(5):
        length = int(batch.lengths[i])
        profile = {3: 0, 4: length - 1}.get(i, 2)
        odds = np.exp(logits[i, :profile].sum(axis=0))
        for at in range(profile, length):
            if profile and batch.ids[i, at] in SIGNALS:
                joint[:, batch.ids[i, at]] += odds / odds.sum()
            chance = np.exp(logits[i, at]) / np.exp(logits[i, at]).sum()
            strays += [-np.log(chance[odds.argmax()])] if profile else []
    joint /= joint.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    by_hand = np.sum(joint[joint > 0] * np.log(joint[joint > 0] / apart[joint > 0]))
    foretold, followed = kind_losses(routing, batch, LANGUAGE)
    assert foretold.item() == pytest.approx(by_hand, rel=1e-12) and by_hand > 0.01
    assert followed.item() == pytest.approx(np.mean(strays), rel=1e-6)


def test_gradients() -> None:
    batch = make_leads(6, 1)[0].tokens.pad()
    routing = routing_of(batch)
    for number in range(2):
        gradcheck(
            lambda logits, which=number: kind_losses(replace(routing, logits=logits), batch, LANGUAGE)[which],
            routing.logits.data,
        )


def test_no_column_of_the_profile_is_a_target() -> None:
    """Of what a router said, the losses ask which signals came: not what any column holds."""
    batch = make_leads(40, 2)[0].tokens.pad()
    routing, rng = routing_of(batch), np.random.default_rng(3)
    dealt, moved = batch.ids.copy(), batch.ids.copy()
    dealt[:, 0] = rng.permutation(dealt[:, 0])  # the role anew among leads
    moved[:, 2] = rng.permutation(moved[:, 2])  # the first signal
    losses = [
        [each.item() for each in kind_losses(routing, replace(batch, ids=ids), LANGUAGE)]
        for ids in (batch.ids, dealt, moved)
    ]
    assert losses[0] == losses[1] and losses[0][0] != losses[2][0]


def test_nothing_before_signals_leaves_nothing_to_follow() -> None:
    batch = make_leads(3, 4)[0].tokens.pad()
    batch.ages[:, 0] = 1.0
    assert [each.item() for each in kind_losses(routing_of(batch), batch, LANGUAGE)] == [0, 0]


@pytest.mark.parametrize("telling", [0, 1])
def test_experts_take_leads_by_the_column_that_goes_along_with_signals_and_by_no_other(telling: int) -> None:
    examples = make_leads(2000, 5, telling)[0]
    later, *columns = make_leads(400, 6, telling)
    model = LeadScout(CONFIG, rng=np.random.default_rng(0))
    labels = np.random.default_rng(8).integers(0, 2, len(examples)).astype(np.float64)
    settings = FitSettings(epochs=6, learning_rate=3e-3, foretell_weight=1.0, follow_weight=0.1, threads=1)
    fit(model, examples, labels, settings, seed=0)
    signals = np.isin(np.arange(20), SIGNALS)
    for use in lead_use(model, later, signals).values():
        told = [normalised_mutual_information(table_of(column, use)) for column in columns]
        assert told[telling] > 0.5 and told[1 - telling] < 0.1
