"""How long it takes from process start: `import tinyscout`, a first probability, `tinyscout score` on 1,000 leads.

    python benchmarks/startup.py [--rounds 7] [--json FILE]

Every call is a fresh interpreter, warm: files are in the system's cache and the kernels were compiled before. Medians,
process start included. Exit code 1 when a median is above its limit.
"""

import fair  # isort: split

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from report import finish, new_parser
from scoring import fit_model

from tinyscout.leads.world import World, make_world, write
from tinyscout.metrics.table import Table

LEADS = 1000
SCORE = ["score", "leads.parquet", "--signals", "signals.parquet", "--model", "model", "--out", "ranked.csv"]
FIRST = """
from tinyscout import Scout
from tinyscout.leads import read_tables
scout = Scout.load("model")
scout.predict(read_tables("one/leads.parquet", "one/signals.parquet", schema=scout.schema, labelled=False))
"""
CALLS: dict[str, tuple[list[str], float | None]] = {  # what the interpreter is given, and the limit in seconds
    "import tinyscout": (["-c", "import tinyscout"], 0.6),
    "from tinyscout import Scout": (["-c", "from tinyscout import Scout"], None),
    "first probability": (["-c", FIRST], None),  # judged in speed.py
    "tinyscout --help": (["-m", "tinyscout", "--help"], 0.3),
    f"tinyscout score, {LEADS:,} leads": (["-m", "tinyscout", *SCORE], 3.0),
}


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each, taking turns (default 7)")
    args = parser.parse_args()
    report = measure(args.rounds)
    show(report)
    return finish(report, args.json)


def measure(rounds: int, *, fit_leads: int = 6_000) -> dict[str, Any]:
    """Time the calls in turns, after one call of each that isn't counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = make_world(LEADS, 0)
        write(world, folder)
        one_lead = [int(np.diff(world.tables.offsets).argmax())]  # that with the most signals
        write(World(world.tables.take(np.array(one_lead)), world.truth.iloc[one_lead]), folder / "one")
        fit_model(fit_leads, 1_000, folder / "model")
        times: dict[str, fair.Times] = {call: fair.Times([], []) for call in CALLS}
        for turn in range(1 + rounds):
            for call, (arguments, _) in CALLS.items():
                wall, cpu = one(arguments, folder)
                if turn:
                    times[call].wall.append(wall)
                    times[call].cpu.append(cpu)
    rows: dict[str, dict[str, Any]] = {}
    for call, found in times.items():
        seconds, limit = statistics.median(found.wall), CALLS[call][1]
        rows[call] = {
            "seconds": seconds,
            "best_seconds": min(found.wall),
            "cpu_seconds": statistics.median(found.cpu),
            "limit": limit,
            "passed": None if limit is None else seconds <= limit,
        }
    return {
        "benchmark": "startup",
        "rounds": rounds,
        "calls": rows,
        "passed": all(row["passed"] is not False for row in rows.values()),
        "machine": fair.machine() | {"threads": os.cpu_count()},  # what a user gets
        "versions": fair.versions("numpy", "numba", "pandas"),
    }


def one(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Seconds on the clock and of CPU (NaN where the system doesn't tell) of one fresh interpreter."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    before, started = _cpu_of_children(), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"startup: {' '.join(arguments)} ended with code {done.returncode}: {done.stderr[-500:]}")
    return seconds, _cpu_of_children() - before


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system if os.name == "posix" else float("nan")


def show(report: dict[str, Any]) -> None:
    verdicts = {None: "-", True: "met", False: "not met"}
    rows = []
    for call, row in report["calls"].items():
        figures = [f"{row[name]:.2f}" for name in ("seconds", "best_seconds", "cpu_seconds")]
        limit = "-" if row["limit"] is None else f"{row['limit']:.2f}"
        rows.append([call, *figures, limit, verdicts[row["passed"]]])
    print(f"Seconds to the end of a fresh process, median of {report['rounds']}:\n")
    print(Table(["call", "seconds", "best", "of CPU", "limit", ""], rows).text() + "\n")


if __name__ == "__main__":
    sys.exit(main())
