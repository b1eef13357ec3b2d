"""Losses by which routers sort leads into kinds that nobody named: those whose profiles foretell other signals.

All that a router says of a lead's profile is summed up, which is what it takes the lead for. That is to tell as much as
it can of which signals the lead sends, and whatever comes after the profile is to go the same way. A column of the
profile is read by the model like any other and never is a target: the only targets are signals, and the router's own
decision. So kinds come from what columns have in common with signals (two views of one thing that are to share
information: Becker and Hinton 1992; Ji et al. 2019, equation 2).
"""

import numpy as np

from tinyscout.autograd import Tensor, ops
from tinyscout.nn import Routing
from tinyscout.tokenizer import Padded


def kind_losses(routing: Routing, batch: Padded, language: int) -> tuple[Tensor, Tensor]:
    """Of one layer's router, on all tokens of a batch: what its choice for a lead foretells, and how tokens stray.

    The first, in nats and to be made large, is `ops.foretold` of the choices for profiles and the signals of the same
    leads: tokens with an age whose ids aren't below `language`. The second is the mean cross-entropy of the router on
    what comes after the profile against the expert that its lead's profile is for.
    """
    lead, place = np.divmod(routing.rows, batch.ids.shape[1])
    profile = _profile(batch)  # (B,)
    rows = np.flatnonzero(place < profile[lead])
    ones = Tensor(np.ones(len(rows), routing.logits.dtype))
    said = ops.scatter_rows(
        ops.embedding(routing.logits, ids=rows), ones, ids=lead[rows], size=len(profile)
    )  # (B, E), zeros where there is no profile
    foretold = ops.foretold(said, counts=_signals(batch, language))
    after = (place >= profile[lead]) & (profile[lead] > 0)
    if not after.any():
        return foretold, Tensor(np.zeros((), routing.logits.dtype))
    taken_for = said.data.argmax(axis=1)  # (B,)
    return foretold, ops.cross_entropy(routing.logits, targets=taken_for[lead], weights=after.astype(np.float32))


def _profile(batch: Padded) -> np.ndarray:
    """How many tokens stand before each lead's first signal, or `<score>` where there is none: (B,)."""
    aged = ~np.isnan(batch.ages)
    return np.where(aged.any(axis=1), aged.argmax(axis=1), batch.lengths - 1)


def _signals(batch: Padded, language: int) -> np.ndarray:
    """How often each id is a signal of each lead with a profile: (B, largest id + 1)."""
    lead, place = np.nonzero(~np.isnan(batch.ages) & (batch.ids >= language) & (_profile(batch) > 0)[:, None])
    counts = np.zeros((len(batch.ids), int(batch.ids.max()) + 1))
    np.add.at(counts, (lead, batch.ids[lead, place]), 1)
    return counts
