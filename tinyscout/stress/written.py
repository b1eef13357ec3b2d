"""Written attacks: twins of one quiet natural lead to which a decoy's or a sleeper's story is added.

A story is a function of persona and generator; it returns what both twins do (`shared`) and what only one does. As both
are the same lead with the same background, they differ in nothing but what the story is about.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from tinyscout.leads.world_texts import compose
from tinyscout.stress.families import Edit, Family, Frames, Match, register
from tinyscout.stress.threat import CHANNELS_OF

BUYERS = ("saas_founder", "enterprise_vp", "developer", "marketing_manager", "ops_manager", "sales_lead")
COUNTS = {  # the visit that says most about each persona
    "saas_founder": "docs_visit",
    "enterprise_vp": "security_paper",
    "developer": "docs_visit",
    "marketing_manager": "webinar",
    "ops_manager": "security_paper",
    "sales_lead": "pricing_page",
}
SECOND = {  # and another that says much (of a developer, no other does)
    "saas_founder": "pricing_page",
    "enterprise_vp": "case_study",
    "developer": "docs_visit",
    "marketing_manager": "case_study",
    "ops_manager": "case_study",
    "sales_lead": "webinar",
}
IDLE = {  # visits that say nothing, or less than nothing, about them
    "saas_founder": ("security_paper", "case_study", "webinar"),
    "enterprise_vp": ("docs_visit", "pricing_page", "webinar"),
    "developer": ("security_paper", "case_study", "webinar"),
    "marketing_manager": ("docs_visit", "security_paper"),
    "ops_manager": ("docs_visit", "webinar"),
    "sales_lead": ("docs_visit", "security_paper", "case_study"),
}
_BACKGROUND = ("email_open", "outreach_email", "social_like", "careers_page")
CALM_DAYS, CLEAR_DAYS = 35.0, 160.0  # since anything that matters, and since a competitor's visit


class Touch(NamedTuple):
    """One signal: days before contact, kind, text, channel (the kind's usual one where empty)."""

    days: float
    kind: str
    text: str = ""
    channel: str = ""


class Twins(NamedTuple):
    """What both twins do, what only the decoy does, what only the sleeper does."""

    shared: list[Touch]
    decoy: list[Touch]
    sleeper: list[Touch]


Story = Callable[[str, np.random.Generator], Twins]


def written(
    skill: str,
    *,
    held_out: bool = False,
    like: str = "",
    match: Match = "exact",
    personas: tuple[str, ...] = BUYERS,
    decoys: dict[str, str] | None = None,
    calm_days: float = CALM_DAYS,
) -> Callable[[Story], Story]:
    """Register a story as a family named as the function, with its docstring as the sentence told.

    like: as in Family; personas: who it may happen to; decoys: persona of the sleeper -> persona of a second lead that
    plays the decoy, where twins are two leads; calm_days: how long nothing that matters must have happened.
    """

    def decorate(story: Story) -> Story:
        name, sentence = story.__name__, " ".join((story.__doc__ or "").split())
        edit = _edit(story, personas, decoys, calm_days)
        register(Family(name, sentence, edit, skill, held_out, match, like, ours=True))
        return story

    return decorate


def visits(kind: str, days: Iterable[float]) -> list[Touch]:
    return [Touch(day, kind) for day in days]


def one_of(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[rng.integers(len(choices))]


def says(meaning: str, rng: np.random.Generator, *, note: bool = False) -> str:
    """A sentence of the world with this meaning."""
    return compose(meaning, 1, rng, note=note)[0]


def calm(leads: pd.DataFrame, signals: pd.DataFrame, days: float) -> np.ndarray:
    """Leads (N,) bool to whom nothing that matters happened for `days`, and no competitor's visit for CLEAR_DAYS."""
    row, age = signals["row"].to_numpy(), signals["age_hours"].to_numpy() / 24
    rival = (signals["kind"] == "competitor_domain_visit").to_numpy()
    busy = ~signals["kind"].isin(_BACKGROUND).to_numpy() & (age < np.where(rival, CLEAR_DAYS, days))
    return np.bincount(row, weights=busy, minlength=len(leads)) == 0


def _edit(story: Story, personas: tuple[str, ...], decoys: dict[str, str] | None, calm_days: float) -> Edit:
    """The family function of a story: quiet leads of these personas, twice, with the story added."""

    def edit(leads: pd.DataFrame, signals: pd.DataFrame, budget: int, rng: np.random.Generator) -> Frames:
        fit = calm(leads, signals, calm_days)
        persona = leads["persona"].astype(object).to_numpy()
        who: list[int] = []
        touches: list[list[Touch]] = []
        for sleeper, decoy in _pairs(persona, fit, personas, decoys, rng):
            twins = story(str(persona[sleeper]), rng)
            pair = [twins.shared + twins.decoy, twins.shared + twins.sleeper]
            if max(map(len, pair)) <= budget:
                who += [decoy, sleeper]
                touches += pair
        made = leads.iloc[who].reset_index(drop=True)
        made["role"] = ["decoy", "sleeper"] * (len(who) // 2)
        made["pair"] = np.arange(len(who)) // 2
        return made, pd.concat([_copies(signals, np.array(who, np.int64)), _rows(made, touches)], ignore_index=True)

    return edit


def _pairs(
    persona: np.ndarray,
    fit: np.ndarray,
    personas: tuple[str, ...],
    decoys: dict[str, str] | None,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """(sleeper, decoy) rows: each fitting lead with itself, or with a lead of the persona that plays its decoy."""
    if decoys is None:
        return [(row, row) for row in map(int, np.flatnonzero(fit & np.isin(persona, personas)))]
    rows = {name: list(rng.permutation(np.flatnonzero(fit & (persona == name)))) for name in np.unique(persona)}
    pairs: list[tuple[int, int]] = []
    while True:
        for name, partner in sorted(decoys.items()):
            if not rows.get(name) or not rows.get(partner):
                return pairs
            pairs.append((int(rows[name].pop()), int(rows[partner].pop())))


def _copies(signals: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """The signals of leads `rows` (M,), repeats allowed, with row numbers 0 to M."""
    order = signals["row"].to_numpy()
    starts, ends = np.searchsorted(order, rows), np.searchsorted(order, rows, side="right")
    places = np.concatenate([np.zeros(0, np.int64), *(np.arange(a, b) for a, b in zip(starts, ends, strict=True))])
    return signals.iloc[places].assign(row=np.repeat(np.arange(len(rows)), ends - starts))


def _rows(leads: pd.DataFrame, touches: list[list[Touch]]) -> pd.DataFrame:
    """Touches of each lead as signals."""
    flat = [touch for lead in touches for touch in lead]
    row = np.repeat(np.arange(len(touches)), [len(lead) for lead in touches])
    seconds = np.round(np.array([touch.days for touch in flat]) * 86_400).astype(np.int64)
    at = leads["contacted_at"].to_numpy("datetime64[us]")[row] - seconds.astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "row": row,
            "at": pd.Series(at).dt.tz_localize("UTC"),
            "kind": [touch.kind for touch in flat],
            "channel": [touch.channel or CHANNELS_OF[touch.kind][0] for touch in flat],
            "text": [touch.text or None for touch in flat],
        }
    )
