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
    found = [routings for _, routings in _routings(model, examples, every_token)]
    experts = model.config.experts
    return {
        layer: sum((routings[i].served for routings in found), np.zeros(experts, np.int64))
        for i, layer in enumerate(model.config.routed)
    }


def lead_use(model: LeadScout, examples: Examples, counted: np.ndarray) -> dict[int, np.ndarray]:
    """Layer -> of each lead's tokens that are counted, how many have each expert as their first choice (N, E).

    counted: by token id (V,) bool. Every token of every layer is looked at.
    """
    use = {layer: np.zeros((len(examples), model.config.experts), np.int64) for layer in model.config.routed}
    for rows, routings in _routings(model, examples, True):
        some = counted[examples.tokens.take(rows).ids]
        lead = np.repeat(rows, examples.tokens.lengths[rows])[some]
        for layer, routing in zip(use, routings, strict=True):
            np.add.at(use[layer], (lead, routing.chosen[some, 0]), 1)
    return use


def _routings(model: LeadScout, examples: Examples, every_token: bool) -> list[tuple[np.ndarray, list[Routing]]]:
    """Of every batch its leads (n,) and each layer's routing; with every_token on all of the tokens, in turn."""
    found: list[tuple[np.ndarray, list[Routing]]] = []
    training = model.training
    model.eval()

    def look(rows: np.ndarray) -> None:
        routings: list[Routing] = []
        tokens = examples.tokens.take(rows)
        with no_grad():
            if every_token:
                model.hidden(model.embed(tokens), tokens.lengths, routings)
            else:
                model.reply_logits(tokens.pad(), examples.features[rows], routings=routings)
        found.append((rows, routings))  # is atomic

    for_each_batch(look, batches_of_tokens(examples.tokens.lengths, BATCH_TOKENS))
    if training:
        model.train()
    return found
