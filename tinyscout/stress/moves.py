"""Moves: random edits of many timelines at once, each within the threat model and at its costs.

They are drawn blindly, but from a pool of kinds and words that knows the world: a text may become one that differs from
it by a word that decides (`Texts.near`), as wordings.py makes them of the oracle's own terms.
"""

from collections.abc import Callable

import numpy as np

from tinyscout.leads.oracle_weights import KIND, KINDS
from tinyscout.leads.tables import HOUR_US
from tinyscout.leads.world_profiles import STACKS
from tinyscout.leads.world_signals import CHANNELS
from tinyscout.stress.threat import CHANNELS_OF, EMPLOYEES_FACTOR, PLAN_FIT_POINTS, WITH_TEXT
from tinyscout.stress.timelines import NEVER, SECOND, Texts, Timelines

DAY = 24 * HOUR_US
_OPTIONS = [[CHANNELS.index(channel) for channel in CHANNELS_OF[kind]] for kind in KINDS]
_WITH_TEXT = np.array([KIND[name] for name in WITH_TEXT])
_YOUNGEST, _OLDEST = 0.02, 200.0  # days: where moved and added signals go

Move = Callable[[Timelines, np.ndarray, Texts, np.random.Generator], np.ndarray]


def propose(made: Timelines, texts: Texts, rng: np.random.Generator) -> None:
    """Change each timeline in place by one random move, and add what it costs to `spent`.

    A move that doesn't fit a lead (it has nothing to take away) changes and costs nothing.
    """
    chosen = rng.choice(len(MOVES), size=len(made), p=_SHARES)
    for number, move in enumerate(MOVES):
        places = np.flatnonzero(chosen == number)
        if len(places):
            made.spent[places] += move(made, places, texts, rng)


def propose_at(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> None:
    """`propose` for the timelines at some places (P,) alone."""
    moved = made.take(places)
    propose(moved, texts, rng)
    made.put(places, moved)


def add(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """A new signal of any kind, at any time or close to another one."""
    return _add(made, places, rng.integers(len(KINDS), size=len(places)), _times(made, places, rng), texts, rng)


def add_several(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """Two to five of one kind within some days, or within seconds."""
    kind, start = rng.integers(len(KINDS), size=len(places)), _times(made, places, rng)
    many, spread = rng.integers(2, 6, len(places)), _log_uniform(len(places), 2e-5, 20, rng) * DAY
    cost = np.zeros(len(places), np.int64)
    for i in range(5):
        some = np.flatnonzero(many > i)
        ago = start[some] + (rng.random(len(some)) * spread[some]).astype(np.int64)
        cost[some] += _add(made, places[some], kind[some], _whole(ago), texts, rng)
    return cost


def remove(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """Take a signal away."""
    at, there = any_place(made.present[places], rng)
    where = places[there], at[there]
    made.kind[where], made.channel[where], made.text[where], made.ago[where] = -1, -1, 0, NEVER
    made.fresh[where] = False
    return there.astype(np.int64)


def shift(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """A signal to another time."""
    at, there = any_place(made.present[places], rng)
    ago = _times(made, places, rng)
    made.ago[places[there], at[there]] = ago[there]
    made.fresh[places[there], at[there]] = True
    return there.astype(np.int64)


def shift_several(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """All signals of one kind but its latest, or as many as five: to other times that lie together."""
    at, there = any_place(made.present[places], rng)
    kind = np.where(there, made.kind[places, np.maximum(at, 0)], -2)
    same = made.kind[places] == kind[:, None]  # (P, L)
    youngest = np.where(same, made.ago[places], NEVER)
    same[np.arange(len(places)), youngest.argmin(axis=1)] = False
    start, spread = _times(made, places, rng), _log_uniform(len(places), 2e-5, 40, rng) * DAY
    cost = np.zeros(len(places), np.int64)
    for _ in range(5):
        at, more = any_place(same, rng)
        where = places[more], at[more]
        made.ago[where] = _whole(start[more] + (rng.random(more.sum()) * spread[more]).astype(np.int64))
        made.fresh[where] = True
        same[np.flatnonzero(more), at[more]] = False
        cost += more
    return cost


def reword(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """A text by one close to it, or by any."""
    at, there = any_place(made.text[places] > 0, rng)
    where = places[there], at[there]
    near = texts.near[made.text[where], rng.integers(texts.near.shape[1], size=there.sum())]
    other = rng.integers(1, len(texts), there.sum())
    made.text[where] = np.where(rng.random(there.sum()) < 0.6, near, other)
    return there.astype(np.int64)


def swap_texts(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """Two texts of one lead in each other's place."""
    spoken = made.text[places] > 0
    one, there = any_place(spoken, rng)
    spoken[np.arange(len(places)), np.maximum(one, 0)] = False
    two, both = any_place(spoken & there[:, None], rng)
    a, b = (places[both], one[both]), (places[both], two[both])
    made.text[a], made.text[b] = made.text[b], made.text[a]
    return 2 * both.astype(np.int64)


def swap_times(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """Two signals in each other's place on the timeline."""
    present = made.present[places]
    one, there = any_place(present, rng)
    present[np.arange(len(places)), np.maximum(one, 0)] = False
    two, both = any_place(present & there[:, None], rng)
    a, b = (places[both], one[both]), (places[both], two[both])
    made.ago[a], made.ago[b] = made.ago[b], made.ago[a]
    made.fresh[a] = made.fresh[b] = True
    return 2 * both.astype(np.int64)


def describe(made: Timelines, places: np.ndarray, texts: Texts, rng: np.random.Generator) -> np.ndarray:
    """Another size, fit or technology of the company, as far as the threat model lets them move."""
    which = rng.integers(3, size=len(places))
    employees, fit, stack = made.employees[places], made.plan_fit[places], made.stack[places]
    by = EMPLOYEES_FACTOR ** rng.uniform(-1, 1, len(places))
    changes = (
        (made.employees, np.maximum(1, np.round(employees * by))),
        (made.plan_fit, np.clip(fit + PLAN_FIT_POINTS * rng.uniform(-1, 1, len(places)), 0, 100)),
        (made.stack, rng.integers(len(STACKS), size=len(places))),
    )
    known = np.stack([np.isfinite(employees), np.isfinite(fit), stack >= 0], axis=1)  # missing stays missing
    cost = np.zeros(len(places), np.int64)
    for i, (column, values) in enumerate(changes):
        fits = (which == i) & known[:, i] & ~made.described[places, i]  # once: it is bound to where it began
        column[places[fits]] = values[fits]
        made.described[places[fits], i] = True
        cost += fits
    return cost


MOVES: tuple[Move, ...] = (add, add_several, remove, shift, shift_several, reword, swap_texts, swap_times, describe)
_SHARES = np.array([6, 3, 3, 4, 3, 4, 2, 2, 1]) / 28


def _add(
    made: Timelines, places: np.ndarray, kind: np.ndarray, ago: np.ndarray, texts: Texts, rng: np.random.Generator
) -> np.ndarray:
    """Signals of these kinds (P,) and times (P,) where there is room; what each lead pays, (P,)."""
    free = np.asarray((~made.present[places]).argmax(axis=1))
    there = ~made.present[places, free]
    where = places[there], free[there]
    kind = kind[there]
    made.kind[where], made.ago[where], made.fresh[where] = kind, ago[there], True
    options = np.array([one[rng.integers(len(one))] for one in _OPTIONS])  # one channel a kind for all of this call
    made.channel[where] = options[kind]
    made.text[where] = np.where(np.isin(kind, _WITH_TEXT), rng.integers(1, len(texts), len(kind)), 0)
    return there.astype(np.int64)


def any_place(mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One of the True places of each row, (P,), and whether there is one, (P,) bool: mask (P, L)."""
    drawn = np.where(mask, rng.random(mask.shape), -1.0)
    at = np.asarray(drawn.argmax(axis=1))
    return at, drawn[np.arange(len(at)), at] >= 0


def _times(made: Timelines, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How long ago something new was, (P,): anything from half an hour to 200 days, or close to another signal."""
    anywhere = (_log_uniform(len(places), _YOUNGEST, _OLDEST, rng) * DAY).astype(np.int64)
    at, there = any_place(made.present[places], rng)
    away = (_log_uniform(len(places), 1e-3, 3, rng) * DAY * rng.choice([-1, 1], len(places))).astype(np.int64)
    close = np.where(there, made.ago[places, at], 0) + away
    return _whole(np.where(there & (close > _YOUNGEST * DAY) & (rng.random(len(places)) < 0.5), close, anywhere))


def _whole(ago: np.ndarray) -> np.ndarray:
    """Whole seconds, as the world has them."""
    return ago // SECOND * SECOND


def _log_uniform(size: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.uniform(np.log(low), np.log(high), size))
