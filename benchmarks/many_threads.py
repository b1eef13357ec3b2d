"""Many Python threads score at once, in this process, in a forked and in a spawned one: always the bits of one thread.

    python benchmarks/many_threads.py [--workers 16] [--seconds 60] [--json FILE]

Exit code 1 where a result differs or a process does not end well.
"""

import fair  # isort: split

import multiprocessing
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from report import finish, new_parser
from scipy import sparse

from tinyscout.inference import compile
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.tokenizer import Tokens
from tinyscout.tokenizer.tokens import offsets_of

LEADS, TOKENS, VOCABULARY, WIDE = 512, 64, 1500, 200


def make_case() -> tuple[LeadScout, Examples]:
    """A model and leads of all lengths, the same in every process."""
    rng = np.random.default_rng(0)
    model = LeadScout(LeadScoutConfig(VOCABULARY, 500, (), WIDE, 64, 2, 4, TOKENS), rng=rng)
    model.reply.weight.data[:] = rng.standard_normal((1, 64)) * 0.1
    lengths = rng.integers(1, TOKENS + 1, LEADS)
    n = int(lengths.sum())
    tokens = Tokens(
        rng.integers(0, VOCABULARY, n).astype(np.int32),
        np.zeros(n, np.float32),
        rng.exponential(200.0, n).astype(np.float32),
        offsets_of(lengths),
        np.zeros(LEADS, np.int32),
    )
    return model, Examples(tokens, sparse.csr_matrix(sparse.random_array((LEADS, WIDE), density=0.1, rng=rng)))


def score(workers: int, seconds: float) -> dict[str, int]:
    """Calls made and calls that gave other bits than one thread does, over both types and batches of all sizes."""
    model, examples = make_case()
    compiled = {dtype: compile(model, dtype, threads=2) for dtype in ("float32", "int8")}
    serial = {dtype: compile(model, dtype, threads=1).logits(examples) for dtype in compiled}
    end = time.monotonic() + seconds

    def work(number: int) -> tuple[int, int]:
        rng, calls, wrong = np.random.default_rng(number), 0, 0
        while time.monotonic() < end:
            rows = rng.choice(LEADS, rng.integers(1, LEADS + 1), replace=False)
            for dtype, each in compiled.items():
                calls += 1
                wrong += not np.array_equal(each.logits(examples.take(rows)), serial[dtype][rows])
        return calls, wrong

    with ThreadPoolExecutor(workers) as pool:
        calls, wrong = zip(*pool.map(work, range(workers)), strict=True)
    return {"calls": sum(calls), "wrong": sum(wrong)}


def _elsewhere(workers: int, seconds: float, sender: Any) -> None:
    sender.send(score(workers, seconds))


def score_elsewhere(method: str, workers: int, seconds: float) -> dict[str, int]:
    """The same in another process; exit_code is -1 where it gave no answer."""
    context: Any = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_elsewhere, args=(workers, seconds, sender), daemon=True)
    process.start()
    found = receiver.recv() if receiver.poll(seconds + 120) else {"calls": 0, "wrong": 0}
    process.join(20)
    return found | {"exit_code": -1 if process.exitcode is None else process.exitcode}


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--workers", type=int, default=16, help="Python threads (default 16)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long in this process (default 60)")
    args = parser.parse_args()
    cases = {"this process": score(args.workers, args.seconds)}
    methods = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]
    cases |= {method: score_elsewhere(method, args.workers, args.seconds / 6) for method in methods}
    passed = all(c["calls"] and not c["wrong"] and not c.get("exit_code", 0) for c in cases.values())
    report = {
        "benchmark": "many_threads",
        "workers": args.workers,
        "seconds": args.seconds,
        "machine": fair.machine(),
        "cases": cases,
        "passed": passed,
    }
    for name, case in cases.items():
        print(f"{name}: {case['calls']:,} calls from {args.workers} threads, {case['wrong']} wrong")
    print("passed" if passed else "NOT PASSED")
    return finish(report, args.json)


if __name__ == "__main__":
    sys.exit(main())
