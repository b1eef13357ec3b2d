"""What each token and each wide feature adds to a lead's log-odds: gradient times input.

For the wide path, which is linear, the contributions are exact. For the transformer they are the first-order share of
each token's embedding (Shrikumar et al. 2016); what they leave over is shown as the residual, not hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tinyscout.autograd import Tensor
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.batches import BATCH_TOKENS, batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import Examples, LeadScout


@dataclass(frozen=True)
class Contributions:
    """Log-odds of B leads with N tokens and F wide features, in parts.

    tokens (N,): of each token, in the order of the examples' tokens; features (B, F) CSR: of each wide feature;
    base: the same for all; explained (B,): what these come to. typical (F,): what each feature contributes at its
    training mean, the level that "more" and "less" are told from.
    """

    tokens: np.ndarray
    features: sparse.csr_matrix
    base: float
    explained: np.ndarray
    typical: np.ndarray


def contributions(
    members: Sequence[LeadScout],
    baseline: LogisticBaseline,
    share: float,
    calibrator: tuple[float, float],
    examples: Examples,
    *,
    batch_tokens: int = BATCH_TOKENS // 2,  # the graph is kept, so half of what prediction takes fits the cache
) -> Contributions:
    """Contributions to slope * (share * mean of members + (1 - share) * baseline) + intercept.

    share 0 is the baseline alone; calibrator: (slope, intercept).
    """
    slope, intercept = calibrator
    weights, bias = (1 - share) * baseline.raw_coef, (1 - share) * baseline.raw_intercept
    tokens = np.zeros(len(examples.tokens.ids))
    batches = batches_of_tokens(examples.tokens.lengths, batch_tokens)
    for member in members if share else ():
        part = share / len(members)
        weights = weights + part * member.wide.weight.data
        bias = bias + part * float(member.wide.bias.data[0])

        def add(rows: np.ndarray, member: LeadScout = member, part: float = part) -> None:
            places, given = _token_contributions(member, examples.take(rows), examples.tokens.offsets[rows])
            tokens[places] += part * given

        with member.eval().frozen():
            for_each_batch(add, batches)
    features = examples.features.multiply(weights[None, :] * slope).tocsr()
    tokens *= slope
    base = slope * bias + intercept
    lead = np.repeat(np.arange(len(examples)), examples.tokens.lengths)
    explained = base + np.bincount(lead, tokens, len(examples)) + np.asarray(features.sum(axis=1)).ravel()
    return Contributions(tokens, features, base, explained, slope * weights * baseline.mean_)


def _token_contributions(member: LeadScout, examples: Examples, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the flat tokens, and gradient times embedding there, of one batch.

    What a vector tells of an earlier id (an ngram above 1) is that earlier token's.
    """
    embedded, gradient, inside = token_gradients(member, examples)
    given, tokens = np.einsum("nd,nd->n", gradient, embedded), examples.tokens
    for back, table in enumerate(member.before, 1):
        there = np.flatnonzero(tokens.positions >= back)
        share = np.einsum("nd,nd->n", gradient[there], table.weight.data[tokens.ids[there - back]])
        given[there] -= share
        given[there - back] += share
    return (offsets[:, None] + np.arange(inside.shape[1]))[inside], given


def token_gradients(member: LeadScout, examples: Examples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch's token vectors (N, D), the logits' gradients with respect to them (N, D), and their places (B, T)."""
    batch = examples.tokens.pad()
    embedded = Tensor(member.embed(batch).data, requires_grad=True)  # (B, T, D)
    logits = member.reply_logits(batch, examples.features, embedded=embedded)
    logits.backward(np.ones_like(logits.data))  # leads don't mix, so one pass serves them all
    assert embedded.grad is not None
    inside = np.arange(batch.ids.shape[1]) < batch.lengths[:, None]
    return embedded.data[inside], embedded.grad[inside], inside
