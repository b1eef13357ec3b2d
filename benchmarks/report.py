"""What every benchmark's `main` has in common: its `--json`, the lines that name the machine, the exit code."""

import argparse
import json
from pathlib import Path
from typing import Any

from outputs import file_to_write


def new_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser described by the first line of the script's docstring, with `--json FILE`."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--json", type=file_to_write, help="also write the figures to this file")
    return parser


def finish(report: dict[str, Any], path: Path | None) -> int:
    """Print what the figures were measured on, write the report where a path is given, hand back the exit code.

    1 where `passed` is False; a report without `passed`, or with None, judges nothing.
    """
    print("\n".join(measured_on(report)))
    if path:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if report.get("passed") is False else 0


def measured_on(report: dict[str, Any]) -> list[str]:
    """The machine and the versions of a report, in a line each."""
    machine, versions = report["machine"], report.get("versions", {})
    threads = f"at most {machine['threads']} thread" + "s" * (machine["threads"] != 1)
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {threads} each, load {machine['load']}"]
    if machine["openblas"]:
        lines[0] += f", OpenBLAS {machine['openblas']}"
    return lines + [", ".join(f"{name} {version}" for name, version in versions.items())] * bool(versions)
