"""What must hold for the benchmarks of experts and writers to end with exit code 0."""

from collections.abc import Iterable, Mapping
from typing import Any

from tinyscout.metrics import Interval

INFORMATION = 0.3  # at least, normalised, of persona and expert, in each of the last two layers
ONE_EXPERT = 0.25  # as the chance that a founder's and a VP's leads have one favourite is with 4 at random
DRAFTS = {"free": 0.95, "follows": 0.90}  # at least, of what a writer writes


def experts_met(above_dense: Interval | None, layers: Iterable[Mapping[str, Any]], *, of_personas: bool) -> bool:
    """Whether a model with experts is not shown to be worse than dense, and takes personas apart where there are any.

    above_dense: its log loss minus dense's, None for dense itself; layers: `information` and `one_expert` of each.
    """
    layers = list(layers)
    apart = all(each["information"] >= INFORMATION and each["one_expert"] < ONE_EXPERT for each in layers)
    return (above_dense is None or above_dense.low <= 0) and apart and (bool(layers) or not of_personas)


def drafts_met(shares: Iterable[Mapping[str, float]]) -> bool:
    """Whether of all these drafts enough invent nothing, and enough are as told."""
    return all(each[name] >= least for each in shares for name, least in DRAFTS.items())


def tuning_met(row: Mapping[str, Any]) -> bool:
    """Whether a tuned writer surely wins more than half, and is not surely less true than the one before."""
    return row["wins"].low > 0.5 and row["free_gain"].high >= 0
