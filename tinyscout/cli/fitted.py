"""The arguments that name a fitted scout and how it predicts, and the loading of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyscout.scout import Scout


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, default=Path("artifacts/scout"), help="folder written by tinyscout fit")
    numbers = "numbers to predict in: float32, or int8, which is quicker and moves log-odds by a few hundredths at most"
    parser.add_argument("--dtype", choices=["float32", "int8"], default="float32", help=numbers)


def load_scout(args: argparse.Namespace) -> Scout:
    """The scout that the arguments name."""
    from tinyscout.scout import Scout

    return Scout.load(args.model).in_dtype(args.dtype)
