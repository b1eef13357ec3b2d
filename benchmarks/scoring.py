"""`tinyscout score` on a large export: seconds a stage, leads a second and peak memory, with reasons and without.

    python benchmarks/scoring.py [--leads 500000] [--seed 0] [--variants "with reasons" ...] [--json FILE]

Leads of the synthetic world with 10 signals each are written as Parquet to a temporary folder, a scout of the default
size is fitted for one epoch, and each variant runs in a fresh process. Exit code 1 when one of them needs more than
120 s or 2 GiB for 500,000 leads (a smaller number is measured, not judged).
"""

import fair  # isort: split

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from report import finish, new_parser

from tinyscout.leads.world import World, make_world, write
from tinyscout.metrics.table import Table
from tinyscout.scout import Scout
from tinyscout.settings import FitSettings, ScoutSettings

LEADS, SIGNALS_A_LEAD = 500_000, 10
PART = 50_000  # leads a file: the world is made in parts, each with ids of its own
LIMIT_SECONDS, LIMIT_BYTES = 120.0, 2 << 30
VARIANTS = {
    "with reasons": (),
    "scores alone": ("--no-reasons",),
    "scores alone, int8": ("--no-reasons", "--dtype", "int8"),
}


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--leads", type=int, default=LEADS, help="how many leads (default 500,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="default: all")
    args = parser.parse_args()
    report = measure(args.leads, args.seed, args.variants)
    show(report)
    return finish(report, args.json)


def measure(leads: int, seed: int, names: list[str], *, fit_leads: int = 20_000) -> dict[str, Any]:
    """Make the export and a model, run the variants in a process each, and hand back the report."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        parts, n_signals = make_export(leads, seed, Path(folder))
        model = Path(folder) / "model"
        fit_model(fit_leads, seed + 1_000, model)
        prepared = time.perf_counter() - started
        variants = {name: run(parts, model, VARIANTS[name], Path(folder)) for name in names}
    for row in variants.values():
        row["leads_per_second"] = leads / row["seconds"]
    fits = [
        row["seconds"] <= LIMIT_SECONDS and (row["peak_bytes"] is None or row["peak_bytes"] <= LIMIT_BYTES)
        for row in variants.values()
    ]
    return {
        "benchmark": "scoring",
        "leads": leads,
        "signals": n_signals,
        "prepare_seconds": prepared,
        "variants": variants,
        "limit_seconds": LIMIT_SECONDS,
        "limit_bytes": LIMIT_BYTES,
        "passed": all(fits) if leads >= LEADS else None,
        "machine": fair.machine() | {"threads": os.cpu_count()},  # what a user gets
        "versions": fair.versions("numpy", "numba", "pandas", "pyarrow"),
    }


def make_export(leads: int, seed: int, folder: Path) -> tuple[list[Path], int]:
    """Folders of leads.parquet and signals.parquet, `leads` rows in all, and how many signals they hold."""
    folders, n_signals = [], 0
    for number, first in enumerate(range(0, leads, PART)):
        size = min(PART, leads - first)
        world = make_world(2 * size, seed + number)
        rows = thin(np.diff(world.tables.offsets), size, np.random.default_rng([seed, number]))
        tables = world.tables.take(rows)
        n_signals += len(tables.signals)
        folders.append(folder / f"part-{number}")
        write(World(tables, world.truth.iloc[rows]), folders[-1])
    return folders, n_signals


def thin(counts: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """`size` rows with 10 signals a lead on average: of those with fewer, random ones are left out."""
    few = rng.permutation(np.flatnonzero(counts < SIGNALS_A_LEAD))
    left = np.arange(len(counts), len(counts) - len(few) - 1, -1)  # rows that remain after each that is left out
    mean = (counts.sum() - np.concatenate([[0], np.cumsum(counts[few])])) / np.maximum(left, 1)
    enough = np.flatnonzero(mean >= SIGNALS_A_LEAD)
    out = few[: enough[0] if len(enough) else len(few)]
    rows = np.setdiff1d(np.arange(len(counts)), out)
    return np.sort(rng.permutation(rows)[:size])


def fit_model(leads: int, seed: int, folder: Path) -> None:
    """A scout of the default size that ships its transformer, which takes the longest to score."""
    settings = ScoutSettings(seed=seed, minimum_repliers=0, fit=FitSettings(epochs=1))
    scout = Scout.fit(make_world(leads, seed).tables, settings)
    scout.ships = "scout"
    scout.save(folder)


def run(parts: list[Path], model: Path, options: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """One `tinyscout score` in a fresh process, with the threads a user gets."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    report = folder / "report.json"
    command = [sys.executable, str(Path(__file__).with_name("timed_score.py")), str(report)]
    command += [str(part / "leads.parquet") for part in parts]
    command += ["--signals", *(str(part / "signals.parquet") for part in parts), "--model", str(model)]
    command += ["--out", str(folder / "ranked.csv"), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"scoring: {' '.join(command[:2])} ended with code {done.returncode}: {done.stderr[-500:]}")
    return json.loads(report.read_text(encoding="utf-8"))


def show(report: dict[str, Any]) -> None:
    variants = report["variants"]
    stages = dict.fromkeys(stage for row in variants.values() for stage in row["stages"])
    rows = []
    for stage in stages:
        cells = [row["stages"].get(stage) for row in variants.values()]
        rows.append([stage, *(f"{c['seconds']:.1f} ({c['cpu_seconds']:.1f})" if c else "-" for c in cells)])
    rows.append(["all", *(f"{row['seconds']:.1f} ({row['cpu_seconds']:.1f})" for row in variants.values())])
    rows.append(["leads a second", *(f"{row['leads_per_second']:,.0f}" for row in variants.values())])
    peaks = [row["peak_bytes"] for row in variants.values()]
    rows.append(["peak memory, MiB", *("-" if peak is None else f"{peak / 2**20:,.0f}" for peak in peaks)])
    print(f"tinyscout score on {report['leads']:,} leads with {report['signals']:,} signals (Parquet):\n")
    print(Table(["seconds (of CPU)", *variants], rows).text() + "\n")
    if None in peaks:
        print("Peak memory: skipped, this system does not report it.")
    needed = f"Required for {LEADS:,} leads: {LIMIT_SECONDS:.0f} s and {LIMIT_BYTES >> 20:,} MiB."
    verdicts = {None: "Not judged at this size.", True: "Met by all.", False: "Not met by all."}
    print(needed, verdicts[report["passed"]])


if __name__ == "__main__":
    sys.exit(main())
