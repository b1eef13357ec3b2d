"""`tinyscout quality`: what an export holds, and which of its columns a model must not see."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinyscout.cli.outputs import check_outputs
from tinyscout.cli.reading import add_reading_arguments, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading_arguments(parser, with_schema=False)
    parser.add_argument("--json", type=Path, help="write the figures as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import write_json
    from tinyscout.leads import quality

    check_outputs(args, ["rejects", "json"])
    report = quality.report(read(args))
    print(quality.render(report))
    write_json(args.json, report.to_dict())
    return 0
