"""The ranked list a sales team works through: probability, rank, decile, tier, and who is not worth a contact."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tinyscout.errors import InputError

TIERS = (("A", 0.10), ("B", 0.30), ("C", 0.60), ("D", 1.00))  # tier, up to this share of the list


def ranked_list(
    leads: pd.DataFrame,
    probabilities: np.ndarray,
    reasons: Sequence[Sequence[str]] | None = None,
    residual: np.ndarray | None = None,
    *,
    model_version: str,
    cost_per_contact: float | None = None,
    value_per_reply: float | None = None,
) -> pd.DataFrame:
    """One row a contact, best first, ties in the order of `leads`.

    leads: (N,) with contact_id and lead_id. probabilities (N,) calibrated. reasons: N lists of up to three;
    residual (N,): log-odds that the reasons' method leaves unexplained.
    Columns: lead_id, contact_id (only where it isn't the lead_id), probability, rank (1 is best), decile (1 is the
    best tenth), tier (A the best 10 %, B to 30 %, C to 60 %, D the rest), do_not_contact (only with both prices: 1
    where probability * value_per_reply is below cost_per_contact), reason_1 ... reason_3, unexplained, model_version.
    Raises InputError when only one of the two prices is given or one is not a positive number.
    """
    worth = break_even(cost_per_contact, value_per_reply)
    order = np.argsort(-probabilities, kind="stable")
    n = len(order)
    rank = np.arange(1, n + 1)
    share = rank / max(n, 1)
    table = pd.DataFrame({"lead_id": leads["lead_id"].to_numpy()[order]})
    if has_contact_ids(leads):
        table["contact_id"] = leads["contact_id"].to_numpy()[order]
    table["probability"] = np.round(probabilities[order], 6)
    table["rank"] = rank
    table["decile"] = np.minimum(np.ceil(share * 10), 10).astype(np.int64)
    bounds = np.array([bound for _, bound in TIERS])
    table["tier"] = np.array([name for name, _ in TIERS])[np.searchsorted(bounds, share - 1e-12)]
    if worth is not None:
        table["do_not_contact"] = (probabilities[order] < worth).astype(np.int64)
    if reasons is not None:
        for place in range(3):
            column = [row[place] if place < len(row) else "" for row in reasons]
            table[f"reason_{place + 1}"] = np.array(column, dtype=object)[order]
    if residual is not None:
        table["unexplained"] = np.round(residual[order], 2)
    table["model_version"] = model_version
    return table


def has_contact_ids(leads: pd.DataFrame) -> bool:
    """Whether contacts of LeadTables.leads have names of their own, which a list of them is to show."""
    return not leads["contact_id"].equals(leads["lead_id"])


def break_even(cost_per_contact: float | None, value_per_reply: float | None) -> float | None:
    """The probability of a reply at which a contact pays for itself; None where no prices are given."""
    if cost_per_contact is None and value_per_reply is None:
        return None
    if cost_per_contact is None or value_per_reply is None:
        raise InputError("a do-not-contact mark needs both prices; give --cost and --value")
    if not (math.isfinite(cost_per_contact) and cost_per_contact >= 0):
        raise InputError(f"--cost is {cost_per_contact}; needs a number of at least 0")
    if not (math.isfinite(value_per_reply) and value_per_reply > 0):
        raise InputError(f"--value is {value_per_reply}; needs a number above 0")
    return cost_per_contact / value_per_reply
