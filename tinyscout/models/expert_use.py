"""Which experts of a LeadScout are used, and by how many tokens: a starving one shows here first."""

import numpy as np

from tinyscout.autograd import no_grad
from tinyscout.models.batches import BATCH_TOKENS, batches_of_tokens, for_each_batch
from tinyscout.models.lead_scout import Examples, LeadScout
from tinyscout.nn import Routing


def expert_use(model: LeadScout, examples: Examples, *, every_token: bool = False) -> dict[int, np.ndarray]:
    """Layer -> tokens (E,) that each expert takes when these leads are scored; empty for a dense model.

    In the last layer that is `<score>` alone, one token a lead, unless every_token is asked for, as writing needs.
    """
    found: list[list[Routing]] = []
    training = model.training
    model.eval()

    def count(rows: np.ndarray) -> None:
        routings: list[Routing] = []
        tokens = examples.tokens.take(rows)
        with no_grad():
            if every_token:
                model.hidden(model.embed(tokens), tokens.lengths, routings)
            else:
                model.reply_logits(tokens.pad(), examples.features[rows], routings=routings)
        found.append(routings)  # is atomic

    for_each_batch(count, batches_of_tokens(examples.tokens.lengths, BATCH_TOKENS))
    if training:
        model.train()
    experts = model.config.experts
    return {
        layer: sum((routings[i].served for routings in found), np.zeros(experts, np.int64))
        for i, layer in enumerate(model.config.routed)
    }
