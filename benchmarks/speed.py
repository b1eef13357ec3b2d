"""All that is required of tinyscout's speed in one table: ours, its peer's, how many times faster, met or missed.

    python benchmarks/speed.py [--rows gemm "decode int8" ...] [--skip-long] [--json FILE] [--figure FILE]

The other scripts of this folder measure, each pair in turns in one process on the same weights; this one runs them one
after another, holds what is required, and judges. Needs the extra `oracle`, and about eight minutes without the row of
500,000 leads, which --skip-long leaves out. Exit code 1 when a row misses or its script fails.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from outputs import file_to_write
from report import finish, new_parser
from speed_parts import PARTS, Figure, Part, Report


class Required(NamedTuple):
    """What a row must reach, and should. Unit x: how many times faster ours is, at least; the others are at most."""

    what: str
    limit: float | None  # None: reported, not judged
    aim: float | None
    unit: str = "x"


REQUIRED = {
    "gemm": Required("float32 layer, weight packed once, against OpenBLAS", 1.0, 1.1),
    "attention forward": Required("attention forward against PyTorch", 2.0, 3.5),
    "attention forward + backward": Required("attention forward + backward against PyTorch", 2.0, 3.5),
    "training step": Required("training step against PyTorch eager", 2.0, 3.0),
    "one lead float32 p50": Required("one lead, float32 against ONNX Runtime, p50", 1.1, 1.3),
    "one lead float32 p99": Required("one lead, float32 against ONNX Runtime, p99", 1.1, 1.3),
    "one lead int8 p50": Required("one lead, int8 against ONNX Runtime int8, p50", 1.35, 1.6),
    "one lead int8 p99": Required("one lead, int8 against ONNX Runtime int8, p99", 1.35, 1.6),
    "256 leads float32": Required("256 leads, float32 against ONNX Runtime", 1.6, 2.0),
    "256 leads int8": Required("256 leads, int8 against ONNX Runtime int8", 2.0, 2.3),
    "256 leads torch.compile": Required("256 leads, float32 against torch.compile", None, None),
    "decode float32": Required("decode with cache, float32 against PyTorch eager", 6.0, 8.0),
    "decode int8": Required("decode with cache, int8 against PyTorch eager", 14.0, 18.0),
    "int8 file": Required("file of int8 against float32", 0.28, None, "%"),
    "int8 log loss": Required("log loss of int8 minus float32's, held-out leads", 0.002, 0.0005, "nats"),
    "two threads float32": Required("256 leads, float32, two threads against one", 1.7, 1.9),
    "two threads int8": Required("256 leads, int8, two threads against one", 1.7, 1.9),
    "first probability": Required("process start to first probability, warm cache", 1.4, 1.0, "s"),
    "500,000 leads": Required("500,000 leads x 10 signals from Parquet, int8", 45.0, 25.0, "s"),
}
LONG = "500,000 leads"
VERDICTS = ("missed", "met", "aim", "reported")  # worst first


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--rows", nargs="+", choices=REQUIRED, metavar="ROW", help=f"of: {', '.join(REQUIRED)}")
    parser.add_argument("--skip-long", action="store_true", help=f"leave out the row of {LONG}")
    parser.add_argument("--model", type=Path, help="scout of tinyscout demo, to judge int8 on (default: fit one)")
    parser.add_argument("--figure", type=file_to_write, help="draw the table to this PNG")
    args = parser.parse_args()
    asked_for = [key for key in REQUIRED if key in (args.rows or REQUIRED)]
    wanted = {key for key in asked_for if not (args.skip_long and key == LONG)}
    parts = {name: part for name, part in PARTS.items() if not part.keys or wanted.intersection(part.keys)}
    if args.model and "int8" in parts:
        parts["int8"] = parts["int8"]._replace(command=[*parts["int8"].command, "--model", str(args.model)])
    report = {"benchmark": "speed", "asked_for": asked_for} | measure(parts, wanted)
    print(table(report) + "\n")
    print("\n".join(notes(report)))
    if args.figure:
        from speed_figure import draw

        draw(report, args.figure)
    return finish(report, args.json)


def measure(parts: dict[str, Part], wanted: set[str]) -> dict[str, Any]:
    """Compile the kernels, run the scripts and hand back the report, whose rows are in the order of REQUIRED."""
    print(f"about {sum(part.seconds for part in parts.values())} s in all", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "tinyscout", "warm"], stdout=subprocess.DEVNULL, check=True)
    started, reports, failed, figures = time.perf_counter(), {}, {}, []
    for name, part in parts.items():
        print(f"{name}: about {part.seconds} s", file=sys.stderr)
        try:
            reports[name] = run(part.command)
        except RuntimeError as error:
            failed[name] = str(error)
            continue
        figures += [figure for figure in part.figures(reports[name]) if figure.key in wanted]
    if not reports:
        raise SystemExit(f"speed: nothing was measured: {failed}")
    rows = [row_of(figure) for key in REQUIRED for figure in figures if figure.key == key]
    missing = [key for key in REQUIRED if key not in {row["key"] for row in rows}]
    verdicts = {row["verdict"] for row in rows}
    machine = next(iter(reports.values()))["machine"]
    return {
        "rows": rows,
        "not_measured": missing,
        "failed": failed,
        "passed": False if failed or "missed" in verdicts else None if missing else True,
        "seconds": time.perf_counter() - started,
        "loads": {name: found["machine"]["load"] for name, found in reports.items()},
        "machine": machine | {"threads": max(found["machine"]["threads"] for found in reports.values())},
        "versions": {name: version for found in reports.values() for name, version in found["versions"].items()},
        "reports": reports,
    }


def run(command: list[str]) -> Report:
    """What a script of this folder writes as JSON. Raises RuntimeError with its last words where it writes none."""
    script, *arguments = command
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        call = [sys.executable, str(Path(__file__).with_name(script)), *arguments, "--json", str(path)]
        done = subprocess.run(call, capture_output=True, text=True)
        if not path.exists():
            raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
        return json.loads(path.read_text(encoding="utf-8"))


def row_of(figure: Figure) -> dict[str, Any]:
    """A figure with what is required of it and the verdict."""
    required = REQUIRED[figure.key]
    return figure._asdict() | required._asdict() | {"verdict": verdict(required, figure.value)}


def verdict(required: Required, value: float) -> str:
    """aim, met, missed; reported where nothing is required."""
    if required.limit is None:
        return "reported"
    sign = 1 if required.unit == "x" else -1
    if required.aim is not None and sign * value >= sign * required.aim:
        return "aim"
    return "met" if sign * value >= sign * required.limit else "missed"


def table(report: dict[str, Any]) -> str:
    """The rows in Markdown, those of one and two threads side by side."""
    columns = [f"{side}, {count} thread{'s' * (count > 1)}" for count in (1, 2) for side in ("ours", "peer", "ratio")]
    lines = [["what", "required", "aim", *columns, "verdict"]]
    for key in report["asked_for"]:
        required = REQUIRED[key]
        limits = ["-" if x is None else limit_text(required.unit, x) for x in (required.limit, required.aim)]
        rows = [row for row in report["rows"] if row["key"] == key]
        for model in dict.fromkeys(row["model"] for row in rows):
            of_model = {row["threads"]: row for row in rows if row["model"] == model}
            worst = min((row["verdict"] for row in of_model.values()), key=VERDICTS.index)
            cells = [cell for threads in (1, 2) for cell in cells_of(of_model.get(threads))]
            lines.append([f"{required.what}{', ' * bool(model)}{model}", *limits, *cells, worst])
        if not rows:
            lines.append([required.what, *limits, *[""] * len(columns), "not measured"])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def cells_of(row: dict[str, Any] | None) -> list[str]:
    """Ours, the peer's and the value of a row, with the range it lies in."""
    if row is None:
        return ["", "", ""]
    value = value_text(row["unit"], row["value"])
    if row["between"]:
        value += f" ({' to '.join(value_text(row['unit'], x) for x in row['between'])})"
    return [row["ours"], row["peer"], value]


def value_text(unit: str, value: float) -> str:
    """A measured value as the table shows it."""
    return {"x": f"{value:.2f}x", "%": f"{100 * value:.1f} %", "nats": f"{value:+.5f}", "s": f"{value:.2f} s"}[unit]


def limit_text(unit: str, value: float) -> str:
    """A limit as it was set."""
    return {"x": f"{value:g}x", "%": f"{100 * value:g} %", "nats": f"{value:g}", "s": f"{value:g} s"}[unit]


def notes(report: dict[str, Any]) -> Iterable[str]:
    """What has to be known with the table, a line each."""
    reports, loads = report["reports"], [load[0] for load in report["loads"].values() if load]
    yield "Times are medians, of kernels their geometric means over shapes. Ratios are medians over rounds in which"
    yield "both took turns, at p99 quotients; in brackets lowest and highest shape, of log loss the 95 % interval."
    if "peak" in reports:
        peak = reports["peak"]
        shares = ", ".join(f"{name} {100 * row['share']:.0f} %" for name, row in peak["libraries"].items())
        yield f"Of a core's peak, {peak['peak_gflops']:.0f} GFLOP/s in float32, large products attain: {shares}."
    if "int8" in reports:
        int8 = reports["int8"]
        yield f"int8 was judged on {int8['held_out']:,} held-out leads; model: {int8['model']}."
    left_out = {name: why for found in reports.values() for name, why in found.get("left_out", {}).items()}
    yield from (f"{name} is left out: {why}." for name, why in left_out.items())
    yield from (f"{name} FAILED: {why}" for name, why in report["failed"].items())
    if loads:
        yield f"Load in the minute before each script ended: {min(loads):.1f} to {max(loads):.1f}."
    missed = sum(row["verdict"] == "missed" for row in report["rows"])
    judged = sum(row["verdict"] != "reported" for row in report["rows"])
    yield f"{judged - missed} of {judged} figures meet what is required; {report['seconds']:.0f} s in all."


if __name__ == "__main__":
    sys.exit(main())
