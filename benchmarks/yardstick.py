"""Which `min_scale` makes the strongest yardstick: the logistic baseline on later leads, rolling through the past.

    python benchmarks/yardstick.py [--data ../shared/data] [--leads 24000] [--seed 7] [--json FILE]

Only the training rows of each data set's split are used, so the choice knows nothing of the leads that anything is
judged on. At three dates the baseline is fitted on what came before (penalty chosen on the latest 15 % of it, then
fitted again on all of it) and judged on the 15 % that follow.
"""

import fair  # isort: split

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from outputs import file_to_write
from real_exports import DATA, exports

from tinyscout.leads import FieldMap, LeadTables, read_tables
from tinyscout.leads.splits import latest_slices, time_split
from tinyscout.leads.world import make_world
from tinyscout.metrics import log_loss
from tinyscout.metrics.table import Table
from tinyscout.models.baseline import YARDSTICK_MIN_SCALE, LogisticBaseline
from tinyscout.models.features import BaselineFeatures
from tinyscout.tokenizer import SalesTokenizer

MIN_SCALES = (0.0, 0.1, 0.3, 0.5, 1.0)
SHARE = 0.15  # of the training rows, judged at each date; also of those before it, to choose the penalty on


def main() -> int:
    parser = argparse.ArgumentParser(description="Log loss of the logistic baseline by min_scale, on later leads.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data (default ../shared/data)")
    parser.add_argument("--leads", type=int, default=24_000, help="leads of the synthetic world (default 24,000)")
    parser.add_argument("--seed", type=int, default=7, help="of the synthetic world")
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    args = parser.parse_args()
    report = measure(args.data, args.leads, args.seed)
    show(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(data: Path, leads: int, seed: int) -> dict[str, Any]:
    """Log loss by data set, date and min_scale; data that isn't there is skipped."""
    data_sets: dict[str, Any] = {}
    for name, export in exports(data).items():
        if export.missing:
            data_sets[name] = {"skipped": export.missing}
            continue
        tables = read_tables(export.leads, export.signals, field_map=FieldMap.load(export.field_map))
        data_sets[name] = {"dates": list(rolling(tables))}
    data_sets["world"] = {"dates": list(rolling(make_world(leads, seed).tables))}
    return {
        "benchmark": "yardstick",
        "min_scales": MIN_SCALES,
        "chosen": YARDSTICK_MIN_SCALE,
        "world": {"leads": leads, "seed": seed},
        "data_sets": data_sets,
        "versions": fair.versions("numpy", "scipy"),
    }


def rolling(tables: LeadTables) -> Iterator[dict[str, Any]]:
    """For each of three dates: training rows, judged rows, and log loss and penalty of every min_scale."""
    y, known = tables.labels, time_split(tables).train
    parts = latest_slices(tables, known, (SHARE, SHARE, SHARE))
    for number in range(1, len(parts)):
        before, after = np.concatenate(parts[:number]), parts[number]
        train, valid = latest_slices(tables, before, (SHARE,))
        tokenizer = SalesTokenizer.fit(tables.take(train))
        tokens = tokenizer.encode(tables)
        X = BaselineFeatures.fit(tokens.take(train), tokenizer.vocabulary).transform(tokens)
        row: dict[str, Any] = {"trained_on": len(before), "judged_on": len(after), "log_loss": [], "l2": []}
        for min_scale in MIN_SCALES:
            model = LogisticBaseline.fit_best(X[train], y[train], X[valid], y[valid], min_scale=min_scale, refit=True)
            row["log_loss"].append(log_loss(y[after], model.decision_function(X[after])))
            row["l2"].append(model.l2)
        yield row


def show(report: dict[str, Any]) -> None:
    rows = [
        [name, f"{row['trained_on']:,}", f"{row['judged_on']:,}", *(f"{loss:.4f}" for loss in row["log_loss"])]
        for name, found in report["data_sets"].items()
        for row in found.get("dates", ())
    ]
    print("Log loss of the logistic baseline on later leads, by min_scale:\n")
    print(Table(["data", "fitted on", "judged on", *(f"{scale:g}" for scale in MIN_SCALES)], rows).text() + "\n")
    for name, found in report["data_sets"].items():
        if "skipped" in found:
            print(f"{name}: skipped, {found['skipped']}")
            continue
        means = np.mean([row["log_loss"] for row in found["dates"]], axis=0)
        best = MIN_SCALES[int(np.argmin(means))]
        print(f"{name}: least on average at {best:g}; chosen for all: {report['chosen']:g}")


if __name__ == "__main__":
    sys.exit(main())
