"""Weights for another vocabulary: a trained LeadScout goes on learning where words or features have been added."""

from collections.abc import Mapping, Sequence

import numpy as np

Names = tuple[Sequence[str], Sequence[str]]


def carry_over(
    trained: Mapping[str, np.ndarray], fresh: Mapping[str, np.ndarray], *, tokens: Names, features: Names
) -> dict[str, np.ndarray]:
    """Weights of a new LeadScout of the same width: what a trained one knows, under the names of the new vocabulary.

    trained, fresh: state_dict() of both; tokens, features: the names of token ids and of wide features, those of the
    trained model and those of the new one. A token or feature that the trained model doesn't know keeps its fresh
    weights, and so do positions past the trained ones. Raises ValueError where the models have not the same arrays, or
    another array has another shape.
    """
    if trained.keys() != fresh.keys():
        raise ValueError(
            f"carry_over: {', '.join(sorted(trained.keys() ^ fresh.keys()))} is in one model alone; give both the same "
            "depth, ngram and experts"
        )
    weights = {}
    for name, array in fresh.items():
        of_tokens = name == "token.weight" or name.startswith("before.")
        grows = of_tokens or name in ("wide.weight", "position.weight")
        if array.shape[grows:] != trained[name].shape[grows:]:
            raise ValueError(
                f"carry_over: {name} has shape {trained[name].shape} in the trained model, {array.shape} in the new "
                "one; give both the same width, depth and number columns"
            )
        weights[name] = array.copy()
        if name == "position.weight":
            size = min(len(array), len(trained[name]))
            weights[name][:size] = trained[name][:size]
        elif grows:
            old, new = tokens if of_tokens else features
            place = {word: i for i, word in enumerate(old)}
            known = [i for i, word in enumerate(new) if word in place]
            weights[name][known] = trained[name][[place[new[i]] for i in known]]
        else:
            weights[name][...] = trained[name]
    return weights
