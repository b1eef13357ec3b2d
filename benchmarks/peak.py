"""How much of a core's peak each library's float32 product attains: ours, OpenBLAS, PyTorch's MKL.

    python benchmarks/peak.py [--rounds 30] [--json FILE]

The peak is measured by a loop of independent fused multiply-adds in registers. What a library attains is what a ratio
against it depends on: on AMD processors PyTorch's MKL stays at about 40 %.
"""

import fair  # isort: split

import sys
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # extra: oracle
from kernels import filled
from report import finish, new_parser

from tinyscout import kernels
from tinyscout.kernels import gemm
from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import LANES, fma, load, splat, store
from tinyscout.metrics.table import Table

f32 = np.float32
SIZES = (256, 512, 1024)  # square products; a library is judged by its best
CHAINS, STEPS = 10, 50_000  # two units of latency 4 or 5 need 8 to 10 chains


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="measurements of each, taking turns (default 30)")
    args = parser.parse_args()
    torch.set_num_threads(fair.THREADS)
    report = measure(args.rounds)
    rows = [
        [name, f"{row['gflops']:.0f}", f"{100 * row['share']:.0f} %", str(row["size"])]
        for name, row in report["libraries"].items()
    ]
    print(f"One core's peak, a loop of fused multiply-adds: {report['peak_gflops']:.0f} GFLOP/s\n")
    print(Table(["product of", "GFLOP/s", "of peak", "at size"], rows).text() + "\n")
    return finish(report, args.json)


def measure(rounds: int) -> dict[str, Any]:
    """GFLOP/s of the loop and of each library's fastest square product; ours has its weight packed before."""
    lanes = filled(CHAINS * LANES, rng=np.random.default_rng(0))
    peak, best = 0.0, {}  # GFLOP/s; contestant -> GFLOP/s and size
    for size in SIZES:
        times = fair.interleave(products(size) | {"": lambda: chains(STEPS, lanes)}, rounds=rounds)
        peak = max(peak, 2e-9 * CHAINS * STEPS * LANES / min(times.pop("").wall))
        for name, found in times.items():
            best[name] = max(best.get(name, (0.0, 0)), (2e-9 * size**3 / min(found.wall), size))
    return {
        "benchmark": "peak",
        "peak_gflops": peak,
        "libraries": {name: {"gflops": v, "share": v / peak, "size": size} for name, (v, size) in best.items()},
        "machine": fair.machine(),
        "versions": fair.versions("numpy", "numba", "torch"),
    }


def products(size: int) -> dict[str, Any]:
    """Functions that multiply two square matrices."""
    rng = np.random.default_rng(0)
    x, weight, out = (filled(size, size, rng=rng) for _ in range(3))
    turned, bias = np.ascontiguousarray(weight.T), np.zeros(size, f32)
    packed, flat_x, flat_out = kernels.pack_weight(weight).reshape(-1), x.reshape(-1), out.reshape(-1)
    parts = [torch.from_numpy(array) for array in (x, turned, out)]
    return {
        "ours": lambda: gemm.multiply_packed(size, size, size, flat_x, 0, size, packed, bias, flat_out, 0, size, False),
        "OpenBLAS": lambda: np.matmul(x, turned, out=out),
        "PyTorch's MKL": lambda: torch.mm(*parts[:2], out=parts[2]),
    }


@kernel
def chains(steps, x):
    """`steps` times CHAINS fused multiply-adds, none of which waits for another of its step; x (CHAINS * LANES,)."""
    half, one, n = splat(f32(0.5)), splat(f32(1)), LANES
    a, b, c, d, e = load(x, 0), load(x, n), load(x, 2 * n), load(x, 3 * n), load(x, 4 * n)  # alike, they would be one
    f, g, h, i, j = load(x, 5 * n), load(x, 6 * n), load(x, 7 * n), load(x, 8 * n), load(x, 9 * n)
    for _ in range(steps):
        a, b, c, d, e = fma(a, half, one), fma(b, half, one), fma(c, half, one), fma(d, half, one), fma(e, half, one)
        f, g, h, i, j = fma(f, half, one), fma(g, half, one), fma(h, half, one), fma(i, half, one), fma(j, half, one)
    store(x, 0, a + b + c + d + e + f + g + h + i + j)


if __name__ == "__main__":
    sys.exit(main())
