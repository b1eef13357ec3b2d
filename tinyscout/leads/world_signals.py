"""What the synthetic leads did: timelines of signals, a background of everyday activity and short stories on top.

The background is drawn signal by signal (kinds by persona and habit, ages with a heavy tail, visits in sessions).
A story is a few signals in an order that means something: a win-back, a missed meeting, a stale evaluation.
"""

from dataclasses import dataclass

import numpy as np

from tinyscout.leads.oracle_texts import CODE
from tinyscout.leads.oracle_weights import EVIDENCE, KIND, KINDS, PERSONA, PERSONAS
from tinyscout.leads.world_stories import KEY, STORIES, WRONG, Story

DAY = 86_400
CHANNELS = ("email", "web", "social", "call", "chat")
VISITS = ("pricing_page", "docs_visit", "security_paper", "case_study", "webinar")
_CHANNEL_OF = {
    "social_like": "social",
    "call_note": "call",
    "meeting_no_show": "call",
    "email_open": "email",
    "email_click": "email",
    "outreach_email": "email",
    "unsubscribe": "email",
}
_CHANNEL_SHARES = {  # kinds that come by more than one channel
    "reply_message": {"email": 0.7, "chat": 0.2, "social": 0.1},
    "support_ticket": {"email": 0.4, "chat": 0.6},
    "demo_request": {"web": 0.75, "chat": 0.25},
}
# Habits of activity: share, mean number of background signals, median horizon in days, weights of kinds.
_HABITS = {
    "quiet": (0.34, 1.2, 150.0, {"email_open": 4, "outreach_email": 5, "social_like": 1, "pricing_page": 1}),
    "nurtured": (
        0.30,
        7.5,
        160.0,
        {"email_open": 9, "outreach_email": 6, "email_click": 3, "social_like": 1.5, "case_study": 1, "webinar": 1}
        | {"unsubscribe": 0.22, "reply_message": 0.7, "call_note": 0.5, "careers_page": 0.5},
    ),
    "browsing": (
        0.26,
        9.0,
        110.0,
        {"pricing_page": 4, "docs_visit": 5, "security_paper": 2.5, "case_study": 3, "webinar": 2, "careers_page": 2}
        | {"email_open": 3, "outreach_email": 3, "email_click": 1, "social_like": 1.5, "support_ticket": 0.7}
        | {"reply_message": 0.6, "call_note": 0.4, "competitor_domain_visit": 0.12, "free_trial_start": 0.4},
    ),
    "in_talks": (
        0.10,
        10.0,
        60.0,
        {"reply_message": 3, "call_note": 3, "email_open": 5, "outreach_email": 4, "email_click": 2, "pricing_page": 2}
        | {"docs_visit": 1.5, "security_paper": 1.5, "case_study": 1.5, "meeting_no_show": 0.5, "demo_request": 0.25}
        | {"support_ticket": 1, "webinar": 0.7, "free_trial_start": 0.25, "unsubscribe": 0.15},
    ),
}
_SAID = {
    "reply_message": {"neutral": 45, "question": 16, "refuse": 11, "defer": 8, "want": 3, "praise": 3, "doubt": 5}
    | {"apology": 3, "study": 2},
    "call_note": {"neutral": 42, "question": 10, "refuse": 11, "defer": 13, "want": 3, "praise": 3, "doubt": 6}
    | {"left": 5, "takeover": 3},
    "support_ticket": {"question": 55, "neutral": 45},
}


@dataclass(frozen=True)
class Signals:
    """S signals, oldest first within a lead: row (S,), age (S,) whole seconds, kind, channel, meaning (S,) codes."""

    row: np.ndarray
    age: np.ndarray
    kind: np.ndarray
    channel: np.ndarray
    meaning: np.ndarray


def draw_signals(persona: np.ndarray, rng: np.random.Generator) -> Signals:
    """Timelines of leads with the given personas (M,), as ages before their (last) contact."""
    habit = np.searchsorted(np.cumsum([share for share, *_ in _HABITS.values()])[:-1], rng.random(len(persona)))
    parts = [_background(persona, habit, rng)]
    parts += [_tell(story, persona, rng) for story in STORIES]
    row, age, kind, meaning = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    seconds = np.maximum(np.round(age * DAY), 60).astype(np.int64)
    order = np.lexsort((-seconds, row))
    row, seconds, kind, meaning = row[order], seconds[order], kind[order], meaning[order]
    _spread_ties(row, seconds)
    return Signals(row, seconds, kind, _channels(kind, rng), meaning)


def _background(persona: np.ndarray, habit: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Everyday signals: row, age in days, kind, meaning, each (S,)."""
    mean = np.array([mean for _, mean, _, _ in _HABITS.values()])[habit]
    horizon = np.array([days for _, _, days, _ in _HABITS.values()])[habit]
    rate = mean * np.exp(rng.normal(-0.25, 0.7, len(habit)))
    row = np.repeat(np.arange(len(habit)), np.minimum(rng.poisson(rate), 150))
    size = len(row)
    horizon = np.clip(horizon * np.exp(rng.normal(0, 0.9, len(habit))), 0.5, 900)[row]
    age = horizon * rng.random(size) ** 1.3
    late = rng.random(size) < 0.08  # some activity clusters close to the contact
    age[late] = np.exp(rng.uniform(np.log(0.01), np.log(np.maximum(horizon[late], 0.02))))

    # A visit may continue the session of the signal drawn before it, minutes later.
    follows = (rng.random(size) < 0.3) & (row == np.concatenate([[-1], row[:-1]]))
    start = np.maximum.accumulate(np.where(follows, 0, np.arange(size)))
    passed = np.cumsum(rng.uniform(60, 1200, size) * follows) / DAY
    age = np.where(follows, age[start] - (passed - passed[start]), age)

    shares = _kind_shares()[persona * len(_HABITS) + habit]  # (M, kinds) cumulative
    kind = (rng.random(size)[:, None] > shares[row]).sum(axis=1)
    return row, np.maximum(age, 0.0008), kind, _meanings(kind, persona[row], rng)


def _kind_shares() -> np.ndarray:
    """Cumulative shares of kinds (personas * habits, kinds): everybody does most of what interests their persona."""
    table = np.zeros((len(PERSONAS), len(_HABITS), len(KINDS)))
    for h, (_, _, _, weights) in enumerate(_HABITS.values()):
        for kind, weight in weights.items():
            table[:, h, KIND[kind]] = weight
    table *= np.where(np.isin(KINDS, VISITS), np.where(EVIDENCE[:-1, :-1] > 0.5, 1.5, 0.75), 1.0)[:, None, :]
    table[PERSONA["student"], :, KIND["docs_visit"]] *= 3
    return (table / table.sum(axis=2, keepdims=True)).reshape(-1, len(KINDS)).cumsum(axis=1)


def _meanings(kind: np.ndarray, persona: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the texts of everyday messages and notes say, (S,) codes; 0 for kinds without a text."""
    meaning = np.zeros(len(kind), np.int64)
    for name, said in _SAID.items():
        where = np.flatnonzero(kind == KIND[name])
        share = np.cumsum(np.array(list(said.values()), float))
        drawn = np.searchsorted(share / share[-1], rng.random(len(where)))
        meaning[where] = np.array([CODE[text] for text in said])[drawn]
    student = (persona == PERSONA["student"]) & (kind == KIND["reply_message"]) & (rng.random(len(kind)) < 0.4)
    meaning[student] = CODE["study"]
    return meaning


def _tell(story: Story, persona: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The signals of one story for the leads it happens to: row, age in days, kind, meaning, each (S,)."""
    chance = np.where(persona == PERSONA["student"], story.students, story.share)
    leads = np.flatnonzero(rng.random(len(persona)) < chance)
    age = np.exp(rng.uniform(np.log(story.ends[0]), np.log(story.ends[1]), len(leads)))
    special = {KEY: _key_kinds(persona[leads], rng), WRONG: _wrong_kinds(persona[leads], rng)}
    parts = []
    for step in reversed(story.steps):
        told = rng.random(len(leads)) < step.chance
        kind = special[step.kind] if step.kind in special else np.full(len(leads), KIND[step.kind])
        parts.append((leads[told], age[told], kind[told], np.full(told.sum(), CODE[step.says])))
        age = age + rng.uniform(step.gap[0], step.gap[1], len(leads))
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _key_kinds(persona: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A kind of visit that counts much for each persona, (M,) codes."""
    visits = np.array([KIND[name] for name in VISITS])
    weight = np.maximum(EVIDENCE[:-1][:, visits], 0.0) ** 2 + 1e-3
    return visits[_draw_rows(weight[persona], rng)]


def _wrong_kinds(persona: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A kind of visit that counts for other personas but not for each of these, (M,) codes."""
    visits = np.array([KIND[name] for name in VISITS])
    return visits[_draw_rows(np.where(EVIDENCE[:-1][:, visits] < 0.2, 1.0, 1e-3)[persona], rng)]


def _draw_rows(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One column drawn in each row of weight (M, K) in proportion to it, (M,)."""
    bounds = weight.cumsum(axis=1)
    return (rng.random(len(weight))[:, None] * bounds[:, -1:] > bounds).sum(axis=1)


def _channels(kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The channel each signal came by, (S,) codes into CHANNELS."""
    channel = np.array([CHANNELS.index(_CHANNEL_OF.get(name, "web")) for name in KINDS])[kind]
    for name, shares in _CHANNEL_SHARES.items():
        where = np.flatnonzero(kind == KIND[name])
        drawn = np.searchsorted(np.cumsum(list(shares.values()))[:-1], rng.random(len(where)))
        channel[where] = np.array([CHANNELS.index(name) for name in shares])[drawn]
    return channel


def _spread_ties(row: np.ndarray, seconds: np.ndarray) -> None:
    """Make ages in a lead strictly falling, by whole seconds, in place: an order of signals is then never in doubt."""
    while True:
        tied = np.flatnonzero((row[1:] == row[:-1]) & (seconds[:-1] <= seconds[1:]))
        if not len(tied):
            return
        seconds[tied] = seconds[tied + 1] + 1
