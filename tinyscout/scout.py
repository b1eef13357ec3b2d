"""Scout: the front door. Leads in, calibrated probabilities, reasons and a ranked list out.

scout = Scout.fit(read_tables("leads.csv", "signals.csv"))
scout.save("artifacts/scout")
ranked = Scout.load("artifacts/scout").rank(read_tables("new.csv", labelled=False))
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from tinyscout import artifact
from tinyscout.errors import InputError
from tinyscout.inference.compiled import DTYPES
from tinyscout.leads.leakage import without_leaks
from tinyscout.leads.schema import Schema
from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import probability
from tinyscout.models.calibrators import Platt
from tinyscout.models.lead_scout import Examples
from tinyscout.settings import ScoutSettings, first_mistake
from tinyscout.tokenizer.fields import CategoryCoder
from tinyscout.training import Progress, Stack
from tinyscout.training.contenders import SHARES, choose, fit_slices, mixture, mixtures

if TYPE_CHECKING:
    import pandas as pd

    from tinyscout.drafting import Drafted
    from tinyscout.leads.outreach_instructions import Instruction
    from tinyscout.training.writer import Writer


class Explained(NamedTuple):
    """N leads' scores and where they come from.

    logits (N,) calibrated; reasons: up to three a lead, strongest first; residual (N,): log-odds that no token or
    feature accounts for. The last two are None where only the scores were asked for.
    """

    logits: np.ndarray
    reasons: list[list[str]] | None = None
    residual: np.ndarray | None = None

    @classmethod
    def join(cls, parts: Sequence[Explained]) -> Explained:
        """The leads of all parts, which were explained alike, one after another."""
        logits = np.concatenate([part.logits for part in parts])
        reasons = [part.reasons for part in parts if part.reasons is not None]
        residuals = [part.residual for part in parts if part.residual is not None]
        if not residuals:
            return cls(logits)
        return cls(logits, [lead for some in reasons for lead in some], np.concatenate(residuals))


@dataclass
class Scout:
    """A fitted scout. Make one with `Scout.fit` or `Scout.load`.

    `ships` names the contender whose probabilities `predict` gives: the transformer (`scout`), its mean with the
    baseline (`blend`), or the `baseline`. `notes` says in sentences what was decided at fitting, and why.
    """

    schema: Schema
    settings: ScoutSettings
    stack: Stack
    calibrators: dict[str, Platt]
    ships: str
    notes: list[str] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    data_hash: str = ""
    seconds: float = 0.0
    version: str = "not saved"

    @classmethod
    def fit(
        cls,
        tables: LeadTables,
        settings: ScoutSettings | None = None,
        *,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> Scout:
        """Fit on the leads whose label is known: weights on the oldest, stopping and calibration on later slices.

        The three slices are consecutive in time, so the calibration slice is later than everything the weights and
        the stopping saw. With fewer repliers than `settings.minimum_repliers` the baseline ships, as when training
        never beats it on the stopping slice; else the better of scout and blend, if it is clearly below the baseline in
        log loss on the calibration slice, with drift of the base rate taken out. What ships is then fitted again on
        all three, for as long as stopping said. Columns that look filled in after contact are left
        out first (`settings.leave_leaking_out`). With `checkpoint` a killed run resumes.
        Raises InputError when the labels can't teach anything.
        """
        started = time.perf_counter()
        settings = settings or ScoutSettings()
        slices = fit_slices(tables, settings)
        known = np.flatnonzero(tables.mature)
        y = tables.labels
        repliers = int(y[known].sum())
        notes = []
        if settings.leave_leaking_out:
            tables, leaking = without_leaks(tables)
            notes += [f"left {column} out: {reason}" for column, reason in leaking.items()]
        enough = repliers >= settings.minimum_repliers
        if not enough:
            notes.append(
                f"ships the baseline: {repliers} repliers are fewer than the {settings.minimum_repliers} "
                "a transformer is given a chance with"
            )
        stack, shares = Stack.explore(
            tables, *slices[:2], settings, with_members=enough, checkpoint=checkpoint, progress=progress
        )
        stop, calibration = slices[1:]
        ships, calibrators, figures = choose(stack, tables, stop, calibration, settings.calibration_prior)
        if enough and not shares:
            notes.append(f"ships the baseline: no transformer beat it on the {len(stop):,} stopping leads")
        elif enough:
            listed = ", ".join(f"{name} {loss:.4f}" for name, loss in figures.items())
            notes.append(
                f"ships the {ships}: log loss on the {len(calibration):,} calibration leads, without drift: {listed}"
            )
        stack = Stack.refit(
            tables, known, settings, l2=stack.baseline.l2, shares=shares, checkpoint=checkpoint, progress=progress
        )
        notes.append(f"refitted on all {len(known):,} leads with a known label")
        metrics = {
            "calibration_slice": {"leads": len(calibration), "log_loss": figures},
            "shares_of_schedule": shares,
            "l2": stack.baseline.l2,
        }
        return cls(
            tables.schema,
            settings,
            stack,
            calibrators,
            ships,
            notes,
            metrics,
            _data_hash(tables),
            time.perf_counter() - started,
        )

    def contenders(self, examples: Examples) -> dict[str, np.ndarray]:
        """Calibrated logits (N,) float64 of every contender that was fitted: baseline, and blend and scout if any."""
        return {name: self.calibrators[name].transform(logit) for name, logit in mixtures(self.stack, examples).items()}

    def examples(self, tables: LeadTables) -> Examples:
        """Tokens and wide features of every lead: what `contenders` reads."""
        return self.stack.examples(tables)

    def logits(self, tables: LeadTables) -> np.ndarray:
        """Calibrated log-odds of a reply within the window (N,) float64."""
        return self._logits_of(self.examples(tables))

    def _logits_of(self, examples: Examples) -> np.ndarray:
        logit = mixture(self.stack, examples, SHARES[self.ships])
        return self.calibrators[self.ships].transform(logit)

    def predict(self, tables: LeadTables) -> np.ndarray:
        """Calibrated probability of a reply within the window (N,) float64."""
        return probability(self.logits(tables))

    def explain(self, tables: LeadTables, *, with_reasons: bool = True) -> Explained:
        """Calibrated log-odds and, which takes two to three times as long, where they come from.

        A reason reads `pricing_page x3, latest 2 h ago (+0.82)`: the evidence, and what it adds to the log-odds.
        """
        if not with_reasons:
            return Explained(self.logits(tables))
        from tinyscout.explain import contributions, top_reasons

        calibrator, stack, examples = self.calibrators[self.ships], self.stack, self.examples(tables)
        parts = contributions(
            stack.members, stack.baseline, SHARES[self.ships], (calibrator.slope, calibrator.shift), examples
        )
        reasons = top_reasons(parts, examples, tables, stack.tokenizer, stack.features)
        logits = self._logits_of(examples)
        return Explained(logits, reasons, logits - parts.explained)

    def rank(
        self,
        tables: LeadTables,
        *,
        with_reasons: bool = True,
        cost_per_contact: float | None = None,
        value_per_reply: float | None = None,
    ) -> pd.DataFrame:
        """The ranked list, best lead first; its columns are those of `ranking.ranked_list`."""
        from tinyscout.ranking import ranked_list

        explained = self.explain(tables, with_reasons=with_reasons)
        return ranked_list(
            tables.leads,
            probability(explained.logits),
            explained.reasons,
            explained.residual,
            model_version=self.version,
            cost_per_contact=cost_per_contact,
            value_per_reply=value_per_reply,
        )

    def write(
        self,
        tables: LeadTables,
        instruction: Instruction,
        *,
        temperature: float = 0.8,
        n: int = 1,
        seed: int = 0,
        tries: int = 8,
        mention: Collection[str] | None = None,
        most: int | None = None,
        offer: str = "",
        sender: str = "",
        writer: Writer | None = None,
        progress: Progress | None = None,
    ) -> list[Drafted]:
        """`n` drafts of a first message for each contact of `tables` that may be written to, in their order.

        A contact without consent for the channel, or whose lead wants to be left alone or replied already, gets none,
        and why_not says so; but one that replied a while ago may be re-engaged, and a decline answers a no
        or what a student asked for (leads/outreach_allowed.py has all such rules).
        A draft states facts of columns and signals that this scout knows; it is drawn again, up to `tries` times, until
        the written rules find nothing invented and everything as instructed, or else withheld. The same call gives the
        same drafts, whichever other contacts are in it, but those with the same address: these are one person, of whom
        the first row may get a draft, so pass all leads at once, the best first.
        temperature: 0 for the likeliest words, at most 2; mention:
        columns and kinds of signals to speak of, by default those that a sentence suits; most: end after so many
        contacts that may be written to; offer: one sentence about your product, without which a draft says nothing of
        it (a decline never does); sender: your line under the parting (a LinkedIn note has none); writer: the one that
        ships, by default; progress: called with (what, steps done, steps in all). Read the leads with as_of_now=True,
        so that a draft speaks of today and replies are known. Without a column of consent for the channel nobody's is
        checked: `consent_checked` says so.
        Raises ArgumentError for a number that makes no sense, an unknown name in mention, an offer or sender that is
        not one short line, and leads read as of their contacts that sent signals since.
        """
        from tinyscout.drafting import sampler_of, write_drafts
        from tinyscout.training.writer import Writer

        sampler = sampler_of(temperature=temperature, seed=seed, n=n, tries=tries)
        tokenizer = self.stack.tokenizer
        coders = {each.name: each.coder for each in tokenizer.fields}
        return write_drafts(
            tables,
            instruction,
            writer=writer or Writer.shipped(),
            sampler=sampler,
            number=n,
            tries=tries,
            values={name: coder.values for name, coder in coders.items() if isinstance(coder, CategoryCoder)},
            kinds={kind for kind, _ in tokenizer.signals.pairs},
            mention=mention,
            most=most,
            offer=offer,
            sender=sender,
            progress=progress,
        )

    def in_dtype(self, dtype: str) -> Scout:
        """The same scout, whose transformers predict in float32 or int8; `version` says which, `save` keeps float32.

        Raises InputError for another dtype.
        """
        if dtype not in DTYPES:
            raise InputError(f'Scout.in_dtype: dtype is "{dtype}", needs {" or ".join(DTYPES)}')
        stack = replace(self.stack, dtype=dtype)
        version = self.version.removesuffix(f"-{self.stack.dtype}")
        return replace(self, stack=stack, version=version if dtype == "float32" else f"{version}-{dtype}")

    def save(self, directory: Path) -> Scout:
        """Write everything `load` needs; sets `version`, made of its hash, and returns the scout."""
        state = {
            "schema": self.schema.to_dict(),
            "stack": self.stack.to_state(),
            "calibrators": {name: each.to_state() for name, each in self.calibrators.items()},
            "ships": self.ships,
            "notes": self.notes,
        }
        manifest = artifact.Manifest(
            name=Path(directory).name,
            role="baseline" if self.ships == "baseline" else "reply_scout",
            made_by="Scout.fit",
            seed=self.settings.seed,
            config=self.settings.model_dump(),
            data_hash=self.data_hash,
            metrics=self.metrics,
            seconds=round(self.seconds, 3),
        )
        self.version = artifact.save(Path(directory), manifest, self.stack.weights(), state).version
        return self

    @classmethod
    def load(cls, directory: Path) -> Scout:
        """The scout that `save` wrote. Raises InputError when a file is missing, truncated or no scout."""
        manifest, arrays, state = artifact.load(Path(directory))
        if "stack" not in state:
            raise InputError(f"{directory}: holds a {manifest.role}, needs a model written by tinyscout fit")
        try:
            settings = ScoutSettings.model_validate(manifest.config)
        except ValidationError as error:
            raise InputError(
                f"{directory}: this tinyscout can't read the model's settings ({first_mistake(error)}); fit it again"
            ) from error
        return cls(
            schema=Schema.from_dict(state["schema"]),
            settings=settings,
            stack=Stack.from_state(state["stack"], arrays),
            calibrators={name: Platt.from_state(each) for name, each in state["calibrators"].items()},
            ships=state["ships"],
            notes=state["notes"],
            metrics=manifest.metrics,
            data_hash=manifest.data_hash,
            seconds=manifest.seconds,
            version=manifest.version,
        )


def _data_hash(tables: LeadTables) -> str:
    from pandas.util import hash_pandas_object

    leads, signals = (
        hash_pandas_object(frame, index=False).to_numpy()  # pyright: ignore[reportCallIssue]  # it has no type
        for frame in (tables.leads, tables.signals)
    )
    return artifact.content_hash({"leads": leads, "signals": signals})
