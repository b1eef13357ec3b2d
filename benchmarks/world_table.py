"""Every model on the same held-out leads of the synthetic world, the oracle beside them, and how real the world is.

    python benchmarks/world_table.py [--leads 60000] [--held-out 20000] [--seed 0] [--json FILE]

The latest leads are held out, with a gap of one label window before them. Exit code 1 when the world is outside the
bounds that real lead data keep to.
"""

import fair  # isort: split

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
from outputs import file_to_write

from tinyscout.cli.console import progress_bars
from tinyscout.cli.judged_fit import JudgedFit
from tinyscout.leads.world import make_world
from tinyscout.metrics import Comparison, comparison
from tinyscout.models.peers import CAREFUL, TREES
from tinyscout.settings import ScoutSettings

BOUNDS = {  # on natural held-out leads, as real leads without leaks have them
    "base rate": (0.03, 0.09),
    "ROC AUC of the baseline": (0.65, 0.85),
    "log-loss gain of trees over the baseline": (None, 0.20),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="All models and the oracle on held-out leads of the synthetic world.")
    parser.add_argument("--leads", type=int, default=60_000, help="leads of the world (default 60,000)")
    parser.add_argument("--held-out", type=int, default=20_000, help="latest leads to judge on (default 20,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    args = parser.parse_args()
    print(f"Fits a scout and its peers on a world of {args.leads:,} leads; 60,000 take about ten minutes on two cores.")
    judged, report = measure(args.leads, args.held_out, args.seed, ScoutSettings(seed=args.seed))
    print("\n".join(report["notes"]))
    print(f"\nHeld out: the latest {report['held_out']:,} leads, fitted on {report['fitted_on']:,} before a gap.")
    print(judged.text() + "\n")
    for name, bound in report["bounds"].items():
        low, high = ("-" if end is None else f"{end:.2f}" for end in (bound["low"], bound["high"]))
        print(f"{name}: {bound['value']:.3f}, bounds {low} to {high}: {'inside' if bound['inside'] else 'OUTSIDE'}")
    print(f"{report['seconds']:.0f} s in all, {report['cpu_seconds']:.0f} s of CPU")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if report["passed"] else 1


def measure(leads: int, held_out: int, seed: int, settings: ScoutSettings) -> tuple[Comparison, dict[str, Any]]:
    """Fit on the earlier leads of a world and judge on at least `held_out` later ones: table and report."""
    started, cpu_started = time.perf_counter(), time.process_time()
    world = make_world(leads, seed)
    share = held_out / int(world.tables.mature.sum())
    if share >= 1:
        raise SystemExit(f"world_table: {leads:,} leads are too few to hold out {held_out:,}; raise --leads")
    with progress_bars() as progress:
        fitted = JudgedFit.run(world.tables, settings, holdout=share, peers=(CAREFUL, TREES), progress=progress)
    judgement = fitted.judgement
    assert judgement is not None  # something was held out
    chance = world.truth["reply_probability"].to_numpy()[judgement.split.test]
    logits = {name: judgement.logits[name] for name in _in_order(judgement.logits)}
    logits["oracle"] = np.log(chance / (1 - chance))
    judged = comparison(judgement.test.labels, logits, reference="baseline", groups=judgement.test.leads["lead_id"])
    bounds = realism(judged)
    return judged, {
        "benchmark": "world_table",
        "leads": leads,
        "seed": seed,
        "held_out": len(judgement.split.test),
        "fitted_on": len(judgement.split.train),
        "ships": fitted.scout.ships,
        "notes": fitted.scout.notes,
        "bounds": bounds,
        "passed": all(bound["inside"] for bound in bounds.values()),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "scikit-learn"),
    } | judged.to_json()


def realism(judged: Comparison) -> dict[str, dict[str, Any]]:
    """Each bound with its value, and whether that is inside."""
    baseline, trees = judged.rows["baseline"], judged.rows[TREES]
    values = {
        "base rate": baseline["base_rate"],
        "ROC AUC of the baseline": baseline["roc_auc"],
        "log-loss gain of trees over the baseline": 1 - trees["log_loss"] / baseline["log_loss"],
    }
    return {
        name: {
            "value": float(values[name]),
            "low": low,
            "high": high,
            "inside": (low is None or values[name] >= low) and (high is None or values[name] <= high),
        }
        for name, (low, high) in BOUNDS.items()
    }


def _in_order(names: dict[str, Any]) -> list[str]:
    """From the simplest contestant to the scout."""
    order = ["baseline", CAREFUL, TREES, "blend", "scout"]
    return [name for name in order if name in names]


if __name__ == "__main__":
    sys.exit(main())
