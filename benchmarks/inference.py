"""The whole model, compiled, against PyTorch eager and ONNX Runtime on the same weights: one lead, a batch, decoding.

    python benchmarks/inference.py [--threads 1] [--rounds 200] [--json FILE]

Needs the extra `oracle` (PyTorch, ONNX Runtime). One process, contestants in turns, medians of ratios. Nothing is
required here: the figures are judged in benchmarks/speed.py.
"""

import fair  # isort: split

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # extra: oracle
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]  # extra: oracle
from onnx_lead_scout import onnx_logits  # pyright: ignore[reportMissingImports]  # extra: oracle
from rich.console import Console
from rich.table import Table
from scipy import sparse
from torch_lead_scout import TorchBlock, TorchLeadScout, torch_batch  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.inference import compile
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens

TOKENS, BATCH, PROMPT = 64, 256, 8
VOCABULARY, LANGUAGE, WIDE = 1500, 700, 800
NUMBERS = tuple(range(1400, 1424))
MODELS = {"D 64, 2 layers": (64, 2), "D 128, 4 layers": (128, 4)}
HEADS = 4


def make_model(width: int, depth: int) -> LeadScout:
    """A model whose reply head is not zero, as a fresh one's is."""
    config = LeadScoutConfig(VOCABULARY, LANGUAGE, NUMBERS, WIDE, width, depth, HEADS, TOKENS, 0.0)
    rng = np.random.default_rng(0)
    model = LeadScout(config, rng=rng)
    model.reply.weight.data[:] = rng.standard_normal((1, width)) * 0.1
    model.wide.weight.data[:] = rng.standard_normal(WIDE) * 0.1
    return model.eval()


def make_leads(leads: int) -> Examples:
    """Leads of TOKENS tokens: an eighth carry an amount, two thirds an age; 24 wide features a lead."""
    rng, n = np.random.default_rng(1), leads * TOKENS
    number = rng.random(n) < 1 / 8
    ids = np.where(number, rng.choice(NUMBERS, n), rng.integers(6, VOCABULARY, n))
    tokens = Tokens(
        ids.astype(np.int32),
        np.where(number, rng.uniform(-1, 1, n), 0).astype(np.float32),
        np.where(rng.random(n) < 2 / 3, rng.exponential(200.0, n), np.nan).astype(np.float32),
        np.arange(leads + 1) * TOKENS,
        np.zeros(leads, np.int32),
    )
    return Examples(
        tokens, sparse.csr_matrix(sparse.random_array((leads, WIDE), density=0.03, dtype=np.float32, rng=rng))
    )


def contestants(model: LeadScout, examples: Examples) -> dict[str, Callable[[], np.ndarray]]:
    """Functions that give the reply logits, after checking that all give the same."""
    padded = examples.tokens.pad()
    inputs, peer = torch_batch(padded, examples.features), TorchLeadScout(model).eval()
    feed = {"ids": padded.ids.astype(np.int64), "values": padded.values, "ages": padded.ages}

    def eager() -> np.ndarray:
        with torch.inference_mode():
            return peer(*inputs, True).numpy()

    there: dict[str, Callable[[], np.ndarray]] = {"torch": eager}
    for dtype in ("float32", "int8"):
        there[f"ours {dtype}"] = partial(compile(model, dtype, threads=fair.THREADS).logits, examples)
        there[f"onnx {dtype}"] = partial(onnx_logits(model, TOKENS, dtype, fair.THREADS), feed)
    wide, right = examples.features @ model.wide.weight.data, eager()
    for name, call in there.items():
        off = np.abs(call() + (wide if name.startswith("onnx") else 0) - right).max()
        if not off < (1e-4 if "int8" not in name else 0.3):
            raise SystemExit(f"inference: {name} differs from torch by {off:.2e}, so the models differ")
    return there


def decoders(model: LeadScout) -> dict[str, Callable[[], Any]]:
    """Functions that read a prompt and write the likeliest token each time, until all positions are full."""
    prompt = make_leads(1).tokens
    head = prompt.ids[:PROMPT], prompt.values[:PROMPT], prompt.ages[:PROMPT]

    def write(compiled) -> Callable[[], list[int]]:
        cache = compiled.cache()

        def run() -> list[int]:
            cache.truncate()
            logits, written = compiled.prefill(*head, cache), []
            while cache.length < TOKENS:
                written.append(int(logits.argmax()))
                logits = compiled.decode(written[-1], cache)
            return written

        return run

    there = {f"ours {dtype}": write(compile(model, dtype, threads=1)) for dtype in ("float32", "int8")}
    there["torch"] = torch_decoder(model, head)
    ours, theirs = there["ours float32"](), there["torch"]()
    if ours[:8] != theirs[:8]:  # later, a near tie may fall the other way
        raise SystemExit(f"inference: decoding differs: {ours[:8]} and {theirs[:8]}")
    return there


def torch_decoder(model: LeadScout, head: tuple[np.ndarray, ...]) -> Callable[[], list[int]]:
    """PyTorch eager with a preallocated key-value cache."""
    peer, config = TorchLeadScout(model).eval(), model.config
    k = config.width // HEADS
    keys, values = (torch.zeros(config.depth, 1, HEADS, TOKENS, k) for _ in range(2))
    ids, amounts, ages = (torch.from_numpy(part)[None] for part in head)
    no_amount, no_age = torch.zeros(1, 1), torch.full((1, 1), torch.nan)

    def step(ids, amounts, ages, at: int) -> torch.Tensor:
        rows = ids.shape[1]
        x = peer.token(ids) + peer.position.weight[at : at + rows] + peer.age["project"](peer.age_features(ages))
        x = x + peer.amounts(ids, amounts)
        for i, block in enumerate(cast("list[TorchBlock]", list(peer.blocks))):
            qkv = block.attention.qkv(block.attention_norm(x)).view(1, rows, 3, HEADS, k).permute(2, 0, 3, 1, 4)
            keys[i][:, :, at : at + rows], values[i][:, :, at : at + rows] = qkv[1], qkv[2]
            seen = keys[i][:, :, : at + rows], values[i][:, :, : at + rows]
            mixed = F.scaled_dot_product_attention(qkv[0], *seen, is_causal=rows > 1)
            x = block.add(x, block.attention.out(mixed.transpose(1, 2).reshape(1, rows, config.width)))
        return peer.norm(x[:, -1]) @ peer.token.weight[:LANGUAGE].T

    def run() -> list[int]:
        with torch.inference_mode():
            logits, at, written = step(ids.long(), amounts, ages, 0), PROMPT, []
            while at < TOKENS:
                token = logits.argmax(dim=-1, keepdim=True)
                written.append(int(token))
                logits, at = step(token, no_amount, no_age, at), at + 1
            return written

    return run


def times_of(calls: dict[str, Callable[[], Any]], rounds: int, ours: dict[str, str]) -> dict[str, Any]:
    """Milliseconds of each contestant, and how many times faster ours is than its peers, round by round."""
    times = fair.interleave(calls, rounds=rounds)
    figures: dict[str, Any] = {
        name: {"p50_ms": 1e3 * statistics.median(t.wall), "p99_ms": 1e3 * float(np.quantile(t.wall, 0.99))}
        for name, t in times.items()
    }
    for peer, against in ours.items():
        figures[peer][f"times {against}"] = fair.ratio(times[peer].wall, times[against].wall)
        figures[peer][f"times {against} p99"] = figures[peer]["p99_ms"] / figures[against]["p99_ms"]
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description="LeadScout compiled against PyTorch and ONNX Runtime.")
    parser.add_argument("--threads", type=int, default=1, help="threads of each contestant (default 1)")
    parser.add_argument("--rounds", type=int, default=200, help="timed calls of each for one lead (default 200)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    torch.set_num_threads(fair.THREADS)
    against = {"onnx float32": "ours float32", "onnx int8": "ours int8", "torch": "ours float32"}
    cases: dict[str, Any] = {}
    for name, (width, depth) in MODELS.items():
        model = make_model(width, depth)
        cases[f"{name}: one lead"] = times_of(contestants(model, make_leads(1)), args.rounds, against)
        cases[f"{name}: {BATCH} leads"] = times_of(
            contestants(model, make_leads(BATCH)), max(5, args.rounds // 20), against
        )
        figures = times_of(decoders(model), max(5, args.rounds // 10), {"torch": "ours float32"})
        for row in figures.values():
            row["tokens_per_second"] = 1e3 * (TOKENS - PROMPT) / row["p50_ms"]
        figures["torch"]["times ours int8"] = figures["torch"]["p50_ms"] / figures["ours int8"]["p50_ms"]
        cases[f"{name}: decode"] = figures
    report = {
        "benchmark": "inference",
        "shape": {"tokens": TOKENS, "heads": HEADS, "vocabulary": VOCABULARY, "wide": WIDE},
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "numba", "torch", "onnxruntime"),
        "cases": cases,
    }
    _print(report)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _print(report: dict[str, Any]) -> None:
    console, machine = Console(), report["machine"]
    table = Table(title=f"LeadScout, {TOKENS} tokens a lead, {HEADS} heads, {machine['threads']} thread(s)")
    for column in ("case", "contestant", "p50 ms", "p99 ms", "ours is faster", "at p99"):
        table.add_column(column, justify="left" if column in ("case", "contestant") else "right")
    for case, figures in report["cases"].items():
        for name, row in figures.items():
            faster = [f"{v:.2f} ({k.removeprefix('times ours ')})" for k, v in row.items() if _is_ratio(k)]
            tail = [f"{v:.2f}" for k, v in row.items() if k.endswith(" p99")]
            table.add_row(
                case, name, f"{row['p50_ms']:.3f}", f"{row['p99_ms']:.3f}", ", ".join(faster), ", ".join(tail)
            )
    console.print(table)
    console.print(f"{machine['cpu']}, load {machine['load']}, OpenBLAS {machine['openblas']}")
    console.print(", ".join(f"{name} {version}" for name, version in report["versions"].items()))


def _is_ratio(key: str) -> bool:
    return key.startswith("times ") and not key.endswith(" p99")


if __name__ == "__main__":
    sys.exit(main())
