"""The contact curve: replies won against contacts made, as a ranked list is worked from the top.

Every ranking figure (ROC AUC, average precision, precision and lift at a share, credit waste) is read off this one
curve. Leads with the same score are one straight step: contacting some of them wins their expected share of replies,
which is the mean over all orders in which the tie could be broken. Rows may carry weights, so that a bootstrap draw
(each lead 0, 1, 2 ... times) is the same curve on the same sorted leads, with no second sort.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Cumulated contacts and replies after each step, from 0; S steps, one row for each of D draws."""

    contacts: np.ndarray  # (D, S+1)
    replies: np.ndarray  # (D, S+1)

    @property
    def total_contacts(self) -> np.ndarray:
        """Number of leads in each draw, (D,)."""
        return self.contacts[:, -1]

    @property
    def total_replies(self) -> np.ndarray:
        """Number of repliers in each draw, (D,)."""
        return self.replies[:, -1]

    def replies_after(self, contacts: np.ndarray) -> np.ndarray:
        """Expected replies (D,) once the best `contacts` (D,) leads of each draw have been contacted."""
        steps = zip(contacts, self.contacts, self.replies, strict=True)
        return np.array([np.interp(budget, made, won) for budget, made, won in steps])

    def roc_auc(self) -> np.ndarray:
        """Chance that a replier scores above a non-replier, ties counting half (D,); NaN where one class is absent."""
        silent = self.contacts - self.replies
        area = (np.diff(silent) * (self.replies[:, 1:] + self.replies[:, :-1])).sum(axis=1) / 2
        return _ratio(area, self.total_replies * silent[:, -1])

    def pr_auc(self) -> np.ndarray:
        """Average precision (D,): precision after each step, weighted by the repliers in it; NaN without repliers."""
        made, won = self.contacts[:, 1:], self.replies[:, 1:]
        precision = np.divide(won, made, out=np.zeros_like(won), where=made > 0)
        return _ratio((np.diff(self.replies) * precision).sum(axis=1), self.total_replies)

    def precision_at(self, share: float) -> np.ndarray:
        """Expected reply rate (D,) of the best `share` of the leads."""
        contacts = contacts_at(share, self.total_contacts)
        return _ratio(self.replies_after(contacts), contacts)

    def credit_waste(self, budget: float | None = None) -> np.ndarray:
        """Share (D,) of `budget` contacts that won no reply; by default each draw's own number of repliers."""
        contacts = self.total_replies if budget is None else np.full(len(self.contacts), float(budget))
        return 1 - _ratio(self.replies_after(contacts), contacts)


class Ranking:
    """Leads sorted by score, best first; `curve` gives their contact curve for any weights."""

    def __init__(self, y: np.ndarray, score: np.ndarray) -> None:
        """Sort once: y (N,) of 0 and 1, score (N,) finite."""
        self.order = np.argsort(-score, kind="stable")
        self.score = score[self.order]
        self.step_ends = np.flatnonzero(np.append(self.score[1:] != self.score[:-1], True))
        self._y = y[self.order]

    def curve(self, weights: np.ndarray | None = None) -> Curve:
        """Contact curve with every lead once, or as many times as weights (D, N) says, in each of D draws."""
        sorted_weights = np.ones((1, len(self.order))) if weights is None else np.take(weights, self.order, axis=1)
        return Curve(self._cumulated(sorted_weights), self._cumulated(sorted_weights * self._y))

    def _cumulated(self, amounts: np.ndarray) -> np.ndarray:
        """Running totals at the ends of the steps, from 0: (D, N) -> (D, S+1)."""
        totals = np.empty((len(amounts), len(self.order) + 1))
        totals[:, 0] = 0.0
        np.cumsum(amounts, axis=1, out=totals[:, 1:])
        if len(self.step_ends) == len(self.order):  # no ties: most models, and a third faster
            return totals
        return np.take(totals, np.append(0, self.step_ends + 1), axis=1)


def contacts_at(share: float, total: np.ndarray) -> np.ndarray:
    """How many contacts a share of the list is: rounded half up, at least one. Raises ValueError outside 0 to 1."""
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; needs a number above 0 and at most 1, such as 0.1 for the best 10 %")
    return np.maximum(np.floor(share * total + 0.5), 1.0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
