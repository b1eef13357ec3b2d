"""One training step of LeadScout (forward, backward, AdamW) against PyTorch eager, on one thread.

    python benchmarks/training_step.py [--rounds 30] [--cases full ...] [--json FILE]

Needs the extra `oracle` (PyTorch). Nothing is required here: the case `full` is judged in benchmarks/speed.py.
"""

import fair  # isort: split

import statistics
import sys
import warnings

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # extra: oracle
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]  # extra: oracle
from report import finish, new_parser
from scipy import sparse
from torch_lead_scout import TorchLeadScout, torch_batch  # pyright: ignore[reportMissingImports]  # extra: oracle

from tinyscout.autograd import Tensor, keep_freed_memory, ops
from tinyscout.metrics.table import Table
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.optim import AdamW
from tinyscout.tokenizer import Padded

BATCH, TIME, DEPTH, HEADS = 128, 64, 3, 4
WIDTHS = 64, 128
VOCABULARY, WIDE = 1500, 800
NUMBERS = tuple(range(1000, 1024))  # the ids that carry an amount
LEARNING_RATE, DECAY, BETAS, EPS = 1e-3, 0.01, (0.9, 0.999), 1e-8
CASES = {  # name: (shortest lead, dropout, whether the last layer is computed at <score> alone)
    "full": (TIME, 0.0, False),
    "ragged": (TIME // 4, 0.0, False),
    "dropout": (TIME, 0.1, False),
    "reply": (TIME, 0.0, True),
}


def make_batch(shortest: int, rng: np.random.Generator) -> tuple[Padded, sparse.csr_matrix, np.ndarray]:
    """A batch shaped like real ones: an eighth of the tokens carry an amount, two thirds an age."""
    shape = (BATCH, TIME)
    lengths = rng.integers(shortest, TIME + 1, BATCH).astype(np.int32)
    real = np.arange(TIME) < lengths[:, None]
    number = real & (rng.random(shape) < 1 / 8)
    ids = np.where(number, rng.choice(NUMBERS, shape), np.where(real, rng.integers(6, VOCABULARY, shape), 0))
    values = np.where(number, rng.uniform(-1, 1, shape), 0).astype(np.float32)
    ages = np.where(real & (rng.random(shape) < 2 / 3), rng.exponential(200.0, shape), np.nan).astype(np.float32)
    features = sparse.csr_matrix(sparse.random_array((BATCH, WIDE), density=0.03, dtype=np.float32, rng=rng))
    return Padded(ids.astype(np.int32), values, ages, lengths), features, (rng.random(BATCH) < 0.1).astype(np.float32)


def our_logits(model: LeadScout, batch: Padded, features: sparse.csr_matrix, last_only: bool) -> Tensor:
    if last_only:
        return model.reply_logits(batch, features)
    last = model.hidden(model.embed(batch), batch.lengths)[np.arange(BATCH), batch.lengths - 1]
    return model.reply(last).reshape(-1) + model.wide(features)


def our_step(model: LeadScout, batch: Padded, features: sparse.csr_matrix, y: np.ndarray, last_only: bool):
    optimizer = AdamW(model.named_parameters(), LEARNING_RATE, BETAS, EPS, DECAY)

    def step() -> float:
        loss = ops.bce_with_logits(our_logits(model, batch, features, last_only), targets=y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def torch_step(model: LeadScout, batch: Padded, features: sparse.csr_matrix, y: np.ndarray, last_only: bool):
    peer = TorchLeadScout(model)
    norms_and_biases = [p for name, p in peer.named_parameters() if name.endswith("bias") or "norm" in name]
    kept = {id(p) for p in norms_and_biases}
    groups = [
        {"params": [p for p in peer.parameters() if id(p) not in kept]},
        {"params": norms_and_biases, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, LEARNING_RATE, BETAS, EPS, DECAY, fused=True)  # PyTorch's fastest
    inputs, target = torch_batch(batch, features), torch.from_numpy(y)

    def step() -> float:
        loss = F.binary_cross_entropy_with_logits(peer(*inputs, last_only), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(name: str, width: int, rounds: int) -> dict[str, float]:
    """Time both on one case, after checking that six steps lose alike to 1e-4."""
    shortest, dropout, last_only = CASES[name]
    rng = np.random.default_rng(0)
    config = LeadScoutConfig(VOCABULARY, 500, NUMBERS, WIDE, width, DEPTH, HEADS, TIME, dropout)
    model = LeadScout(config, rng=rng)
    model.reply.weight.data[:] = rng.standard_normal((1, width)) * 0.1  # at zero the backbone would learn nothing yet
    case = make_batch(shortest, rng)
    theirs = torch_step(model, *case, last_only)  # copies the weights before ours move them
    ours = our_step(model, *case, last_only)
    losses = np.array([(ours(), theirs()) for _ in range(6)])  # (step, contestant)
    difference = float(np.abs(losses[:, 0] - losses[:, 1]).max())
    if dropout == 0 and not difference <= 1e-4:
        raise SystemExit(
            f"training_step: case {name} at D {width}: the losses differ by {difference:.2e}, so the models differ"
        )
    times = fair.interleave({"ours": ours, "torch": theirs}, rounds=rounds)
    return {
        "ours_ms": 1e3 * statistics.median(times["ours"].wall),
        "torch_ms": 1e3 * statistics.median(times["torch"].wall),
        "ours_best_ms": 1e3 * min(times["ours"].wall),
        "torch_best_ms": 1e3 * min(times["torch"].wall),
        "ratio": fair.ratio(times["ours"].wall, times["torch"].wall),
        "cpu_ratio": fair.ratio(times["ours"].cpu, times["torch"].cpu),
        "loss_difference": difference,
    }


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="timed steps of each, taking turns (default 30)")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="default: all")
    args = parser.parse_args()
    keep_freed_memory()  # as the fit loop does; PyTorch allocates from the same malloc
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    torch.set_num_threads(fair.THREADS)
    cases = {f"D{width}": {name: measure(name, width, args.rounds) for name in args.cases} for width in WIDTHS}
    report = {
        "benchmark": "training_step",
        "shape": {"batch": BATCH, "tokens": TIME, "widths": WIDTHS, "layers": DEPTH, "heads": HEADS},
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "numba", "torch"),
        "cases": cases,
    }
    show(report)
    return finish(report, args.json)


def show(report: dict) -> None:
    rows = []
    for width, cases in report["cases"].items():
        for name, row in cases.items():
            times = [f"{row[key]:.1f}" for key in ("ours_ms", "torch_ms", "ours_best_ms", "torch_best_ms")]
            ratios = [f"{row[key]:.2f}" for key in ("ratio", "cpu_ratio")]
            rows.append(
                [f"{width}, {name}", *times, *ratios, f"{row['loss_difference']:.1e}" if CASES[name][1] == 0 else "-"]
            )
    print(f"One training step, batch {BATCH} x {TIME} tokens, {DEPTH} layers, {HEADS} heads, times in ms:\n")
    columns = ["case", "ours", "PyTorch", "ours,\nbest", "PyTorch,\nbest", "ratio", "CPU\nratio", "losses\ndiffer"]
    print(Table(columns, rows).text() + "\n")


if __name__ == "__main__":
    sys.exit(main())
