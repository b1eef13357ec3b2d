"""What 8-bit integers cost a fitted scout: its file beside float32's, and its log loss on held-out leads.

    python benchmarks/int8_scout.py [--model FOLDER] [--json FILE]

Without --model a scout is fitted on the shipped sample as `tinyscout demo` does, in about a minute; a folder given must
hold one fitted in that way. Judged is its transformer alone, calibrated, on the latest 20 % of the sample.
"""

import fair  # isort: split

import sys
import tempfile
from pathlib import Path
from typing import Any

from report import finish, new_parser

from tinyscout.inference.export import write_safetensors
from tinyscout.inference.quantize import quantize, save
from tinyscout.leads.splits import time_split
from tinyscout.leads.world import load_sample
from tinyscout.metrics import comparison
from tinyscout.metrics.table import Table
from tinyscout.models.lead_scout import LeadScout
from tinyscout.scout import Scout

DTYPES, HOLDOUT = ("float32", "int8"), 0.2


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--model", type=Path, help="folder of a scout that tinyscout demo fitted (default: fit one)")
    args = parser.parse_args()
    report = measure(args.model)
    sizes, losses = report["bytes"], report["log_loss"]
    rows = [[dtype, f"{sizes[dtype] / 1024:,.0f}", f"{losses[dtype]:.5f}"] for dtype in DTYPES]
    print(Table(["weights", "file, kB", "log loss"], rows).text() + "\n")
    value, low, high = (report["difference"][name] for name in ("value", "low", "high"))
    print(
        f"int8's file is {100 * report['share']:.1f} % of float32's; log loss on {report['held_out']:,} held-out leads"
    )
    print(f"{value:+.5f} (95 % interval {low:+.5f} to {high:+.5f}). Model: {report['model']}.\n")
    return finish(report, args.json)


def measure(folder: Path | None) -> dict[str, Any]:
    """Bytes of both files, and both log losses on the held-out leads."""
    tables = load_sample().tables
    split = time_split(tables, holdout=HOLDOUT)
    scout = Scout.load(folder) if folder else Scout.fit(tables.take(split.train))
    if not scout.stack.members:
        raise SystemExit(f"int8_scout: {folder or 'the scout fitted here'} ships the baseline and has no transformer")
    test = tables.take(split.test)
    examples = scout.examples(test)
    logits = {dtype: scout.in_dtype(dtype).contenders(examples)["scout"] for dtype in DTYPES}
    judged = comparison(test.labels, logits, reference="float32", groups=test.leads["lead_id"])
    sizes = file_bytes(scout.stack.members[0])
    return {
        "benchmark": "int8_scout",
        "model": str(folder) if folder else "fitted on the shipped sample as tinyscout demo does",
        "shape": scout.stack.members[0].to_state(),
        "held_out": len(test),
        "bytes": sizes,
        "share": sizes["int8"] / sizes["float32"],
        "log_loss": {dtype: judged.rows[dtype]["log_loss"] for dtype in DTYPES},
        "difference": judged.differences["int8"]["log_loss"].to_dict(),
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "numba"),
    }


def file_bytes(member: LeadScout) -> dict[str, int]:
    """Bytes of a transformer's weights: float32 as exported for PyTorch, int8 as `quantize.save` writes them."""
    with tempfile.TemporaryDirectory() as name:
        (float32,) = write_safetensors(member, Path(name), "float32")
        int8 = Path(name) / "int8" / save(Path(name) / "int8", quantize(member)).arrays_file
        return {"float32": float32.stat().st_size, "int8": int8.stat().st_size}


if __name__ == "__main__":
    sys.exit(main())
