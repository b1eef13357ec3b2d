"""The reply scout that an earlier phase left: any artefact of the role `reply_scout` can be read here.

It holds the part `model` and the states `model`, `tokenizer` and `features`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import sparse

from tinyscout.course.run import Left
from tinyscout.leads import LeadTables
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout
from tinyscout.tokenizer import SalesTokenizer

Name = TypeVar("Name")


class ReplyScout(NamedTuple):
    """A model and what turns leads into its input."""

    model: LeadScout
    tokenizer: SalesTokenizer
    features: BaselineFeatures

    @classmethod
    def of(cls, left: Left) -> ReplyScout:
        """The scout among what a phase of the role `reply_scout` left."""
        return cls(
            LeadScout.from_state(left.state["model"], left.part("model")),
            SalesTokenizer.from_state(left.state["tokenizer"]),
            BaselineFeatures.from_state(left.state["features"]),
        )

    def read(self, tables: LeadTables) -> Examples:
        """Leads as the model reads them: its latest tokens, and the wide features of all."""
        tokens = self.tokenizer.encode(tables)
        wide = sparse.csr_matrix(self.features.transform(tokens), dtype=np.float32)
        return Examples(tokens.truncate(self.model.config.max_tokens, self.tokenizer.vocabulary), wide)


def in_turns(calls: Mapping[Name, Callable[[], Any]], rounds: int) -> dict[Name, np.ndarray]:
    """Seconds (rounds,) of each call, made in turns, so that a change of the machine's load meets them all alike."""
    seconds = {name: np.empty(rounds) for name in calls}
    for call in calls.values():
        call()
    for i in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name][i] = time.perf_counter() - started
    return seconds
