"""Credits spent and replies won: credit waste, and the gains table a sales team reads."""

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.curve import Ranking
from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.ranking import wilson_interval

MIN_REPLIERS = 50
"""Below this many repliers credit waste is undefined: at 50, one reply more or less already moves it by 0.02."""


def credit_waste(y: ArrayLike, score: ArrayLike, budget: int | None = None) -> float:
    """Share of the contacts spent in score order that won no reply; one contact costs one credit.

    y (N,), score (N,). budget is the number of contacts, by default the number of repliers, so that a perfect order
    wastes 0. Tied scores count at their expected reply rate. NaN below 50 repliers.
    Raises ValueError for a budget outside 1 to N.
    """
    y, score = labels_and_scores(y, score, "score")
    if budget is not None and not 1 <= budget <= len(y):
        raise ValueError(f"budget is {budget}; needs 1 to {len(y)} contacts, the number of leads")
    if y.sum() < MIN_REPLIERS:
        return float("nan")
    return float(Ranking(y, score).curve().credit_waste(budget)[0])


def gains_table(y: ArrayLike, score: ArrayLike, parts: int = 10) -> list[dict[str, float]]:
    """The list cut into equal parts (deciles), best first: one row a part, ready for a CSV file or a table.

    Keys of a row: part (1 is the best), contacts, replies, reply_rate with its 95 % Wilson interval low and high,
    lift (over the base rate), score_low and score_high, and, working the list from the top to the end of the part:
    cumulative_contacts, cumulative_replies, replies_per_100 (replies for each 100 contacts), cumulative_lift and
    recall (share of all repliers reached). A part of no leads (fewer leads than parts) is left out.
    """
    y, score = labels_and_scores(y, score, "score")
    if parts < 1:
        raise ValueError(f"parts is {parts}; needs at least 1")
    ranking = Ranking(y, score)
    curve = ranking.curve()
    edges = np.unique(np.floor(len(y) * np.arange(parts + 1) / parts + 0.5))
    won = np.interp(edges, curve.contacts[0], curve.replies[0])
    base_rate = y.mean()
    low, high = wilson_interval(np.diff(won), np.diff(edges))
    rows = []
    for part in range(len(edges) - 1):
        first, last = int(edges[part]), int(edges[part + 1])
        replies, rate = won[part + 1] - won[part], (won[part + 1] - won[part]) / (last - first)
        rows.append(
            {
                "part": part + 1,
                "contacts": last - first,
                "replies": float(replies),
                "reply_rate": float(rate),
                "low": float(low[part]),
                "high": float(high[part]),
                "lift": float(rate / base_rate) if base_rate else float("nan"),
                "score_low": float(ranking.score[last - 1]),
                "score_high": float(ranking.score[first]),
                "cumulative_contacts": last,
                "cumulative_replies": float(won[part + 1]),
                "replies_per_100": float(100 * won[part + 1] / last),
                "cumulative_lift": float(won[part + 1] / last / base_rate) if base_rate else float("nan"),
                "recall": float(won[part + 1] / y.sum()) if base_rate else float("nan"),
            }
        )
    return rows
