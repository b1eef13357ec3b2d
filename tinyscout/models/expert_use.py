"""Which experts of a LeadScout are used, and by how many tokens: a starving one shows here first."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tinyscout.autograd import no_grad
from tinyscout.metrics import chance_information, normalised_mutual_information, table_of
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


class Told(NamedTuple):
    """What the experts of a layer tell of a category of leads with K values.

    information: category -> normalised mutual information of its value and a token's expert; by_chance: what that of
    the one asked for comes to in one of 40 deals of its values; tokens (K, E): of each value's leads, by expert;
    first (K, E): of each value's leads, the share whose tokens take an expert most often.
    """

    information: dict[str, float]
    by_chance: float
    tokens: np.ndarray
    first: np.ndarray

    def one_expert(self, one: int, other: int) -> float:
        """The chance that a lead of value `one` and a lead of value `other` have the same favourite expert."""
        return float(self.first[one] @ self.first[other])


def told_of(of: str, columns: Mapping[str, np.ndarray], use: np.ndarray, *, draws: int = 200) -> Told:
    """Of the category `of`: columns {category: (N,) codes of values from 0 on}, use (N, E) as `lead_use` has it."""
    codes, some = columns[of], use.sum(axis=1) > 0
    first = table_of(codes[some], np.eye(use.shape[1])[use[some].argmax(axis=1)])
    return Told(
        {name: normalised_mutual_information(table_of(own, use)) for name, own in columns.items()},
        float(np.quantile(chance_information(codes, use, draws=draws), 0.975)),
        table_of(codes, use),
        first / np.maximum(first.sum(axis=1, keepdims=True), 1),
    )


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
