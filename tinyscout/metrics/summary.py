"""Every figure of one model in one dictionary, under keys that stay the same in every table and JSON file."""

import numpy as np
from numpy.typing import ArrayLike

from tinyscout.metrics.bins import bin_gaps
from tinyscout.metrics.curve import Ranking, contacts_at
from tinyscout.metrics.gains import credit_waste
from tinyscout.metrics.inputs import labels_and_scores
from tinyscout.metrics.ranking import top_over_rest
from tinyscout.metrics.scores import probability, row_losses


def summary(y: ArrayLike, logit: ArrayLike) -> dict[str, float | int]:
    """Figures of one model on labelled leads: y (N,) of 0 and 1, logit (N,).

    Keys: n, positives, base_rate, log_loss, brier, roc_auc, pr_auc, pr_auc_random (the base rate), precision_at_10,
    recall_at_10, lift_at_10 (best 10 % of the list), the same three at_20, top_20_over_rest (reply rate of the best
    20 % over that of the others), calibration_error, credit_waste (budget = repliers). What isn't defined is NaN.
    """
    y, logit = labels_and_scores(y, logit)
    curve = Ranking(y, logit).curve()
    base_rate, positives = float(y.mean()), int(y.sum())
    figures: dict[str, float | int] = {
        "n": len(y),
        "positives": positives,
        "base_rate": base_rate,
        "log_loss": float(row_losses(y, logit).mean()),
        "brier": float(np.square(probability(logit) - y).mean()),
        "roc_auc": float(curve.roc_auc()[0]),
        "pr_auc": float(curve.pr_auc()[0]),
        "pr_auc_random": base_rate,
    }
    for percent in (10, 20):
        precision = float(curve.precision_at(percent / 100)[0])
        won = precision * float(contacts_at(percent / 100, curve.total_contacts)[0])
        figures[f"precision_at_{percent}"] = precision
        figures[f"recall_at_{percent}"] = won / positives if positives else float("nan")
        figures[f"lift_at_{percent}"] = precision / base_rate if positives else float("nan")
    figures["top_20_over_rest"] = top_over_rest(y, logit, 0.2)
    figures["calibration_error"] = float(np.abs(bin_gaps(y, logit).mean(axis=0)).sum())
    figures["credit_waste"] = credit_waste(y, logit)
    return figures


def summary_by_segment(y: ArrayLike, logit: ArrayLike, segment: ArrayLike) -> dict[str, dict[str, float | int]]:
    """The `summary` of each segment by its name, in sorted order: y (N,), logit (N,), segment (N,) of any kind."""
    y, logit = labels_and_scores(y, logit)
    name = np.asarray([str(value) for value in np.asarray(segment, dtype=object)])
    if name.shape != y.shape:
        raise ValueError(f"segment has {len(name)} entries and y {len(y)}; needs one segment for each lead")
    return {str(key): summary(y[name == key], logit[name == key]) for key in np.unique(name)}
