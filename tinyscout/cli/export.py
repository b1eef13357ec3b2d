"""`tinyscout export`: a fitted scout's transformers for other programs, and how a probability is made of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyscout.cli.fitted import add_model_argument, load_scout
from tinyscout.cli.outputs import check_outputs
from tinyscout.errors import InputError

if TYPE_CHECKING:
    from tinyscout.scout import Scout

FORMULA = "1 / (1 + exp(-(slope * (share * mean(members) + (1 - share) * baseline) + shift)))"
UNTRAINED = "tinyscout fit trains the reply alone: the language head writes nothing of use yet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("exported"), help="folder for the files")
    parser.add_argument(
        "--format", choices=("onnx", "safetensors"), default="onnx", help="onnx (default), or weights for PyTorch"
    )


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import write_json
    from tinyscout.inference.export import WRITERS

    check_outputs(args, [], folders=["out"])
    scout = load_scout(args)
    if not scout.stack.members:
        raise InputError(
            f"{args.model}: ships the baseline and has no transformer to export; fit on more leads that replied, or "
            "with a lower minimum_repliers in --config"
        )
    write = WRITERS[args.format]
    files = [path for i, member in enumerate(scout.stack.members) for path in write(member, args.out, f"member-{i}")]
    recipe = args.out / "scout.json"
    write_json(recipe, _recipe(scout))
    for path in (*files, recipe):
        print(f"{path} ({path.stat().st_size / 1024:,.0f} kB)")
    print(f"model {scout.version} ships the {scout.ships}; scout.json says how its probability is made")
    print(f"note: {UNTRAINED}")
    return 0


def _recipe(scout: Scout) -> dict[str, Any]:
    """What scout.json holds: how the shipped probability is made of the members' logits and the wide features."""
    from tinyscout.training.contenders import SHARES

    baseline = scout.stack.baseline
    return {
        "model_version": scout.version,
        "ships": scout.ships,
        "probability": FORMULA,
        "share": SHARES[scout.ships],
        **scout.calibrators[scout.ships].to_state(),
        "baseline": {"weight": baseline.raw_coef.tolist(), "bias": float(baseline.raw_intercept)},
        "features": list(scout.stack.features.names),
        "members": [member.to_state() for member in scout.stack.members],
        "language_head": UNTRAINED,
    }
