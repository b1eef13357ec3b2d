"""Our kernels against their peers on one thread: products, 8-bit layers and attention at LeadScout's sizes.

    python benchmarks/kernels.py [--rounds 20] [--json FILE]

Needs the extra `oracle` (PyTorch, ONNX Runtime); a peer that is not installed is left out. Nothing is required here:
the means are judged in benchmarks/speed.py.
"""

import fair  # isort: split

import importlib.util
import math
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from report import finish, new_parser
from rich.console import Console
from rich.table import Table

from tinyscout import kernels
from tinyscout.autograd import keep_freed_memory
from tinyscout.kernels import gemm, int8
from tinyscout.kernels.jit import aligned


def installed(name: str) -> Any:
    """The module of this name, or None where its package is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


torch, onnx, onnxruntime = installed("torch"), installed("onnx"), installed("onnxruntime")
f32 = np.float32
LAYERS = [(64, 192), (64, 64), (64, 256), (256, 64), (128, 384), (128, 128), (128, 512), (512, 128)]  # (In, Out)
ROWS = (1, 64, 8192)  # one token, one lead, a batch of 128 leads
ATTENTION = [(1, 4, 64, 16), (128, 4, 64, 16), (1, 4, 64, 32), (128, 4, 64, 32)]  # (B, H, T, K)
LEAST_SECONDS = 2e-4  # calls are repeated until one measurement takes about as long


def compare(peers: dict[str, Callable[[], Any] | None], ours: str, operations: float, rounds: int) -> dict[str, float]:
    """Microseconds of each contestant, and how many times faster `ours` is than each of the others."""
    there = {name: call for name, call in peers.items() if call is not None}
    repeats = max(1, round(LEAST_SECONDS / max(fair.interleave({"": there[ours]}, rounds=3)[""].wall[-1], 1e-7)))

    def repeated(call: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(repeats):
                call()

        return run

    times = fair.interleave({name: repeated(call) for name, call in there.items()}, rounds=rounds)
    row = {f"{name}_us": 1e6 * statistics.median(t.wall) / repeats for name, t in times.items()}
    row |= {f"times_{name}": fair.ratio(t.wall, times[ours].wall) for name, t in times.items() if name != ours}
    return row | {"gops": operations / row[f"{ours}_us"] / 1e3}


def filled(*shape: int, rng: np.random.Generator) -> np.ndarray:
    """Random numbers in memory that starts on a cache line, for us and for peers alike."""
    array = aligned(math.prod(shape), f32).reshape(shape)
    array[...] = rng.standard_normal(shape)
    return array


def measure_gemm(rows: int, n_in: int, n_out: int, rounds: int) -> dict[str, Any]:
    """x @ weight.T: our layer with a weight packed once (and a bias), our product, and OpenBLAS (no bias)."""
    rng = np.random.default_rng(0)
    x, weight, bias = (filled(*s, rng=rng) for s in ((rows, n_in), (n_out, n_in), (n_out,)))
    turned, out = np.ascontiguousarray(weight.T), filled(rows, n_out, rng=rng)
    flat_x, packed, flat_out = x.reshape(-1), kernels.pack_weight(weight).reshape(-1), out.reshape(-1)
    row = compare(
        {
            "packed": lambda: gemm.multiply_packed(
                rows, n_in, n_out, flat_x, 0, n_in, packed, bias, flat_out, 0, n_out, False
            ),
            "matmul": lambda: kernels.matmul(x, turned, out=out),
            "openblas": lambda: np.matmul(x, turned, out=out),
        },
        "packed",
        2.0 * rows * n_in * n_out,
        rounds,
    )
    return {"rows": rows, "in": n_in, "out": n_out} | row


def measure_int8(rows: int, n_in: int, n_out: int, rounds: int) -> dict[str, Any]:
    """The same layer in 8-bit integers, rows quantised on the way: ours, ONNX Runtime, and our float32."""
    rng = np.random.default_rng(0)
    x, weight, bias = (filled(*s, rng=rng) for s in ((rows, n_in), (n_out, n_in), (n_out,)))
    out = filled(rows, n_out, rng=rng)
    packed, size = kernels.pack_int8(weight), int8.scratch_sizes(rows, n_in)
    octets, scales = aligned(size[0], np.uint8), aligned(size[1], f32)
    flat_x, flat_out, float_packed = x.reshape(-1), out.reshape(-1), kernels.pack_weight(weight).reshape(-1)

    def ours() -> None:
        int8.quantize(rows, n_in, flat_x, 0, n_in, octets, scales)
        int8.multiply(rows, n_in, n_out, octets, scales, packed.tiles, packed.scale, packed.correction, bias,
                      flat_out, 0, n_out, False)  # fmt: skip

    peer = onnx_int8(x, weight, bias) if onnx and onnxruntime else None
    if peer is not None:
        ours()
        apart = np.abs(peer() - out).max() / out.std()
        if not apart < 0.1:
            raise SystemExit(
                f"kernels: at {rows} x {n_in} x {n_out}, ONNX Runtime's result is {apart:.2f} deviations off"
            )
    row = compare(
        {
            "ours": ours,
            "onnxruntime": peer,
            "float32": lambda: gemm.multiply_packed(
                rows, n_in, n_out, flat_x, 0, n_in, float_packed, bias, flat_out, 0, n_out, False
            ),
        },
        "ours",
        2.0 * rows * n_in * n_out,
        rounds,
    )
    return {"rows": rows, "in": n_in, "out": n_out} | row


def onnx_int8(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> Callable[[], np.ndarray]:
    """ONNX Runtime's dynamic quantisation with a scale a channel; it fuses the nodes after MatMulInteger."""
    q, scale = kernels.quantize_rows(weight)
    make, constant = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes = [
        make("DynamicQuantizeLinear", ["x"], ["octets", "row", "zero"]),
        make("MatMulInteger", ["octets", "q", "zero"], ["sum"]),
        make("Cast", ["sum"], ["real"], to=onnx.TensorProto.FLOAT),
        make("Mul", ["row", "scale"], ["both"]),
        make("Mul", ["real", "both"], ["product"]),
        make("Add", ["product", "bias"], ["y"]),
    ]
    weights = [constant(np.ascontiguousarray(q.T), "q"), constant(scale, "scale"), constant(bias, "bias")]
    ends = [
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [len(x), width])]
        for name, width in (("x", x.shape[1]), ("y", len(weight)))
    ]
    graph = onnx.helper.make_graph(nodes, "layer", *ends, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = fair.THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    y = np.empty((len(x), len(weight)), f32)
    binding, value = session.io_binding(), onnxruntime.OrtValue.ortvalue_from_numpy
    result = value(y)
    binding.bind_ortvalue_input("x", value(x))
    binding.bind_ortvalue_output("y", result)

    def run() -> np.ndarray:
        session.run_with_iobinding(binding)
        return result.numpy()

    return run


def measure_attention(batch: int, heads: int, time: int, width: int, rounds: int) -> dict[str, Any]:
    """Causal attention, forward and with backward, against PyTorch's scaled_dot_product_attention."""
    rng = np.random.default_rng(0)
    q, k, v, dy = (filled(batch, heads, time, width, rng=rng) for _ in range(4))

    def ours_both() -> tuple[np.ndarray, np.ndarray]:
        y, lse = kernels.attention(q, k, v)
        return y, kernels.attention_backward(dy, q, k, v, y, lse)[0]

    forward, backward = torch_attention(q, k, v, dy) if torch else (None, None)
    if backward is not None:
        for name, mine, theirs in zip(("y", "dq"), ours_both(), backward(), strict=True):
            if not np.allclose(mine, theirs.detach().numpy(), rtol=1e-3, atol=1e-4):
                raise SystemExit(f"kernels: attention's {name} differs from PyTorch's, so the timing means nothing")
    pairs = batch * heads * time * (time + 1) / 2  # of a query and a key that it sees
    forward_row = compare(
        {"ours": lambda: kernels.attention(q, k, v), "torch": forward}, "ours", 4 * width * pairs, rounds
    )
    both_row = compare({"ours": ours_both, "torch": backward}, "ours", 14 * width * pairs, rounds)
    return {"shape": [batch, heads, time, width], "forward": forward_row, "forward_backward": both_row}


def torch_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, dy: np.ndarray) -> tuple[Callable, Callable]:
    """PyTorch's fused attention: forward, and forward with backward."""
    inputs, cotangent = [torch.from_numpy(a).requires_grad_() for a in (q, k, v)], torch.from_numpy(dy)

    def attend() -> Any:
        return torch.nn.functional.scaled_dot_product_attention(*inputs, is_causal=True)

    def forward() -> Any:
        with torch.no_grad():
            return attend()

    def backward() -> Any:
        y = attend()
        return y, torch.autograd.grad(y, inputs, cotangent)[0]

    return forward, backward


def mean(values: list[float]) -> float | None:
    """Geometric mean, or None of nothing."""
    return statistics.geometric_mean(values) if values else None


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="measurements of each, taking turns (default 20)")
    args = parser.parse_args()
    if fair.THREADS != 1:
        parser.error("the kernels run on one thread each; leave out --threads")
    keep_freed_memory()  # as training and scoring do; PyTorch allocates from the same malloc
    if torch:
        torch.set_num_threads(1)
    sizes = [(rows, *layer) for rows in ROWS for layer in LAYERS]
    products = [measure_gemm(*size, args.rounds) for size in sizes]
    bytes_ = [measure_int8(*size, args.rounds) for size in sizes]
    attentions = [measure_attention(*shape, args.rounds) for shape in ATTENTION]
    summary = {
        "gemm": mean([row["times_openblas"] for row in products]),
        "attention forward": mean([a["forward"]["times_torch"] for a in attentions if torch]),
        "attention forward + backward": mean([a["forward_backward"]["times_torch"] for a in attentions if torch]),
    }
    report = {
        "benchmark": "kernels",
        "machine": fair.machine(),
        "versions": fair.versions(
            "numpy", "numba", *(["torch"] if torch else []), *(["onnxruntime"] if onnxruntime else [])
        ),
        "gemm": products,
        "int8": bytes_,
        "attention": attentions,
        "summary": summary,
    }
    _print(report)
    return finish(report, args.json)


def _print(report: dict) -> None:
    console = Console()
    layers = (
        ("gemm", "Float32 layer, weight packed once", "packed", ("openblas", "matmul")),
        ("int8", "8-bit layer, rows quantised on the way", "ours", ("onnxruntime", "float32")),
    )
    for key, title, ours, peers in layers:
        table = Table("rows", "in", "out", "ours us", "Gop/s", *(f"times {peer}" for peer in peers), title=title)
        for row in report[key]:
            times = [f"{row[f'times_{peer}']:.2f}" if f"times_{peer}" in row else "-" for peer in peers]
            sizes = [str(row[name]) for name in ("rows", "in", "out")]
            table.add_row(*sizes, f"{row[f'{ours}_us']:.1f}", f"{row['gops']:.0f}", *times)
        console.print(table)
    table = Table("(B, H, T, K)", "forward us", "times torch", "both us", "times torch", title="Causal attention")
    for row in report["attention"]:
        cells = []
        for part in (row["forward"], row["forward_backward"]):
            cells += [f"{part['ours_us']:.1f}", f"{part['times_torch']:.2f}" if "times_torch" in part else "-"]
        table.add_row(str(tuple(row["shape"])), *cells)
    console.print(table)
    for name, value in report["summary"].items():
        measured = "peer not installed" if value is None else f"{value:.2f} times its peer (geometric mean)"
        console.print(f"{name}: {measured}")


if __name__ == "__main__":
    sys.exit(main())
