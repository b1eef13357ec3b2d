"""The whole model, compiled, against PyTorch eager and ONNX Runtime on the same weights: one lead, a batch, decoding.

    python benchmarks/inference.py [--threads 1] [--rounds 1000] [--json FILE]

Needs the extra `oracle` (PyTorch, ONNX Runtime); torch.compile also a C++ compiler. One process, contestants in turns,
medians of ratios. Nothing is required here: the figures are judged in benchmarks/speed.py.
"""

import fair  # isort: split

import os
import shutil
import statistics
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # extra: oracle
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]  # extra: oracle
from onnx_lead_scout import onnx_logits  # pyright: ignore[reportMissingImports]  # extra: oracle
from report import finish, new_parser
from scipy import sparse
from torch_lead_scout import TorchBlock, TorchLeadScout, torch_batch  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.inference import compile
from tinyscout.metrics.table import Table
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens

TOKENS, BATCH, PROMPT = 64, 256, 8
VOCABULARY, LANGUAGE, WIDE = 1500, 700, 800
NUMBERS = tuple(range(1400, 1424))
MODELS = {"D 64, 2 layers": (64, 2), "D 128, 4 layers": (128, 4)}
HEADS = 4
DTYPES = ("float32", "int8")
Call = Callable[[], Any]
COMPILER = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")  # that torch.compile needs


class Pair(NamedTuple):
    """Ours of a type against a peer."""

    dtype: str
    peer: str


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


def score_pairs(model: LeadScout, examples: Examples) -> dict[Pair, tuple[Call, Call]]:
    """Ours and each peer's function that gives the reply logits, after checking that all give the same."""
    many = len(examples) > 1
    padded = examples.tokens.pad()
    inputs, peer = torch_batch(padded, examples.features), TorchLeadScout(model).eval()
    feed = {"ids": padded.ids.astype(np.int64), "values": padded.values, "ages": padded.ages}

    def run(peer: Callable[..., torch.Tensor]) -> np.ndarray:
        with torch.inference_mode():
            return peer(*inputs, True).numpy()

    ours = {dtype: partial(compile(model, dtype, threads=fair.THREADS).logits, examples) for dtype in DTYPES}
    peers: dict[Pair, Call] = {
        Pair(dtype, "onnxruntime"): partial(onnx_logits(model, TOKENS, dtype, fair.THREADS, spin=not many), feed)
        for dtype in DTYPES
    }
    peers[Pair("float32", "torch")] = partial(run, peer)
    if COMPILER:
        torch.compiler.reset()  # or it would compile for any number of leads, which is slower
        peers[Pair("float32", "torch.compile")] = partial(run, torch.compile(peer, dynamic=False))
    if fair.THREADS > 1 and many:
        for dtype in DTYPES:
            peers[Pair(dtype, "one thread")] = partial(compile(model, dtype, threads=1).logits, examples)
    wide, right = examples.features @ model.wide.weight.data, run(peer)
    for (dtype, name), call in [*peers.items(), *((Pair(dtype, "ours"), call) for dtype, call in ours.items())]:
        off = np.abs(call() + (wide if name == "onnxruntime" else 0) - right).max()
        if not off < (1e-4 if dtype == "float32" else 0.3):
            raise SystemExit(f"inference: {dtype}, {name} differs from torch by {off:.2e}, so the models differ")
    return {pair: (ours[pair.dtype], call) for pair, call in peers.items()}


def decode_pairs(model: LeadScout) -> dict[Pair, tuple[Call, Call]]:
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

    ours, theirs = {dtype: write(compile(model, dtype, threads=1)) for dtype in DTYPES}, torch_decoder(model, head)
    mine, right = ours["float32"](), theirs()
    if mine[:8] != right[:8]:  # later, a near tie may fall the other way
        raise SystemExit(f"inference: decoding differs: {mine[:8]} and {right[:8]}")
    return {Pair(dtype, "torch"): (call, theirs) for dtype, call in ours.items()}


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


def measure(pairs: dict[Pair, tuple[Call, Call]], rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of both sides of each pair, and how many times faster ours is, round by round."""
    rows = []
    for (dtype, peer), (ours, theirs) in pairs.items():
        times = fair.interleave({"ours": ours, "peer": theirs}, rounds=rounds)
        row: dict[str, Any] = {"dtype": dtype, "peer": peer}
        for name, found in times.items():
            row[f"{name}_p50_ms"] = 1e3 * statistics.median(found.wall)
            row[f"{name}_p99_ms"] = 1e3 * float(np.quantile(found.wall, 0.99))
        row["times_p50"] = fair.ratio(times["peer"].wall, times["ours"].wall)
        row["times_p99"] = row["peer_p99_ms"] / row["ours_p99_ms"]
        rows.append(row)
    return rows


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1, help="threads of each contestant (default 1)")
    parser.add_argument("--rounds", type=int, default=1000, help="timed calls of each for one lead (default 1000)")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    torch.set_num_threads(fair.THREADS)
    cases: dict[str, list[dict[str, Any]]] = {}
    for name, sizes in MODELS.items():
        model = make_model(*sizes)
        cases[f"{name}: one lead"] = measure(score_pairs(model, make_leads(1)), args.rounds)
        cases[f"{name}: {BATCH} leads"] = measure(score_pairs(model, make_leads(BATCH)), max(5, args.rounds // 100))
        if fair.THREADS == 1:  # ours has no use for a second, and PyTorch's makes it slower
            cases[f"{name}: decode"] = measure(decode_pairs(model), max(5, args.rounds // 20))
    report = {
        "benchmark": "inference",
        "shape": {"tokens": TOKENS, "heads": HEADS, "vocabulary": VOCABULARY, "wide": WIDE},
        "left_out": {} if COMPILER else {"torch.compile": "no C++ compiler was found"},
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "numba", "torch", "onnxruntime"),
        "cases": cases,
    }
    show(report)
    return finish(report, args.json)


def show(report: dict[str, Any]) -> None:
    figures = ("ours_p50_ms", "peer_p50_ms", "times_p50", "ours_p99_ms", "peer_p99_ms", "times_p99")
    rows = [
        [case, pair["dtype"], pair["peer"], *(f"{pair[name]:.{2 if 'times' in name else 3}f}" for name in figures)]
        for case, pairs in report["cases"].items()
        for pair in pairs
    ]
    print(f"LeadScout, {TOKENS} tokens a lead, {HEADS} heads:\n")
    columns = [
        "case",
        "ours",
        "peer",
        "ours\np50 ms",
        "peer's\np50 ms",
        "times",
        "ours\np99 ms",
        "peer's\np99 ms",
        "times",
    ]
    print(Table(columns, rows).text() + "\n")
    print("".join(f"{name} is left out: {reason}.\n" for name, reason in report["left_out"].items()), end="")


if __name__ == "__main__":
    sys.exit(main())
