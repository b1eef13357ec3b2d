"""The leads a stress test trains, chooses and judges on: one world, cut by time, each part with its attacked variants.

Hardening leads are variants of training leads, and judged leads variants of later ones; held-out families are judged
and never trained or chosen on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinyscout.leads.splits import latest_slices, time_split
from tinyscout.leads.tables import LeadTables
from tinyscout.leads.world import World, make_world
from tinyscout.stress.families import Attacked, Family, attack, concatenate, families
from tinyscout.stress.variants import join

LEADS = 32_000
JUDGED = 10_000  # leads of written families
HOLDOUT, VALID_SHARE = 0.2, 0.15  # latest leads of the world; latest leads of what is left


@dataclass(frozen=True)
class Part:
    """Natural leads of one stretch of time, and attacked variants of them."""

    natural: World
    attacked: Attacked

    def mixed(self, rng: np.random.Generator) -> tuple[LeadTables, np.ndarray]:
        """All of them in order of time, and which of them are attacked, (N,) bool."""
        tables, position = join([self.natural.tables, self.attacked.world.tables], rng)
        return tables, position >= len(self.natural.tables)


@dataclass(frozen=True)
class Pools:
    """train and valid are attacked by seen families, with as many attacked leads as natural ones; test by seen and
    held out ones, half and half."""

    seed: int
    train: Part
    valid: Part
    test: Part


def make_pools(
    seed: int,
    *,
    leads: int = LEADS,
    judged: int = JUDGED,
    progress: Callable[[str, int, int], None] | None = None,
) -> Pools:
    """Make the pools of one seed: the same numbers and seed give the same leads.

    leads: of the world; judged: attacked leads of the latest. Raises InputError when the world has too few to cut.
    """
    world = make_world(leads, seed)
    split = time_split(world.tables, holdout=HOLDOUT)
    train, valid = latest_slices(world.tables, split.train, [VALID_SHARE])
    seen, held_out = families(held_out=False), families(held_out=True)
    plan = [
        (train, {seen: len(train)}),
        (valid, {seen: len(valid)}),
        (split.test, {seen: judged // 2, held_out: judged - judged // 2}),
    ]
    parts = []
    for number, (rows, sizes) in enumerate(plan):
        natural = World(world.tables.take(rows), world.truth.iloc[rows].reset_index(drop=True))
        rng = np.random.default_rng([seed, 15, number])
        halves = [attack_in_shares(chosen, natural.tables, size, rng) for chosen, size in sizes.items()]
        parts.append(Part(natural, concatenate(halves, rng)))
        if progress:
            progress("attacked leads", number + 1, len(plan))
    return Pools(seed, *parts)


def attack_in_shares(chosen: Sequence[Family], tables: LeadTables, size: int, rng: np.random.Generator) -> Attacked:
    """Variants of the leads in `tables` by each family alike, at least `size` where there are leads enough."""
    pairs = -(-size // (2 * len(chosen)))
    return concatenate([attack(family, tables, pairs=pairs, rng=rng) for family in chosen], rng)
