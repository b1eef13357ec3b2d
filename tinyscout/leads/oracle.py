"""The oracle: the exact reply probability of a synthetic lead, a function of what can be observed at contact.

In words. Each signal is evidence, by persona and fading with age. A *stop* (unsubscribed, refused, the champion left, a
meeting missed, a deferral not yet due) voids all evidence before it, and only a *go* (asked for a demo or a contract,
a new sponsor, an apology) revives the lead. Enough evidence makes a hot lead; students, competitors and contacts
tired of outreach never are. Everything else is a low reply rate that the profile moves a little.

It may be imported by the world, the stress test, benchmarks and tests only: no model may learn from it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tinyscout.leads import oracle_weights as weights
from tinyscout.leads.oracle_texts import CODE, MEANINGS, read_texts
from tinyscout.leads.oracle_weights import KIND, KINDS, PERSONA
from tinyscout.leads.tables import HOUR_US, LeadTables, microseconds

COLD, DEAD, HOT = -4.35, -0.7, 3.2  # logits: no evidence, the further fall of a dead lead, a hot one
NEEDED, SLOPE = 2.6, 0.3  # evidence at which a lead is half hot, and how sharply it turns
PROFILE_WHEN_HOT = 0.3  # share of the profile's effect that remains for a hot lead
TIRED_AT, TIRED_SLOPE = 6.5, 0.5  # outreach emails since the lead's last own act
BURST_SECONDS, BURST_LENGTH = 30.0, 3  # opens and clicks this close together are a scanner's
COMPETITOR_DAYS = 120.0
_STOPS = [CODE[name] for name in ("refuse", "doubt", "left", "study")]
_GOES = [CODE[name] for name in ("want", "praise", "takeover", "apology")]
_PASSIVE = [
    KIND["email_open"],
    KIND["outreach_email"],
    KIND["unsubscribe"],
    KIND["competitor_domain_visit"],
    len(KINDS),
]
_BY_SCANNER = [KIND["email_open"], KIND["email_click"]]


@dataclass(frozen=True)
class Observed:
    """What the oracle sees of N contacts and their S signals, as arrays.

    profile (N,) additive effect in logits; persona (N,) code into PERSONAS, the last + 1 for an unknown one;
    offsets (N+1,); kind (S,) code into KINDS, the last + 1 for an unknown one; age (S,) hours, oldest first in a lead;
    meaning (S,) code into MEANINGS; delay (S,) days of a deferral.
    """

    profile: np.ndarray
    persona: np.ndarray
    offsets: np.ndarray
    kind: np.ndarray
    age: np.ndarray
    meaning: np.ndarray
    delay: np.ndarray


def reply_probability(tables: LeadTables) -> np.ndarray:
    """The probability of a reply within the window for each contact, (N,) float64."""
    return probability(observe(tables))


def observe(tables: LeadTables) -> Observed:
    """Read what the oracle needs from lead tables; absent columns and unknown values count as missing."""
    signals = tables.signals
    if "text" in signals:
        meaning, delay = read_texts(_column(signals, "text"))
    else:
        meaning, delay = np.zeros(len(signals), np.int8), np.zeros(len(signals))
    kind = _codes(_column(signals, "kind"), KIND)
    return of_leads(tables.leads, tables.offsets, kind, signals["age_hours"].to_numpy(np.float64), meaning, delay)


def of_leads(
    leads: pd.DataFrame, offsets: np.ndarray, kind: np.ndarray, age: np.ndarray, meaning: np.ndarray, delay: np.ndarray
) -> Observed:
    """What the oracle sees of leads (N rows) and their signals, which were read already; see `Observed`."""
    persona = _codes(_column(leads, "persona"), PERSONA)
    return Observed(profile_effect(leads), persona, offsets, kind, age, meaning, delay)


def probability(seen: Observed) -> np.ndarray:
    """The probability of a reply for each contact, (N,) float64, from arrays."""
    n = len(seen.offsets) - 1
    row = np.repeat(np.arange(n), np.diff(seen.offsets))
    place = np.arange(len(row))
    bot = scanner_bursts(seen, row)
    status, evidence = _status(seen), _evidence(seen, row)
    evidence[bot] = 0.0

    last_stop, last_go = _last(place, row, status < 0, n), _last(place, row, status > 0, n)
    dead = last_stop > last_go
    counts = place > last_stop[row]  # a stop voids what came before it
    total = np.bincount(row, weights=evidence * counts, minlength=n)

    active = ~np.isin(seen.kind, _PASSIVE) & ~bot
    since = place > _last(place, row, active, n)[row]
    unanswered = np.bincount(row, weights=(seen.kind == KIND["outreach_email"]) & since, minlength=n)
    rival = (seen.kind == KIND["competitor_domain_visit"]) & (seen.age < COMPETITOR_DAYS * 24)
    can_buy = (np.bincount(row, weights=rival, minlength=n) == 0) & (seen.persona != PERSONA["student"]) & ~dead

    hot = _sigmoid((total - NEEDED) / SLOPE) * _sigmoid((TIRED_AT - unanswered) / TIRED_SLOPE) * can_buy
    cold_logit = COLD + seen.profile + DEAD * dead - 0.04 * np.minimum(unanswered, 10)
    hot_logit = HOT + PROFILE_WHEN_HOT * seen.profile
    return _sigmoid(cold_logit + hot * (hot_logit - cold_logit))


def profile_effect(leads: pd.DataFrame) -> np.ndarray:
    """What the profile and the hour of contact add to the logit, (N,) float64."""
    total = np.zeros(len(leads))
    for name, effects in weights.PROFILE_EFFECTS.items():
        column = _column(leads, name).astype("category")
        by_code = [effects.get(str(value), effects.get("", 0.0)) for value in column.cat.categories]
        total += np.array([*by_code, effects.get("", 0.0)])[column.cat.codes.to_numpy()]
    persona = _codes(_column(leads, "persona"), PERSONA)
    size = np.log10(np.clip(_numbers(leads, "employees"), 1.0, 1e6))
    best = np.array([1.6, 3.4, 2.2, 2.2, 2.6, 2.2, 1.0, 1.0, 2.2])[persona]  # log10 of the size that fits the persona
    total += np.where(np.isnan(size), -0.1, 0.3 - 0.25 * np.minimum((size - best) ** 2, 4.0))
    funded = _numbers(leads, "months_since_funding")
    total += np.where((funded >= 2) & (funded <= 10), 0.45, np.where(funded > 36, -0.15, 0.0))
    fit = _numbers(leads, "plan_fit")
    total += np.nan_to_num((np.clip(fit, 0, 100) - 50) / 60)
    return total + _contact_time(leads, persona)


def scanner_bursts(seen: Observed, row: np.ndarray) -> np.ndarray:
    """Which opens and clicks belong to a burst only a mail scanner makes, (S,) bool."""
    if len(row) == 0:
        return np.zeros(0, bool)
    mail = np.isin(seen.kind, _BY_SCANNER)
    linked = mail[1:] & mail[:-1] & (row[1:] == row[:-1]) & (seen.age[:-1] - seen.age[1:] < BURST_SECONDS / 3600)
    run = np.concatenate([[0], np.cumsum(~linked)])
    return mail & (np.bincount(run)[run] >= BURST_LENGTH)


def _status(seen: Observed) -> np.ndarray:
    """What each signal does to the state of its lead, (S,) int8: -1 a stop, 1 a go, 0 neither."""
    status = np.zeros(len(seen.kind), np.int8)
    status[np.isin(seen.meaning, _STOPS)] = -1
    status[np.isin(seen.meaning, _GOES)] = 1
    days = seen.age / 24
    deferral = seen.meaning == CODE["defer"]
    status[deferral & (days < weights.DUE_FROM * seen.delay)] = -1
    status[deferral & (days >= weights.DUE_FROM * seen.delay) & (days <= weights.DUE_UNTIL * seen.delay)] = 1
    status[np.isin(seen.kind, (KIND["unsubscribe"], KIND["meeting_no_show"]))] = -1
    status[seen.kind == KIND["demo_request"]] = 1
    return status


def _evidence(seen: Observed, row: np.ndarray) -> np.ndarray:
    """Evidence of each signal by its lead's persona, its kind, its words and its age, (S,) float64."""
    days = seen.age / 24
    evidence = weights.EVIDENCE[seen.persona[row], seen.kind] * np.exp2(-seen.age / weights.HALF_LIFE[seen.kind])
    trial = seen.kind == KIND["free_trial_start"]
    away = (days[trial] - weights.TRIAL_BEST_DAYS) / weights.TRIAL_WIDTH_DAYS
    evidence[trial] = weights.EVIDENCE[seen.persona[row[trial]], KIND["free_trial_start"]] * np.exp(-(away**2))

    said = np.array([weights.TEXT_EVIDENCE.get(name, (0.0, 1.0)) for name in MEANINGS])  # (meanings, 2)
    evidence += said[seen.meaning, 0] * np.exp2(-days / said[seen.meaning, 1])
    deferral = seen.meaning == CODE["defer"]
    due = deferral & (days >= weights.DUE_FROM * seen.delay) & (days <= weights.DUE_UNTIL * seen.delay)
    evidence[due] += weights.DUE_EVIDENCE
    return evidence


def _contact_time(leads: pd.DataFrame, persona: np.ndarray) -> np.ndarray:
    """What the hour and weekday of contact (UTC) add to the logit, (N,) float64; 0 where there is no time."""
    if "contacted_at" not in leads:
        return np.zeros(len(leads))
    at = microseconds(leads["contacted_at"])
    hour, weekday = at // HOUR_US % 24, (at // (24 * HOUR_US) + 3) % 7  # 1970 began on a Thursday
    by_hour = np.where((hour >= 7) & (hour < 11), 0.2, np.where((hour >= 19) | (hour < 6), -0.3, 0.0))
    weekend = np.where(persona == PERSONA["saas_founder"], 0.2, -0.4)
    by_day = np.where(weekday >= 5, weekend, np.where((weekday >= 1) & (weekday <= 3), 0.1, -0.1))
    return np.where(leads["contacted_at"].isna(), 0.0, by_hour + by_day)


def _last(place: np.ndarray, row: np.ndarray, which: np.ndarray, n: int) -> np.ndarray:
    """Place of the last signal of each lead among `which`, (n,) int64; -1 where there is none."""
    last = np.full(n, -1)
    last[row[which]] = place[which]  # subtle: of repeated indices the last value is kept, and places ascend
    return last


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return pd.Series(frame.get(name, np.nan), index=frame.index)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as (N,) float64; NaN where it is absent, missing or no number."""
    return np.asarray(pd.to_numeric(_column(frame, name), errors="coerce"), dtype=np.float64)


def _codes(values: pd.Series, codes: dict[str, int]) -> np.ndarray:
    """Codes (N,) of names; an unknown or missing name has the code len(codes)."""
    column = values.astype("category")
    table = np.array([codes.get(str(value), len(codes)) for value in column.cat.categories] + [len(codes)])
    return table[column.cat.codes.to_numpy()]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))
