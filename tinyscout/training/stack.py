"""Stack: everything of a scout that is learnt from leads - tokenizer, features, baseline, and the transformers on top.

It is fitted twice. First with the latest leads kept back, to find out the baseline's penalty and how long to train;
then on all leads with what was found, because under drift the latest leads are the ones to learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from tinyscout.inference import Compiled, compile
from tinyscout.leads.tables import LeadTables
from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.careful import CarefulFeatures
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.settings import ScoutSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.tokenizer.sales import CONTACT_TIME
from tinyscout.training.fit import Progress, fit

WideFeatures = BaselineFeatures | CarefulFeatures
WIDE: dict[str, type[WideFeatures]] = {"baseline": BaselineFeatures, "careful": CarefulFeatures}


@dataclass
class Stack:
    """Fitted parts; `members` is empty where only the baseline was asked for. Members are averaged.

    newest_first: the order in which members read signals (`Tokens.newest_first`); dtype: what they predict in, float32
    or int8; their weights stay float32.
    """

    tokenizer: SalesTokenizer
    features: WideFeatures
    baseline: LogisticBaseline
    members: list[LeadScout]
    max_tokens: int
    newest_first: bool = False
    dtype: str = "float32"

    @classmethod
    def explore(
        cls,
        tables: LeadTables,
        train: np.ndarray,
        stop: np.ndarray,
        settings: ScoutSettings,
        *,
        with_members: bool,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[Stack, list[float]]:
        """Fit on the rows `train`, choosing penalty and length of training on the later rows `stop`.

        Returns the stack and, a member, the share of the training schedule after which it was best. A member that
        never beat the baseline on `stop` is left out.
        """
        y = tables.labels
        tokenizer, tokens, features, wide = _read(tables, train, settings)
        baseline = LogisticBaseline.fit_best(wide[train], y[train], wide[stop], y[stop], min_scale=YARDSTICK_MIN_SCALE)
        stack = cls(tokenizer, features, baseline, [], settings.tokenizer.max_tokens, settings.tokenizer.newest_first)
        shares = []
        if with_members:
            examples = stack._examples(tokens, wide)
            held_back = examples.take(stop), y[stop]
            for number in range(settings.members):
                member = stack.new_member(number, settings)
                history = fit(
                    member,
                    examples.take(train),
                    y[train],
                    settings.fit,
                    seed=settings.seed + number,
                    stop=held_back,
                    checkpoint=checkpoint and checkpoint / f"explore-{number}",
                    progress=progress,
                )
                if history.best_share:
                    stack.members.append(member)
                    shares.append(history.best_share)
        return stack, shares

    @classmethod
    def refit(
        cls,
        tables: LeadTables,
        rows: np.ndarray,
        settings: ScoutSettings,
        *,
        l2: float,
        shares: Sequence[float],
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> Stack:
        """Fit on all `rows` with a known penalty, each member for its known share of the training schedule."""
        y = tables.labels
        tokenizer, tokens, features, wide = _read(tables, rows, settings)
        baseline = LogisticBaseline(l2, min_scale=YARDSTICK_MIN_SCALE).fit(wide[rows], y[rows])
        stack = cls(tokenizer, features, baseline, [], settings.tokenizer.max_tokens, settings.tokenizer.newest_first)
        examples = stack._examples(tokens, wide).take(rows)
        for number, share in enumerate(shares):
            member = stack.new_member(number, settings)
            fit(
                member,
                examples,
                y[rows],
                settings.fit,
                seed=settings.seed + number,
                share=share,
                checkpoint=checkpoint and checkpoint / f"refit-{number}",
                progress=progress,
            )
            blank_contact_time(member, examples.tokens, tokenizer)
            stack.members.append(member)
        return stack

    def examples(self, tables: LeadTables) -> Examples:
        """Tokens (truncated) and wide features (of all tokens) of every lead."""
        tokens = self.tokenizer.encode(tables)
        return self._examples(tokens, self.features.transform(tokens))

    def baseline_logits(self, examples: Examples) -> np.ndarray:
        """Logits (N,) float64 of the baseline."""
        return self.baseline.decision_function(examples.features)

    def member_logits(self, examples: Examples) -> np.ndarray:
        """Mean logits (N,) float64 of the members. Raises ValueError where there are none."""
        if not self.members:
            raise ValueError("Stack.member_logits: no transformer was fitted; use baseline_logits")
        return np.mean([member.logits(examples) for member in self.compiled], axis=0)

    @cached_property
    def compiled(self) -> list[Compiled]:
        """The members as packed at first use: what changes in them later is not seen."""
        return [compile(member, self.dtype) for member in self.members]

    def to_state(self) -> dict[str, Any]:
        """All but the members' weights, as what JSON can hold."""
        return {
            "tokenizer": self.tokenizer.to_state(),
            "wide": wide_name(self.features),
            "features": self.features.to_state(),
            "baseline": self.baseline.to_state(),
            "members": [member.to_state() for member in self.members],
            "max_tokens": self.max_tokens,
            "newest_first": self.newest_first,
        }

    def weights(self) -> dict[str, np.ndarray]:
        """The members' weights by name, members numbered: `0.token.weight`, ..."""
        return {
            f"{number}.{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.state_dict().items()
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], weights: dict[str, np.ndarray]) -> Stack:
        """The stack that `to_state` and `weights` described."""
        members = []
        for number, sizes in enumerate(state["members"]):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
            members.append(LeadScout.from_state(sizes, own))
        return cls(
            SalesTokenizer.from_state(state["tokenizer"]),
            WIDE[state.get("wide", "baseline")].from_state(state["features"]),
            LogisticBaseline.from_state(state["baseline"]),
            members,
            state["max_tokens"],
            state.get("newest_first", False),
        )

    def _examples(self, tokens: Tokens, wide: sparse.csr_matrix) -> Examples:
        tokens = tokens.truncate(self.max_tokens, self.tokenizer.vocabulary)
        if self.newest_first:
            tokens = tokens.newest_first(self.tokenizer.vocabulary)
        return Examples(tokens, sparse.csr_matrix(wide, dtype=np.float32))

    def new_member(self, number: int, settings: ScoutSettings) -> LeadScout:
        """A LeadScout that says what the baseline says."""
        vocabulary = self.tokenizer.vocabulary
        config = LeadScoutConfig(
            vocabulary=len(vocabulary),
            language=vocabulary.n_language,
            numbers=tuple(field.start for field in vocabulary.fields if field.is_number),
            wide=len(self.features.names),
            max_tokens=self.max_tokens,
            **settings.model.model_dump(),
        )
        member = LeadScout(config, rng=np.random.default_rng(settings.seed + number))
        member.wide.start_from(self.baseline)
        return member


def wide_name(features: WideFeatures) -> str:
    """The name in WIDE of such features."""
    return next(name for name, kind in WIDE.items() if isinstance(features, kind))


def blank_contact_time(member: LeadScout, tokens: Tokens, tokenizer: SalesTokenizer) -> None:
    """Let an hour or weekday of contact that isn't known mean the average of those in the training tokens.

    No training lead is without, so that its token vector is still the random one it began with.
    """
    counts = np.bincount(tokens.ids, minlength=len(tokenizer.vocabulary)).astype(np.float32)
    for field in tokenizer.vocabulary.fields:
        blank = field.stop - 2  # the values, <missing>, <unseen>
        if field.type in CONTACT_TIME and not counts[blank]:
            here = slice(field.start, field.stop)
            share = counts[here] / counts[here].sum()
            for table in (member.token, *member.before):
                table.weight.data[blank] = share @ table.weight.data[here]


def _read(
    tables: LeadTables, rows: np.ndarray, settings: ScoutSettings
) -> tuple[SalesTokenizer, Tokens, WideFeatures, sparse.csr_matrix]:
    """Tokenizer and features learnt from `rows`; tokens and wide features (float64) of all leads."""
    options = settings.tokenizer
    tokenizer = SalesTokenizer.fit(
        tables.take(rows),
        merges=options.merges,
        max_words_per_text=options.max_words_per_text,
        min_count=options.min_count,
        max_tokens=options.max_tokens,
        fold_case=options.fold_case,
    )
    tokens = tokenizer.encode(tables)
    features = WIDE[settings.wide].fit(tokens.take(rows), tokenizer.vocabulary)
    return tokenizer, tokens, features, features.transform(tokens)
