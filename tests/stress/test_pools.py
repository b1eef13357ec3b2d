"""Pools: nothing is judged that was trained or chosen on, and the same seed gives the same leads."""

import numpy as np
import pandas as pd

from tinyscout.leads.tables import microseconds
from tinyscout.stress.families import families
from tinyscout.stress.pools import attack_in_shares


def lead_ids(part) -> set[str]:
    natural, attacked = (set(world.tables.leads["lead_id"]) for world in (part.natural, part.attacked.world))
    assert attacked <= natural
    return natural


def test_the_parts_share_no_lead_and_follow_each_other(pools):
    parts = [pools.train, pools.valid, pools.test]
    ids = [lead_ids(part) for part in parts]
    assert not ids[0] & ids[1] and not ids[0] & ids[2] and not ids[1] & ids[2]
    times = [microseconds(part.natural.tables.leads["contacted_at"]) for part in parts]
    assert times[0].max() < times[1].min() and times[1].max() < times[2].min()


def test_held_out_families_are_judged_only(pools):
    held_out = {each.name for each in families(held_out=True)}
    seen = {each.name for each in families(held_out=False)}
    for part in (pools.train, pools.valid):
        assert set(part.attacked.world.truth["family"]) == seen
    assert set(pools.test.attacked.world.truth["family"]) == seen | held_out


def test_shares_are_as_stated(pools):
    for part in (pools.train, pools.valid):
        natural, attacked = len(part.natural.tables), len(part.attacked.world.tables)
        assert abs(attacked - natural) <= 2 * len(families(held_out=False))  # whole pairs of each family
    truth = pools.test.attacked.world.truth
    assert len(truth) >= 1000 and truth.groupby("family").size().nunique() <= 2
    held_out = truth["family"].isin([each.name for each in families(held_out=True)])
    assert 0.45 < held_out.mean() < 0.55
    assert (truth["role"] == "decoy").mean() == 0.5
    assert truth.groupby("pair").size().eq(2).all()


def test_a_part_can_be_mixed(pools):
    tables, attacked = pools.valid.mixed(np.random.default_rng(0))
    assert attacked.sum() == len(pools.valid.attacked.world.tables)
    assert tables.leads["contact_id"].str.contains("~").to_numpy().tolist() == attacked.tolist()
    assert tables.leads["contact_id"].is_unique
    assert (np.diff(microseconds(tables.leads["contacted_at"])) >= 0).all()
    label = pd.concat([part.tables.leads.set_index("contact_id")["label"] for part in
                       (pools.valid.natural, pools.valid.attacked.world)])  # fmt: skip
    np.testing.assert_array_equal(tables.labels, label.loc[tables.leads["contact_id"]].to_numpy())


def test_the_same_seed_makes_the_same_attacks(pools):
    source = pools.valid.natural.tables
    one, two = (attack_in_shares(families()[:3], source, 60, np.random.default_rng(3)).world for _ in range(2))
    pd.testing.assert_frame_equal(one.truth, two.truth)
    pd.testing.assert_frame_equal(one.tables.leads, two.tables.leads)
