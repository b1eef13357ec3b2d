"""Figures of the top of a ranked list: what the first 10 or 20 % of contacts bring.

Tied scores count at their expected reply rate, so a figure doesn't depend on how a tie happens to be sorted.
"""

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.curve import Curve, Ranking, contacts_at
from tinyscout.metrics.inputs import labels_and_scores


def precision_at(y: ArrayLike, score: ArrayLike, share: float = 0.1) -> float:
    """Reply rate of the best `share` of the leads (share * N contacts, rounded half up, at least one)."""
    return float(_curve(y, score).precision_at(share)[0])


def recall_at(y: ArrayLike, score: ArrayLike, share: float = 0.1) -> float:
    """Share of all repliers that are among the best `share` of the leads; NaN without repliers."""
    curve = _curve(y, score)
    won = curve.replies_after(contacts_at(share, curve.total_contacts))[0]
    return _over(won, curve.total_replies[0])


def lift_at(y: ArrayLike, score: ArrayLike, share: float = 0.1) -> float:
    """Reply rate of the best `share` of the leads over the base rate; NaN without repliers."""
    curve = _curve(y, score)
    return _over(curve.precision_at(share)[0], curve.total_replies[0] / curve.total_contacts[0])


def top_over_rest(y: ArrayLike, score: ArrayLike, share: float = 0.2) -> float:
    """Reply rate of the best `share` over the reply rate of all the others; NaN when the others never reply."""
    curve = _curve(y, score)
    contacts = contacts_at(share, curve.total_contacts)[0]
    won = curve.replies_after(np.array([contacts]))[0]
    others = curve.total_contacts[0] - contacts
    return _over(won / contacts, _over(curve.total_replies[0] - won, others))


def wilson_interval(replies: ArrayLike, contacts: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a reply rate (Wilson 1927, score interval): replies (...), contacts (...) -> low, high (...).

    Expected replies of a tie may be fractions. Both ends are NaN where there was no contact.
    """
    n = np.asarray(contacts, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    rate = np.asarray(replies, dtype=np.float64) / n
    z = 1.959963984540054  # 97.5 % point of the normal distribution
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _curve(y: ArrayLike, score: ArrayLike) -> Curve:
    return Ranking(*labels_and_scores(y, score, "score")).curve()


def _over(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")
