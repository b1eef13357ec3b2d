"""`tinyscout fit`: fit a scout on an export and judge it on the latest leads, which it has not seen."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinyscout.cli.fitted import FITTED
from tinyscout.cli.outputs import check_outputs
from tinyscout.cli.reading import add_reading_arguments, read
from tinyscout.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading_arguments(parser, with_schema=False)
    parser.add_argument("--out", type=Path, default=FITTED, help=f"folder for the model ({FITTED.as_posix()})")
    parser.add_argument("--config", type=Path, help="settings (TOML); the defaults stand in configs/scout.toml")
    parser.add_argument("--seed", type=int, help="seed, in place of the settings'")
    parser.add_argument("--holdout", type=float, default=0.2, help="latest share of leads to judge on; 0 for none")
    parser.add_argument("--keep-leaking", action="store_true", help="use columns that look filled in after contact")
    parser.add_argument("--no-trees", action="store_true", help="leave the boosted trees out of the comparison")
    parser.add_argument("--ranked", type=Path, help="write the held-out leads as a ranked list to this CSV")
    parser.add_argument("--figure", type=Path, help="draw what the ranking of the held-out leads gains to this PNG")
    parser.add_argument("--checkpoint", type=Path, help="folder for checkpoints; an interrupted fit resumes from it")
    parser.add_argument("--json", type=Path, help="write the figures as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import progress_bars
    from tinyscout.cli.judged_fit import JudgedFit
    from tinyscout.models.peers import TREES
    from tinyscout.settings import ScoutSettings, load_settings, overridden

    check_outputs(args, ["rejects", "ranked", "figure", "json"], folders=["out", "checkpoint"])
    if args.holdout == 0 and (args.ranked or args.figure):
        raise InputError("--ranked and --figure show the held-out leads, and --holdout 0 leaves none; drop one of them")
    settings = load_settings(ScoutSettings, args.config)
    settings = overridden(settings, seed=args.seed, leave_leaking_out=False if args.keep_leaking else None)
    tables = read(args)
    print("\n".join(tables.account.lines()))
    with progress_bars() as progress:
        fitted = JudgedFit.run(
            tables,
            settings,
            holdout=args.holdout,
            peers=() if args.no_trees else (TREES,),
            checkpoint=args.checkpoint,
            progress=progress,
        )
    fitted.scout.save(args.out)
    fitted.report(ranked=args.ranked, figure=args.figure, json=args.json)
    print(f"model {fitted.scout.version} saved in {args.out}")
    return 0
