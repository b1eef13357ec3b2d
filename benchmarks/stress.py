"""The leads of the stress test, and the ceiling: how far the oracle itself falls below the best additive lead score.

    python benchmarks/stress.py [--seed 1000] [--leads 32000] [--judged 10000] [--json FILE]

Prints the threat model, the written families, and what the oracle and the yardstick (natural, hardened) lose on each.
The scout is judged by phases/16_final_check.py, on any --seeds. Exit code 1 when the fall is below 65 % in log loss or
credit waste: then the leads are too noisy for the check.
"""

import fair  # isort: split

import argparse
import json
import sys
import time

from outputs import file_to_write

from tinyscout.metrics.table import Table
from tinyscout.stress import threat
from tinyscout.stress.ceiling import LEAST_FALL, ceiling, room
from tinyscout.stress.families import families
from tinyscout.stress.pools import JUDGED, LEADS, make_pools


def main() -> int:
    parser = argparse.ArgumentParser(description="The threat model, the written families and the ceiling.")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--leads", type=int, default=LEADS, help=f"leads of the world (default {LEADS:,})")
    parser.add_argument("--judged", type=int, default=JUDGED, help=f"attacked leads to judge on (default {JUDGED:,})")
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    for name, least in (("seed", 0), ("leads", 1_000), ("judged", 100)):
        if getattr(args, name) < least:
            parser.error(f"--{name} is {getattr(args, name)}; needs a whole number of at least {least:,}")
    started = time.perf_counter()
    print(f"{threat.table()}\n\n{_stories()}\n")
    print(f"Attacks a world of {args.leads:,} leads and fits both yardsticks; about half a minute at default size.")
    pools = make_pools(args.seed, leads=args.leads, judged=args.judged)
    for name, part in {"train": pools.train, "validation": pools.valid, "judged": pools.test}.items():
        attacked = part.attacked
        sizes = f"{len(part.natural.tables):,} natural leads, {len(attacked.world.tables):,} attacked"
        print(f"{name}: {sizes}; {len(attacked.refused)} broke a rule and were refused with their twins")
    found = ceiling(pools)
    print(f"\n{found.text()}\n")
    passed = found.least >= LEAST_FALL
    print(
        f"Ceiling: the oracle falls at least {100 * found.least:.1f} % below the better yardstick: {room(found.least)}."
    )
    print(f"{time.perf_counter() - started:.0f} s in all")
    if args.json:
        report = {"machine": fair.machine(), "seed": args.seed, **found.to_json(), "passed": passed}
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if passed else 1


def _stories() -> str:
    rows = [
        [each.name, "held out" if each.held_out else "seen", each.match, each.skill, each.story] for each in families()
    ]
    lines = [Table(["family", "half", "twins", "skill"], [row[:4] for row in rows]).text(), ""]
    return "\n".join([*lines, *(f"{row[0]}: {row[4]}" for row in rows)])


if __name__ == "__main__":
    sys.exit(main())
