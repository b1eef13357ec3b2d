"""`tinyscout demo`: the main job on the shipped sample, from reading to a ranked list, in about two minutes."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tinyscout.cli.fitted import DEMO
from tinyscout.cli.outputs import check_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=DEMO, help=f"folder for the model ({DEMO.as_posix()})")
    parser.add_argument("--ranked", type=Path, default=Path("ranked_leads.csv"), help="where the ranked list goes")
    parser.add_argument("--figure", type=Path, default=Path("ranked_leads.png"), help="where the figure goes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import progress_bars
    from tinyscout.cli.judged_fit import JudgedFit
    from tinyscout.leads.world import load_sample
    from tinyscout.settings import ScoutSettings, overridden

    check_outputs(args, ["ranked", "figure", "json"], folders=["out"])
    settings = overridden(ScoutSettings(), seed=args.seed)
    started = time.perf_counter()
    print("Fitting a scout on the shipped sample of synthetic leads; takes about two minutes on two idle cores.")
    tables = load_sample().tables
    print("\n".join(tables.account.lines()))
    with progress_bars() as progress:
        fitted = JudgedFit.run(tables, settings, holdout=0.2, progress=progress)
    fitted.scout.save(args.out)
    fitted.report(ranked=args.ranked, figure=args.figure, json=args.json)
    print(f"model {fitted.scout.version} saved in {args.out}; {time.perf_counter() - started:.0f} s in all")
    return 0
