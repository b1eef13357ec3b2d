"""`tinyscout world`: synthetic leads whose reply probability is known, as files that `fit` and `score` read."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=20_000, help="how many leads (default 20,000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same leads")
    parser.add_argument("--out", type=Path, default=Path("world"), help="folder for leads, signals and truth (Parquet)")


def run(args: argparse.Namespace) -> int:
    from tinyscout.leads.world import make_world, write

    if args.leads < 1:
        raise InputError(f"--leads is {args.leads}; needs a whole number of at least 1")
    if args.seed < 0:
        raise InputError(f"--seed is {args.seed}; needs a whole number of at least 0")
    check_outputs(argparse.Namespace(out=args.out), [], folders=["out"])
    world = make_world(args.leads, args.seed)
    write(world, args.out)
    known = world.tables.labels[world.tables.mature]
    replied = "no window is over yet"
    if len(known):
        replied = f"{100 * known.mean():.1f} % of the {len(known):,} whose window is over replied"
    print(f"{len(world.tables):,} leads with {len(world.tables.signals):,} signals in {args.out}; {replied}")
    print(f"fit a scout on them: tinyscout fit {args.out}/leads.parquet --signals {args.out}/signals.parquet")
    return 0
