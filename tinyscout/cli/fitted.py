"""The arguments that name a fitted scout and how it predicts, and the loading of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tinyscout.errors import InputError

if TYPE_CHECKING:
    from tinyscout.scout import Scout

FITTED, DEMO = Path("artifacts/scout"), Path("artifacts/demo")  # where `fit` and `demo` leave theirs, if not told


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    written = f"folder written by tinyscout fit or demo ({FITTED.as_posix()})"
    parser.add_argument("--model", type=Path, default=FITTED, help=written)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    numbers = "quicker, and moves log-odds by a few hundredths at most"
    numbers = f"numbers to predict in: float32 (the default), or int8, which is {numbers}"
    parser.add_argument("--dtype", choices=["float32", "int8"], default="float32", help=numbers)


def found_model(args: argparse.Namespace) -> Path:
    """The folder that the arguments name. Raises InputError where it holds no model; it names the demo's."""
    from tinyscout import artifact

    if (lack := artifact.lacking(args.model)) and not artifact.lacking(DEMO):
        raise InputError(
            f"{args.model}: {lack}; fit a scout by tinyscout fit, or pass --model {DEMO} for the one that "
            "tinyscout demo left"
        )
    return args.model


def load_scout(args: argparse.Namespace) -> Scout:
    """The scout that the arguments name. Raises InputError where there is none."""
    from tinyscout.scout import Scout

    return Scout.load(found_model(args)).in_dtype(getattr(args, "dtype", "float32"))
