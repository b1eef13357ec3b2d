"""The contestants of the final check on real leads, which nobody attacked: a page for honesty.

    python benchmarks/stress_real.py [--data ../shared/data] [--seed 0] [--json FILE]

Fitted as phase 16 fits those that see no attack, on the earlier 80 % less a gap of one label window, and judged on the
latest 20 %. None is hardened: that takes an oracle, which real leads have none of. Of the hardened scout there is its
build alone (two networks, signals newest first, phrases of seven words), taught as the natural one is. What
`tinyscout fit` makes of the same leads, with early stopping, real_data.py prints. It judges nothing; exit code 1 when a
data set could not be read.
"""

import fair  # isort: split

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from outputs import file_to_write
from real_exports import DATA, read_exports

from tinyscout.leads import LeadTables
from tinyscout.leads.splits import latest_slices, time_split
from tinyscout.metrics.bootstrap import resample
from tinyscout.metrics.table import Table
from tinyscout.stress.ceiling import NATURAL
from tinyscout.stress.check import METRICS, NAMES, Differences, defined, shown
from tinyscout.stress.contestants import Logistic, Trees
from tinyscout.stress.ground import Ground
from tinyscout.stress.harden import score_of
from tinyscout.stress.pools import HOLDOUT, VALID_SHARE
from tinyscout.stress.trial import SCOUT_NATURAL, TREES_NATURAL, TrialSettings, unhardened

CAREFUL, BUILT, RATE = "careful logistic", "scout, built as the hardened one", "base rate for every lead"


def main() -> int:
    parser = argparse.ArgumentParser(description="The contestants of the final check on real leads.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data (default ../shared/data)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    args = parser.parse_args()
    print("Fits five contestants to each of two real data sets; takes about two minutes on two cores.", flush=True)
    sets: dict[str, dict[str, Any]] = {}
    for name, tables in read_exports(args.data).items():
        if isinstance(tables, str):
            sets[name], text = {"skipped": tables}, f"skipped: {tables}"
        else:
            sets[name], text = study(tables, TrialSettings(), args.seed)
        print(f"\n{name}\n{text}", flush=True)
    report = {
        "benchmark": "stress_real",
        "seed": args.seed,
        "sets": sets,
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "scikit-learn"),
    }
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if any("skipped" in found for found in sets.values()) else 0


def study(tables: LeadTables, settings: TrialSettings, seed: int) -> tuple[dict[str, Any], str]:
    """Everybody on the latest leads: figures as JSON can hold them, and as text."""
    started = time.perf_counter()
    split = time_split(tables, holdout=HOLDOUT)
    train, valid = (tables.take(rows) for rows in latest_slices(tables, split.train, [VALID_SHARE]))
    later = tables.take(split.test)
    logits = contestants(train, valid, later, settings, seed)
    rate = train.labels.mean()
    logits[RATE] = np.full(len(later), np.log(rate / (1 - rate)))
    groups = later.leads["lead_id"].to_numpy(str)
    drawn = resample(later.labels, logits, metrics=METRICS, groups=groups, seed=seed)
    beside = Differences.among(drawn, [NATURAL], [name for name in logits if name != NATURAL])
    rows = [[name, *(shown(metric, drawn.value[metric][name]) for metric in METRICS)] for name in logits]
    seconds = time.perf_counter() - started
    lines = [
        f"fitted on {len(train):,} leads, chosen on {len(valid):,} later ones, judged on the latest {len(later):,}, of "
        f"which {later.labels.mean():.1%} reply; {seconds:.0f} s",
        Table(["", *(NAMES[metric] for metric in METRICS)], rows).text(),
        beside.text("paired, 95 % interval"),
    ]
    found = {"fitted_on": len(train), "held_out": len(later), "seconds": seconds, "figures": drawn.value}
    return defined(found | beside.to_json()), "\n\n".join(lines)


def contestants(
    train: LeadTables, valid: LeadTables, later: LeadTables, settings: TrialSettings, seed: int
) -> dict[str, np.ndarray]:
    """Log-odds (M,) of the later leads, by contestant."""
    ground = Ground.natural(train, valid)
    logits = {
        NATURAL: Logistic.fit(ground).logits(later),
        CAREFUL: Logistic.fit(ground, "careful").logits(later),
        TREES_NATURAL: Trees.fit(ground, trials=settings.trials, seed=seed).logits(later),
    }
    natural, built = settings.natural, settings.harden.scout.model_copy(update={"fit": settings.natural.fit})
    for name, build in ((SCOUT_NATURAL, natural), (BUILT, built)):
        scout = unhardened(train, build, seed)
        logits[name] = score_of(scout)(later)
        logits[f"{name}, int8"] = score_of(replace(scout, dtype="int8"))(later)
    return logits


if __name__ == "__main__":
    sys.exit(main())
