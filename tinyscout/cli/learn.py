"""`tinyscout learn`: run the phases of the course in order, each in a process of its own, skipping what is fresh."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tinyscout.course.plan import Course, Phase
from tinyscout.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("phases", nargs="*", metavar="NN", help="run only these phases; default: all")
    parser.add_argument("--to", metavar="NN", help="run all phases up to this one")
    parser.add_argument(
        "--quick", action="store_true", help="small runs of a few seconds, kept apart from the real ones"
    )
    parser.add_argument("--force", action="store_true", help="run what is fresh, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, help="settings (TOML) in place of configs/phases.toml")


def run(args: argparse.Namespace) -> int:
    from tinyscout.metrics.table import Table

    course = Course(quick=args.quick, seed=args.seed, config=args.config)
    chosen = _chosen(course, args.phases, args.to)
    names = [phase.name for phase in chosen]
    for i, phase in enumerate(chosen):
        course.require(phase, running=names[:i])

    rows = []
    for i, phase in enumerate(chosen):
        why = course.why_stale(phase) or ("--force was given" if args.force else "")
        if not why:
            rows.append([phase.name, "fresh, skipped", "-"])
            continue
        left = sum(each.seconds for each in chosen[i:] if args.force or course.why_stale(each))
        duration = "a few seconds" if args.quick else f"about {phase.seconds:.0f} s, {left:.0f} s in all that is left"
        print(f"\n---- {i + 1} of {len(chosen)}: {phase.name} ({why}; {duration})", flush=True)
        started = time.perf_counter()
        code = subprocess.run([sys.executable, str(phase.path), *course.options.split()], check=False).returncode
        rows.append([phase.name, "made" if code == 0 else f"failed with exit code {code}", _seconds(started)])
        if code:
            rows += [[later.name, "not run", "-"] for later in chosen[i + 1 :]]
            break
    print("\n" + Table(["phase", "what happened", "seconds"], rows).text())
    return 0 if all(row[1] in ("made", "fresh, skipped") for row in rows) else code


def _chosen(course: Course, numbers: list[str], last: str | None) -> list[Phase]:
    """The phases to run, in the order of the course."""
    if numbers and last:
        raise InputError("give phases or --to NN, not both: tinyscout learn 03, or tinyscout learn --to 03")
    if last:
        end = course.phase(last)
        return course.phases[: course.phases.index(end) + 1]
    wanted = {course.phase(number).name for number in numbers} or {phase.name for phase in course.phases}
    return [phase for phase in course.phases if phase.name in wanted]


def _seconds(started: float) -> str:
    return f"{time.perf_counter() - started:.1f}"
