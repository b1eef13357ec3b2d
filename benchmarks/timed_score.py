"""`tinyscout score`, the very command, with a clock on each of its stages; scoring.py starts it in a fresh process.

python benchmarks/timed_score.py REPORT.json LEADS ... --signals ... --model ... --out ...
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
SECONDS: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])  # stage -> on the clock, of CPU over all threads


def clocked(function: Callable, stage: str) -> Callable:
    """The function, with the time of its calls added to a stage."""

    def call(*args: Any, **kwargs: Any) -> Any:
        before = time.perf_counter(), time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            SECONDS[stage][0] += time.perf_counter() - before[0]
            SECONDS[stage][1] += time.process_time() - before[1]

    return call


def clocked_chunks(chunks: Callable[..., Iterator], stage: str) -> Callable[..., Iterator]:
    """The generator function, with the time of every step of its generators added to a stage."""

    def call(*args: Any, **kwargs: Any) -> Iterator:
        generator = chunks(*args, **kwargs)
        step = clocked(lambda: next(generator, None), stage)
        while (chunk := step()) is not None:
            yield chunk

    return call


def peak_memory() -> int | None:
    """The most bytes this process has had resident; None where the system doesn't say (Windows)."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's peak too, which Linux hands down through exec
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def main() -> int:
    from tinyscout import cli, explain, leads, ranking
    from tinyscout.cli import console
    from tinyscout.scout import Scout
    from tinyscout.training import Stack

    leads.iter_tables = clocked_chunks(leads.iter_tables, "read")
    Scout.load = clocked(Scout.load, "load the model")
    Stack.examples = clocked(Stack.examples, "tokenise")
    Stack.baseline_logits = clocked(Stack.baseline_logits, "score")
    Stack.member_logits = clocked(Stack.member_logits, "score")
    explain.contributions = clocked(explain.contributions, "score")
    explain.top_reasons = clocked(explain.top_reasons, "word the reasons")
    ranking.ranked_list = clocked(ranking.ranked_list, "rank")
    console.write_csv = clocked(console.write_csv, "write")
    code = cli.main(["score", *sys.argv[2:]])
    wall, cpu = time.perf_counter() - STARTED, time.process_time()
    stages = {stage: {"seconds": on_clock, "cpu_seconds": of_cpu} for stage, (on_clock, of_cpu) in SECONDS.items()}
    stages["start and the rest"] = {
        "seconds": wall - sum(row["seconds"] for row in stages.values()),
        "cpu_seconds": cpu - sum(row["cpu_seconds"] for row in stages.values()),
    }
    report = {"stages": stages, "seconds": wall, "cpu_seconds": cpu, "peak_bytes": peak_memory()}
    Path(sys.argv[1]).write_text(json.dumps(report), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
