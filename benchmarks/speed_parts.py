"""The scripts that speed.py runs, and the figures of its table that come of their reports."""

import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Report = dict[str, Any]


class Figure(NamedTuple):
    """One measured figure of the row `key`: both sides as text, and the value that is judged.

    model: sizes, where a row has several; between: lowest and highest value, where it is a mean or an estimate.
    """

    key: str
    value: float
    model: str = ""
    threads: int = 1
    ours: str = ""
    peer: str = ""
    between: tuple[float, float] | None = None


class Part(NamedTuple):
    """A script with its arguments, about how many seconds it takes, and which rows come of its report."""

    command: list[str]
    seconds: int
    figures: Callable[[Report], Iterator[Figure]]
    keys: tuple[str, ...]


def clock(ms: float) -> str:
    """Milliseconds as text, in microseconds below one, with three digits at least."""
    value, unit = (1e3 * ms, "us") if ms < 1 else (ms, "ms")
    return f"{value:,.{max(0, 2 - int(math.log10(value)))}f} {unit}"


def kernel_figures(report: Report) -> Iterator[Figure]:
    attention = report["attention"]
    for key, rows, ours, peer in (
        ("gemm", report["gemm"], "packed", "openblas"),
        ("attention forward", [row["forward"] for row in attention], "ours", "torch"),
        ("attention forward + backward", [row["forward_backward"] for row in attention], "ours", "torch"),
    ):
        times = [row[f"times_{peer}"] for row in rows]
        mine, theirs = (statistics.geometric_mean([row[f"{side}_us"] for row in rows]) for side in (ours, peer))
        between = min(times), max(times)
        yield Figure(key, statistics.geometric_mean(times), "", 1, clock(mine / 1e3), clock(theirs / 1e3), between)


def training_figures(report: Report) -> Iterator[Figure]:
    for width, cases in report["cases"].items():
        ours, peer = (clock(cases["full"][name]) for name in ("ours_ms", "torch_ms"))
        yield Figure("training step", 1 / cases["full"]["ratio"], width.replace("D", "D "), 1, ours, peer)


ROW_OF = {  # kind of case, peer -> row
    ("one lead", "onnxruntime"): "one lead {dtype} {part}",
    ("256 leads", "onnxruntime"): "256 leads {dtype}",
    ("256 leads", "torch.compile"): "256 leads torch.compile",
    ("256 leads", "one thread"): "two threads {dtype}",
    ("decode", "torch"): "decode {dtype}",
}


def inference_figures(report: Report) -> Iterator[Figure]:
    for case, pairs in report["cases"].items():
        model, kind = case.split(": ")
        for pair in pairs:
            row = ROW_OF.get((kind, pair["peer"]), "")
            for part in ("p50", "p99") if "{part}" in row else ("p50",) if row else ():
                ours, peer = (clock(pair[f"{side}_{part}_ms"]) for side in ("ours", "peer"))
                key = row.format(dtype=pair["dtype"], part=part)
                yield Figure(key, pair[f"times_{part}"], model, report["machine"]["threads"], ours, peer)


def int8_figures(report: Report) -> Iterator[Figure]:
    small, large = (f"{report['bytes'][dtype] / 1024:,.0f} kB" for dtype in ("int8", "float32"))
    yield Figure("int8 file", report["share"], "", 1, small, large)
    ours, peer = (f"{report['log_loss'][dtype]:.5f}" for dtype in ("int8", "float32"))
    value, low, high = (report["difference"][name] for name in ("value", "low", "high"))
    yield Figure("int8 log loss", value, "", 1, ours, peer, (low, high))


def startup_figures(report: Report) -> Iterator[Figure]:
    seconds = report["calls"]["first probability"]["seconds"]
    yield Figure("first probability", seconds, threads=report["machine"]["threads"])


def scoring_figures(report: Report) -> Iterator[Figure]:
    for row in report["variants"].values():
        yield Figure("500,000 leads", row["seconds"], threads=report["machine"]["threads"])


MODEL = ("one lead float32 p50", "one lead float32 p99", "one lead int8 p50", "one lead int8 p99", "256 leads float32",
         "256 leads int8", "256 leads torch.compile")  # fmt: skip
ONE, TWO = (*MODEL, "decode float32", "decode int8"), (*MODEL, "two threads float32", "two threads int8")
PARTS = {
    "peak": Part(["peak.py"], 15, lambda report: iter(()), ()),
    "kernels": Part(["kernels.py"], 30, kernel_figures, ("gemm", "attention forward", "attention forward + backward")),
    "training step": Part(["training_step.py", "--cases", "full"], 40, training_figures, ("training step",)),
    "inference, one thread": Part(["inference.py", "--threads", "1"], 100, inference_figures, ONE),
    "inference, two threads": Part(["inference.py", "--threads", "2"], 100, inference_figures, TWO),
    "int8": Part(["int8_scout.py"], 70, int8_figures, ("int8 file", "int8 log loss")),
    "startup": Part(["startup.py"], 60, startup_figures, ("first probability",)),
    "scoring": Part(["scoring.py", "--variants", "scores alone, int8"], 300, scoring_figures, ("500,000 leads",)),
}
