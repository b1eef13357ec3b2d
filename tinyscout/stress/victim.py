"""The victim of an attack, and who is judged beside it: a fitted scout, or the hardened one that a phase left."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinyscout import artifact
from tinyscout.errors import InputError
from tinyscout.leads.tables import LeadTables
from tinyscout.scout import Scout
from tinyscout.stress.contestants import Logistic
from tinyscout.stress.harden import score_of
from tinyscout.stress.search import Score
from tinyscout.stress.trial import INT8, SCOUT
from tinyscout.training import Stack
from tinyscout.training.contenders import SHARES


@dataclass(frozen=True)
class Victim:
    """A model under attack.

    name: its own among the contenders; beside: the names of those it is judged by, none where it is the baseline
    itself; score: its log-odds of tables, (N,); contenders: tables -> everybody's log-odds by name; stack: what it was
    made from; steered: whether its score has a gradient to search along, that of the stack's transformers.
    """

    name: str
    version: str
    beside: tuple[str, ...]
    score: Score
    contenders: Callable[[LeadTables], dict[str, np.ndarray]]
    stack: Stack
    steered: bool

    @classmethod
    def load(cls, folder: Path, dtype: str = "float32") -> "Victim":
        """The scout that `tinyscout fit` saved in a folder, or the hardened one of phase 15 or 16.

        Raises InputError where a file is missing, truncated or holds something else.
        """
        manifest, arrays, state = artifact.load(folder)
        if "stack" in state:
            return cls.of_scout(Scout.load(folder).in_dtype(dtype))
        if "scout" not in state:
            raise InputError(
                f"{folder}: holds a {manifest.role}, needs a scout: of tinyscout fit, or of phase 15 or 16"
            )
        weights = {name.removeprefix("scout."): each for name, each in arrays.items() if name.startswith("scout.")}
        stack = replace(Stack.from_state(state["scout"], weights), dtype=dtype)
        yardsticks = {name: Logistic.from_state(each) for name, each in state.get("yardsticks", {}).items()}
        return cls.of_stack(stack, yardsticks, manifest.version)

    @classmethod
    def of_scout(cls, scout: Scout) -> "Victim":
        """What a fitted scout ships, beside its other contenders."""

        def contenders(tables: LeadTables) -> dict[str, np.ndarray]:
            return scout.contenders(scout.examples(tables))

        steered = SHARES[scout.ships] > 0
        beside = ("baseline",) if steered else ()
        return cls(scout.ships, scout.version, beside, scout.logits, contenders, scout.stack, steered)

    @classmethod
    def of_stack(cls, stack: Stack, yardsticks: dict[str, Logistic], version: str) -> "Victim":
        """A hardened scout beside the yardsticks of the check, or, where there is none, the baseline it began from."""
        name = INT8 if stack.dtype == "int8" else SCOUT

        def contenders(tables: LeadTables) -> dict[str, np.ndarray]:
            examples = stack.examples(tables)
            others = {name: each.logits(tables) for name, each in yardsticks.items()}
            others = others or {"baseline": stack.baseline_logits(examples)}
            return {**others, name: stack.member_logits(examples)}

        beside = tuple(yardsticks) or ("baseline",)
        return cls(name, version, beside, score_of(stack), contenders, stack, True)
