"""A fit and its judgement: what `tinyscout fit` and `tinyscout demo` have in common.

The latest leads are held out with a gap of one label window before them. Scout, baseline and trees are fitted on the
rest and compared on the held-out leads, on which nothing was chosen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyscout.cli.console import write_csv, write_json
from tinyscout.errors import InputError
from tinyscout.explain.figures import gains_figure, save_figure
from tinyscout.leads.splits import Split, time_split
from tinyscout.leads.tables import LeadTables
from tinyscout.metrics import Comparison, comparison
from tinyscout.models.peers import TREES, peer_logits
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings
from tinyscout.training import Progress
from tinyscout.training.contenders import fit_slices


@dataclass(frozen=True)
class Judgement:
    """How a scout and its peers did on held-out leads: their tables, calibrated logits (M,) a contender, figures."""

    split: Split
    test: LeadTables
    logits: dict[str, np.ndarray]
    comparison: Comparison


@dataclass(frozen=True)
class JudgedFit:
    """A fitted scout and its judgement, None where nothing was held out."""

    scout: Scout
    judgement: Judgement | None

    @classmethod
    def run(
        cls,
        tables: LeadTables,
        settings: ScoutSettings,
        *,
        holdout: float,
        peers: Sequence[str] = (TREES,),
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> JudgedFit:
        """Fit on the earlier leads and judge on the latest `holdout` share of them (0: fit on all, judge nothing).

        peers: of `models.peers`, to be fitted on the same earlier leads and put into the table.
        """
        if holdout == 0:
            return cls(Scout.fit(tables, settings, checkpoint=checkpoint, progress=progress), None)
        if not 0 < holdout < 1:
            raise InputError(f"--holdout is {holdout}; needs a share of at least 0 and below 1")
        split = time_split(tables, holdout=holdout)
        earlier, test = tables.take(split.train), tables.take(split.test)
        y = test.labels
        if not 0 < y.sum() < len(y):
            raise InputError(
                f"the {len(y)} held-out leads have {int(y.sum())} repliers; judging needs both kinds: "
                "raise --holdout, or pass --holdout 0 to fit without judging"
            )
        scout = Scout.fit(earlier, settings, checkpoint=checkpoint, progress=progress)
        started = time.perf_counter()
        scout.logits(test)
        ms_per_lead = {scout.ships: 1000 * (time.perf_counter() - started) / len(test)}
        logits = scout.contenders(scout.examples(test))
        if peers:
            train, stop, calibration = (split.train[rows] for rows in fit_slices(earlier, settings))
            found, _ = peer_logits(
                scout.stack.tokenizer.encode(tables),
                scout.stack.tokenizer.vocabulary,
                tables.labels,
                train=np.concatenate([train, stop]),
                valid=calibration,
                test=split.test,
                peers=peers,
                seed=settings.seed,
                progress=progress,
            )
            logits |= found
        judged = comparison(y, logits, reference="baseline", groups=test.leads["lead_id"], ms_per_lead=ms_per_lead)
        return cls(scout, Judgement(split, test, logits, judged))

    def report(self, *, ranked: Path | None, figure: Path | None, json: Path | None) -> None:
        """Print the comparison and who won; write the ranked list, the figure and the figures as JSON."""
        scout, judgement = self.scout, self.judgement
        print("\n".join(scout.notes))
        found: dict[str, Any] = {"model_version": scout.version, "ships": scout.ships, "notes": scout.notes}
        if judgement is not None:
            split, test = judgement.split, judgement.test
            gap = f", the {len(split.gap):,} before them left out as the gap" if len(split.gap) else ""
            print(f"\nHeld out: the latest {len(test):,} leads{gap}; fitted on {len(split.train):,}.")
            print(judgement.comparison.text())
            print(winner(judgement.comparison, scout.ships))
            found |= judgement.comparison.to_json()
            if ranked is not None:
                write_csv(ranked, scout.rank(test))
                print(f"ranked list of the held-out leads: {ranked}")
            if figure is not None:
                save_figure(gains_figure(test.labels, judgement.logits, scout.ships), figure)
                print(f"figure: {figure}")
        write_json(json, found)


def winner(judged: Comparison, ships: str) -> str:
    """One sentence on what this model ships and which contender has the lowest log loss."""
    losses = {name: row["log_loss"] for name, row in judged.rows.items()}
    best = min(losses, key=losses.__getitem__)
    if best == ships:
        return f"Lowest log loss: {ships} ({losses[ships]:.4f}), which is what this model ships."
    return f"Lowest log loss: {best} ({losses[best]:.4f}); this model ships the {ships} ({losses[ships]:.4f})."
