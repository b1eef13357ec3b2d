"""`tinyscout status`: which phases and models there are and whether the phases are fresh, read from manifests alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tinyscout import artifact
from tinyscout.course.plan import Course
from tinyscout.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="look at the quick runs of the phases")
    parser.add_argument("--seed", type=int, default=0, help="the seed the phases should have been run with")
    parser.add_argument("--config", type=Path, help="the settings (TOML) the phases should have been run with")
    parser.add_argument("--json", type=Path, help="write the same as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import write_json
    from tinyscout.metrics.table import Table

    course = Course(quick=args.quick, seed=args.seed, config=args.config)
    phases = [_phase_row(course, phase.name) for phase in course.phases]
    models = [_model_row(path) for path in _models(course)]
    headers = ["phase", "state", "made (UTC)", "seconds", "log loss"]
    print(Table(headers, [[_shown(row[key]) for key in _PHASE_KEYS] for row in phases]).text())
    if models:
        print(
            "\n"
            + Table(["model", *_MODEL_KEYS[1:]], [[_shown(row[key]) for key in _MODEL_KEYS] for row in models]).text()
        )
    stale = [row["name"][:2] for row in phases if row["state"] != "fresh"]
    if stale:
        print(f"\nto bring the course up to date: tinyscout learn{course.options}")
    write_json(args.json, {"phases": phases, "models": models})
    return 0


_PHASE_KEYS = ("name", "state", "created_at", "seconds", "log_loss")
_MODEL_KEYS = ("name", "role", "created_at", "seconds", "version")


def _phase_row(course: Course, name: str) -> dict[str, Any]:
    """name, state (fresh, or why not), created_at, seconds, log_loss, measured; None where there is no manifest."""
    state = course.why_stale(course.phase(name)) or "fresh"
    try:
        manifest = artifact.read_manifest(course.directory(name))
    except InputError:
        return {"name": name, "state": state, "created_at": None, "seconds": None, "log_loss": None, "measured": None}
    return {
        "name": name,
        "state": state,
        "created_at": manifest.created_at,
        "seconds": manifest.seconds,
        "log_loss": manifest.metrics.get("log_loss"),
        "measured": manifest.metrics.get("measured"),
    }


def _models(course: Course) -> list[Path]:
    """Folders under the artifacts folder that hold a manifest and aren't a phase's."""
    phases = {phase.name for phase in course.phases}
    found = [path.parent for path in course.root.rglob(artifact.MANIFEST)]
    return sorted(path for path in found if path.name not in phases)


def _model_row(directory: Path) -> dict[str, Any]:
    """name (its folder), role, created_at, seconds, version (as `score` writes it)."""
    try:
        manifest = artifact.read_manifest(directory)
    except InputError as error:
        return {"name": directory.as_posix(), "role": str(error), "created_at": None, "seconds": None, "version": None}
    return {
        "name": directory.as_posix(),
        "role": manifest.role,
        "created_at": manifest.created_at,
        "seconds": manifest.seconds,
        "version": manifest.version,
    }


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if value < 1 else f"{value:.1f}"
    return str(value).removesuffix("+00:00")
