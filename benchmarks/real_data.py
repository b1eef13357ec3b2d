"""`tinyscout fit` on two real data sets, by time order, against targets taken from what others reach there.

    python benchmarks/real_data.py [--data ../shared/data] [--seed 0] [--json FILE]

Each is fitted by the command a user would type and judged on its latest 20 %. The target is the log loss of what the
fit ships. Exit code 1 when a target is missed; a data set that isn't there is skipped and said so.
"""

import fair  # isort: split

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from outputs import file_to_write
from real_exports import DATA, Export, exports

from tinyscout import cli

TARGETS = {"x_education": 0.396, "college_messages": 0.634}  # log loss, at most


def main() -> int:
    parser = argparse.ArgumentParser(description="tinyscout fit on real data, against targets.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data (default ../shared/data)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    args = parser.parse_args()
    print("Fits two real data sets with trees beside them; takes about four minutes on two cores.")
    report = measure(exports(args.data), args.seed)
    for name, found in report["data_sets"].items():
        if "skipped" in found:
            print(f"{name}: skipped, {found['skipped']}")
            continue
        verdict = "met" if found["passed"] else "not met"
        print(
            f"{name}: ships the {found['ships']}, log loss {found['log_loss']:.4f}; required at most "
            f"{found['target']:.3f}: {verdict} ({found['seconds']:.0f} s, {found['cpu_seconds']:.0f} s of CPU)"
        )
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if report["passed"] else 1


def measure(found: dict[str, Export], seed: int, *, config: Path | None = None) -> dict[str, Any]:
    """Fit every data set that is there. `config`: settings other than the defaults (TOML)."""
    data_sets = {name: fit(name, export, seed, config) for name, export in found.items()}
    return {
        "benchmark": "real_data",
        "seed": seed,
        "data_sets": data_sets,
        "passed": all(row.get("passed", True) for row in data_sets.values()),
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "scikit-learn"),
    }


def fit(name: str, export: Export, seed: int, config: Path | None) -> dict[str, Any]:
    """One `tinyscout fit`: what its --json holds, and the verdict."""
    if export.missing:
        return {"skipped": export.missing}
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "fit.json"
        command = ["fit", str(export.leads), "--map", str(export.field_map), "--seed", str(seed)]
        command += ["--signals", str(export.signals)] if export.signals else []
        command += ["--config", str(config)] if config else []
        command += ["--out", str(Path(folder) / "model"), "--json", str(written)]
        print(f"\n{name}: tinyscout {' '.join(command[:4])} ...")
        started, cpu_started = time.perf_counter(), time.process_time()
        if cli.main(command) != 0:
            raise SystemExit(f"real_data: the fit of {name} failed")
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        result = json.loads(written.read_text(encoding="utf-8"))
    log_loss = result["models"][result["ships"]]["log_loss"]
    verdict = {"log_loss": log_loss, "target": TARGETS[name], "passed": log_loss <= TARGETS[name]}
    return result | verdict | {"seconds": seconds, "cpu_seconds": cpu_seconds}


if __name__ == "__main__":
    sys.exit(main())
