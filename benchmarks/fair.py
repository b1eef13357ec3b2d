"""Fair conditions for a benchmark; import it before NumPy, because BLAS reads its settings once.

Removes OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, which can halve OpenBLAS, sets the same number of threads for everybody
(`--threads N` on the command line, 1 by default), and lets idle OpenMP threads sleep.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
_parser = argparse.ArgumentParser(add_help=False)
_parser.add_argument("--threads", type=int, default=1)
THREADS: int = _parser.parse_known_args(sys.argv[1:])[0].threads
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = str(THREADS)
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


class Times(NamedTuple):
    """Seconds of each call of one candidate: on the clock, and of CPU over all threads of this process."""

    wall: list[float]
    cpu: list[float]


def interleave(candidates: dict[str, Callable[[], Any]], *, rounds: int, warm: int = 3) -> dict[str, Times]:
    """Time candidates in turns, so that a change in the machine's load meets all of them."""
    times = {name: Times([], []) for name in candidates}
    for turn in range(warm + rounds):
        for name, call in candidates.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            call()
            if turn >= warm:
                times[name].wall.append(time.perf_counter() - start)
                times[name].cpu.append(time.process_time() - cpu_start)
    return times


def ratio(ours: list[float], peer: list[float]) -> float:
    """Median over the rounds of our time divided by the peer's in the same round."""
    return statistics.median(a / b for a, b in zip(ours, peer, strict=True))


def machine() -> dict[str, Any]:
    """What the figures were measured on: CPU, cores, load, operating system, and which kernels OpenBLAS chose."""
    from threadpoolctl import threadpool_info

    blas = [f"{i['architecture']} x{i['num_threads']}" for i in threadpool_info() if i["internal_api"] == "openblas"]
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": THREADS,
        "load": [round(x, 1) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "openblas": ", ".join(blas),
    }


def versions(*packages: str) -> dict[str, str]:
    """Installed version of each package, and of Python."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
