"""Peers: what a practitioner would fit instead of a transformer, on the same leads, judged on the same later ones.

The baseline's features and the careful ones (persona x signal x decay, last signal) in a logistic regression and in
boosted trees. They are fitted where they are compared and hand over predictions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.trees import BoostedTrees, Progress
from tinyscout.tokenizer import Tokens, Vocabulary

CAREFUL = "careful logistic"
TREES = "trees"


def peer_logits(
    tokens: Tokens,
    vocabulary: Vocabulary,
    y: np.ndarray,
    *,
    train: np.ndarray,
    valid: np.ndarray,
    test: np.ndarray,
    peers: Sequence[str] = (CAREFUL, TREES),
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Logits (M,) of the test rows by each peer, and the settings it chose on the later, `valid` rows.

    tokens (before truncation) and y (N,) of all leads; train, valid, test: rows. With its settings chosen, a peer is
    fitted again on train and valid together.
    """
    learnt = {
        "baseline": BaselineFeatures.fit(tokens.take(train), vocabulary),
        "careful": CarefulFeatures.fit(tokens.take(train), vocabulary),
    }
    matrices = {name: features.transform(tokens) for name, features in learnt.items()}

    def rows(which: np.ndarray) -> dict[str, Any]:
        return {name: matrix[which] for name, matrix in matrices.items()}

    logits: dict[str, np.ndarray] = {}
    chosen: dict[str, Any] = {}
    if CAREFUL in peers:
        matrix = matrices["careful"]
        careful = LogisticBaseline.fit_best(
            matrix[train], y[train], matrix[valid], y[valid], min_scale=YARDSTICK_MIN_SCALE, refit=True
        )
        logits[CAREFUL], chosen[CAREFUL] = careful.decision_function(matrix[test]), {"l2": careful.l2}
    if TREES in peers:
        trees = BoostedTrees(seed=seed).fit(rows(train), y[train], rows(valid), y[valid], progress=progress)
        logits[TREES], chosen[TREES] = trees.decision_function(rows(test)), trees.to_dict()
    return logits, chosen
