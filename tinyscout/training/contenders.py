"""What may ship: baseline, transformer, or their mean; the slices of time to fit and judge them on, and the choice."""

import numpy as np

from tinyscout.errors import InputError
from tinyscout.leads.splits import latest_slices
from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import log_loss
from tinyscout.metrics.scores import clearly_below, shifted_losses
from tinyscout.models.calibrators import Platt
from tinyscout.models.lead_scout import Examples
from tinyscout.settings import ScoutSettings
from tinyscout.training.stack import Stack

NO_CALIBRATION = Platt(1.0, 0.0)
SHARES = {"baseline": 0.0, "blend": 0.5, "scout": 1.0}  # the transformer's share of each contender's logit


def fit_slices(tables: LeadTables, settings: ScoutSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows for training, early stopping and calibration, consecutive in time, each with both labels.

    Raises InputError when there are not enough leads for that.
    """
    known = np.flatnonzero(tables.mature)
    y = tables.labels
    repliers = int(y[known].sum())
    if repliers == 0 or repliers == len(known):
        raise InputError(
            f"{len(known):,} leads have a known label and {repliers:,} of them replied; fitting needs leads that "
            "replied and leads that did not: check the label or reply time in the field map"
        )
    train, stop, calibration = latest_slices(tables, known, (settings.stop_share, settings.calibration_share))
    for name, rows in (("training", train), ("early-stopping", stop), ("calibration", calibration)):
        if not 0 < y[rows].sum() < len(rows):
            raise InputError(
                f"the {name} slice has {len(rows):,} leads of which {int(y[rows].sum()):,} replied; it needs both "
                f"kinds: give more than these {len(known):,} leads"
            )
    return train, stop, calibration


def choose(
    stack: Stack, tables: LeadTables, stop: np.ndarray, calibration: np.ndarray, prior_rows: float
) -> tuple[str, dict[str, Platt], dict[str, float]]:
    """Which contender ships, every contender's calibrator, and its log loss on the calibration slice without drift.

    stop, calibration: rows of two slices that no weights were fitted on, one after the other in time. Whoever ships in
    the baseline's place is clearly below it there. prior_rows: as in Platt.fit.
    """
    y = tables.labels
    earlier, later = (mixtures(stack, stack.examples(tables.take(rows))) for rows in (stop, calibration))
    calibrators = {"baseline": NO_CALIBRATION}  # logistic regression is its own calibration
    losses = {"baseline": shifted_losses(y[calibration], later.pop("baseline"))}
    for name, logit in later.items():
        calibrators[name], judged = calibrate((earlier[name], y[stop]), (logit, y[calibration]), prior_rows)
        losses[name] = shifted_losses(y[calibration], judged)
    figures = {name: float(each.mean()) for name, each in losses.items()}
    better = [name for name in later if clearly_below(losses[name], losses["baseline"])]
    return min(better, key=figures.__getitem__, default="baseline"), calibrators, figures


def calibrate(
    stop: tuple[np.ndarray, np.ndarray], calibration: tuple[np.ndarray, np.ndarray], prior_rows: float
) -> tuple[Platt, np.ndarray]:
    """Calibrator fitted on the calibration slice, and logits (N,) there to judge by, of one that did not see it.

    Each slice is (logits (N,), labels (N,)). Calibration is left out unless one fitted on the earlier stopping slice
    helps on the calibration slice: under drift a shift of the base rate may not last.
    """
    logit, y = calibration
    before = Platt.fit(*stop, prior_rows=prior_rows).transform(logit)
    if log_loss(y, before) < log_loss(y, logit):
        return Platt.fit(logit, y, prior_rows=prior_rows), before
    return NO_CALIBRATION, logit


def mixture(stack: Stack, examples: Examples, share: float) -> np.ndarray:
    """Logits (N,) of one contender, before calibration; the transformers only run where they have a share."""
    baseline = stack.baseline_logits(examples)
    return share * stack.member_logits(examples) + (1 - share) * baseline if share else baseline


def mixtures(stack: Stack, examples: Examples) -> dict[str, np.ndarray]:
    """Logits (N,) of every contender, before calibration."""
    baseline = stack.baseline_logits(examples)
    if not stack.members:
        return {"baseline": baseline}
    members = stack.member_logits(examples)
    return {name: share * members + (1 - share) * baseline for name, share in SHARES.items()}
