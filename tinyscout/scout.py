"""Scout: the front door. Leads in, calibrated probabilities, reasons and a ranked list out.

scout = Scout.fit(read_tables("leads.csv", "signals.csv"))
scout.save("artifacts/scout")
ranked = Scout.load("artifacts/scout").rank(read_tables("new.csv", labelled=False))
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyscout import artifact
from tinyscout.errors import InputError
from tinyscout.leads.schema import Schema
from tinyscout.leads.splits import latest_slices
from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import log_loss, probability
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.calibrators import Platt
from tinyscout.models.features import BaselineFeatures
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.settings import ScoutSettings
from tinyscout.tokenizer import SalesTokenizer, Tokens
from tinyscout.training import Progress, fit

if TYPE_CHECKING:
    import pandas as pd

SHARES = {"scout": 1.0, "blend": 0.5, "baseline": 0.0}  # the transformer's share of each contender's logit


@dataclass
class Scout:
    """A fitted scout. Make one with `Scout.fit` or `Scout.load`.

    `ships` names the contender whose probabilities `predict` gives: the transformer (`scout`), its mean with the
    baseline (`blend`), or the `baseline`. `notes` says in sentences what was decided at fitting, and why.
    """

    schema: Schema
    settings: ScoutSettings
    tokenizer: SalesTokenizer
    features: BaselineFeatures
    baseline: LogisticBaseline
    members: list[LeadScout]
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
        """Fit on the leads whose label is known, oldest first: weights, then early stopping, then calibration.

        The three slices are consecutive in time, so the calibration slice is later than everything the weights saw.
        With fewer repliers than `settings.minimum_repliers` the baseline ships; else whichever of scout, blend and
        baseline has the least log loss on the calibration slice. With `checkpoint` a killed run resumes.
        Raises InputError when the labels can't teach anything.
        """
        started = time.perf_counter()
        settings = settings or ScoutSettings()
        known = np.flatnonzero(tables.mature)
        repliers = int(tables.labels[known].sum())
        if repliers == 0 or repliers == len(known):
            raise InputError(
                f"{len(known)} leads have a known label and {repliers} of them replied; fitting needs leads that "
                "replied and leads that did not: check the label column or reply time in the field map"
            )
        train, stop, calibration = latest_slices(tables, known, (settings.stop_share, settings.calibration_share))
        y = tables.labels
        for name, rows in (("training", train), ("early-stopping", stop), ("calibration", calibration)):
            if not 0 < y[rows].sum() < len(rows):
                raise InputError(
                    f"the {name} slice has {len(rows)} leads of which {int(y[rows].sum())} replied; it needs both: "
                    f"give more leads than these {len(known)}"
                )

        options = settings.tokenizer
        tokenizer = SalesTokenizer.fit(
            tables.take(train),
            merges=options.merges,
            max_words_per_text=options.max_words_per_text,
            min_count=options.min_count,
            max_tokens=options.max_tokens,
        )
        tokens = tokenizer.encode(tables)
        features = BaselineFeatures.fit(tokens.take(train), tokenizer.vocabulary)
        wide = features.transform(tokens)
        baseline = LogisticBaseline.fit_best(wide[train], y[train], wide[stop], y[stop])
        scout = cls(tables.schema, settings, tokenizer, features, baseline, [], {}, "baseline")
        scout.data_hash = _data_hash(tokens, y)

        slice_logits = {"baseline": baseline.decision_function(wide[calibration])}
        if repliers < settings.minimum_repliers:
            scout.notes.append(
                f"{repliers} repliers are fewer than the {settings.minimum_repliers} a transformer needs here: "
                "this is the logistic baseline"
            )
        else:
            examples = Examples(tokens.truncate(options.max_tokens, tokenizer.vocabulary), wide.astype(np.float32))
            for number in range(settings.members):
                folder = checkpoint / f"member-{number}" if checkpoint else None
                scout.members.append(scout._fit_member(number, examples, y, train, stop, folder, progress))
            deep = np.mean([predict_logits(member, examples.take(calibration)) for member in scout.members], axis=0)
            slice_logits |= {name: _mix(deep, slice_logits["baseline"], name) for name in ("blend", "scout")}
        scout._choose(slice_logits, y[calibration])
        scout.seconds = time.perf_counter() - started
        return scout

    def _fit_member(
        self,
        number: int,
        examples: Examples,
        y: np.ndarray,
        train: np.ndarray,
        stop: np.ndarray,
        checkpoint: Path | None,
        progress: Progress | None,
    ) -> LeadScout:
        seed = self.settings.seed + number
        sizes, vocabulary = self.settings.model, self.tokenizer.vocabulary
        config = LeadScoutConfig(
            vocabulary=len(vocabulary),
            language=vocabulary.n_language,
            wide=examples.features.shape[1],
            width=sizes.width,
            depth=sizes.depth,
            heads=sizes.heads,
            max_tokens=self.settings.tokenizer.max_tokens,
            dropout=sizes.dropout,
        )
        member = LeadScout(config, rng=np.random.default_rng(seed))
        member.wide.start_from(self.baseline)
        history = fit(
            member,
            examples.take(train),
            y[train],
            examples.take(stop),
            y[stop],
            self.settings.fit,
            seed=seed,
            checkpoint=checkpoint,
            progress=progress,
        )
        self.metrics[f"member_{number}"] = {
            "best_step": history.best_step,
            "best_stop_loss": history.best_loss,
            "baseline_stop_loss": history.rows[0]["stop"],
        }
        return member

    def _choose(self, logits: Mapping[str, np.ndarray], y: np.ndarray) -> None:
        """Calibrate every contender on the calibration slice and ship the one with the least log loss there."""
        losses = {}
        for name, logit in logits.items():
            self.calibrators[name] = Platt.fit(logit, y)
            losses[name] = log_loss(y, self.calibrators[name].transform(logit))
        self.ships = min(losses, key=losses.__getitem__)
        self.metrics["calibration_slice"] = {"leads": len(y), "repliers": int(y.sum()), "log_loss": losses}
        if self.members:
            figures = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
            self.notes.append(f"ships the {self.ships}: log loss on the {len(y)} calibration leads: {figures}")

    def examples(self, tables: LeadTables) -> Examples:
        """Tokens (truncated) and wide features (of all tokens) of every lead."""
        tokens = self.tokenizer.encode(tables)
        wide = self.features.transform(tokens).astype(np.float32)
        return Examples(tokens.truncate(self.settings.tokenizer.max_tokens, self.tokenizer.vocabulary), wide)

    def contenders(self, examples: Examples) -> dict[str, np.ndarray]:
        """Calibrated logits (N,) float64 of every contender that was fitted: baseline, and scout and blend if any."""
        baseline = self.baseline.decision_function(examples.features)
        raw = {"baseline": baseline}
        if self.members:
            deep = np.mean([predict_logits(member, examples) for member in self.members], axis=0)
            raw |= {name: _mix(deep, baseline, name) for name in ("blend", "scout")}
        return {name: self.calibrators[name].transform(logit) for name, logit in raw.items()}

    def logits(self, tables: LeadTables) -> np.ndarray:
        """Calibrated log-odds of a reply within the window (N,) float64."""
        return self.contenders(self.examples(tables))[self.ships]

    def predict(self, tables: LeadTables) -> np.ndarray:
        """Calibrated probability of a reply within the window (N,) float64."""
        return probability(self.logits(tables))

    def reasons(self, tables: LeadTables, examples: Examples) -> tuple[list[list[str]], np.ndarray]:
        """Up to three reasons a lead, strongest first, and the log-odds (N,) that no token or feature accounts for.

        A reason reads `+0.82 pricing_page x3, latest 2 h ago`: what the subject adds to the log-odds, and its evidence.
        """
        from tinyscout.explain import contributions, top_reasons

        calibrator = self.calibrators[self.ships]
        parts = contributions(
            self.members,
            SHARES[self.ships],
            (self.baseline.raw_coef, self.baseline.raw_intercept),
            (calibrator.slope, calibrator.shift),
            examples,
        )
        return top_reasons(parts, examples, tables, self.tokenizer, self.features), parts.residual

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

        examples = self.examples(tables)
        return ranked_list(
            tables.leads,
            probability(self.contenders(examples)[self.ships]),
            *(self.reasons(tables, examples) if with_reasons else ()),
            model_version=self.version,
            cost_per_contact=cost_per_contact,
            value_per_reply=value_per_reply,
        )

    def save(self, directory: Path) -> Scout:
        """Write everything `load` needs; sets and returns with `version`, the first 12 digits of its hash."""
        arrays = {}
        for number, member in enumerate(self.members):
            arrays |= {f"member_{number}.{name}": array for name, array in member.state_dict().items()}
        state = {
            "schema": self.schema.to_dict(),
            "tokenizer": self.tokenizer.to_state(),
            "features": self.features.to_state(),
            "baseline": self.baseline.to_state(),
            "members": [member.to_state() for member in self.members],
            "calibrators": {name: each.to_state() for name, each in self.calibrators.items()},
            "ships": self.ships,
            "notes": self.notes,
        }
        manifest = artifact.Manifest(
            name=Path(directory).name,
            role="reply_scout" if self.members else "baseline",
            made_by="Scout.fit",
            seed=self.settings.seed,
            config=self.settings.model_dump(),
            data_hash=self.data_hash,
            metrics=self.metrics,
            seconds=round(self.seconds, 3),
        )
        self.version = artifact.save(Path(directory), manifest, arrays, state).sha[:12]
        return self

    @classmethod
    def load(cls, directory: Path) -> Scout:
        """The scout that `save` wrote. Raises InputError when a file is missing, truncated or no scout."""
        manifest, arrays, state = artifact.load(Path(directory))
        if manifest.role not in ("reply_scout", "baseline") or "tokenizer" not in state:
            raise InputError(f"{directory}: holds a {manifest.role}, needs a model written by tinyscout fit")
        members = []
        for number, sizes in enumerate(state["members"]):
            member = LeadScout(LeadScoutConfig(**sizes), rng=np.random.default_rng(0))
            prefix = f"member_{number}."
            member.load_state_dict({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})
            members.append(member)
        tokenizer = SalesTokenizer.from_state(state["tokenizer"])
        return cls(
            schema=Schema.from_dict(state["schema"]),
            settings=ScoutSettings.model_validate(manifest.config),
            tokenizer=tokenizer,
            features=BaselineFeatures.from_state(state["features"]),
            baseline=LogisticBaseline.from_state(state["baseline"]),
            members=members,
            calibrators={name: Platt.from_state(each) for name, each in state["calibrators"].items()},
            ships=state["ships"],
            notes=state["notes"],
            metrics=manifest.metrics,
            data_hash=manifest.data_hash,
            seconds=manifest.seconds,
            version=manifest.sha[:12],
        )


def _mix(deep: np.ndarray, baseline: np.ndarray, name: str) -> np.ndarray:
    return SHARES[name] * deep + (1 - SHARES[name]) * baseline


def _data_hash(tokens: Tokens, y: np.ndarray) -> str:
    arrays = {"ids": tokens.ids, "values": tokens.values, "ages": tokens.ages, "offsets": tokens.offsets, "labels": y}
    return artifact.content_hash(arrays)
