"""`tinyscout doctor`: what this machine and installation can do, and what to mend."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

CORE = ("numpy", "scipy", "numba", "pandas", "scikit-learn", "matplotlib", "pyarrow", "safetensors", "rich", "pydantic")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, help="write the findings as JSON")


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import write_json

    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "packages": _packages,
        "linear algebra": _blas,
        "compiler": _compiler,
        "sample": _sample,
        "forward and backward": _gradient,
        "writing": _writing,
    }
    found, broken = {}, 0
    for name, check in checks.items():
        try:
            found[name] = {"ok": True, "text": check()}
        except Exception as error:  # a doctor reports whatever is wrong and goes on
            broken += 1
            found[name] = {"ok": False, "text": " ".join(f"{type(error).__name__}: {error}".split())}
        print(f"{'ok  ' if found[name]['ok'] else 'FAIL'}  {name}: {found[name]['text']}")
    write_json(args.json, found)
    return 1 if broken else 0


def _python() -> str:
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        raise RuntimeError(f"Python {platform.python_version()} is not supported; install 3.11, 3.12 or 3.13")
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _packages() -> str:
    return ", ".join(f"{name} {metadata.version(name)}" for name in CORE)


def _blas() -> str:
    import numpy as np

    config = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"] if isinstance(config, dict) else {}
    pinned = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    slow = f"; {' and '.join(pinned)} set, which may slow it down: unset before measuring" if pinned else ""
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}{slow}"


def _compiler() -> str:
    import numpy as np

    kernels = importlib.import_module("tinyscout.kernels")
    x = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    out = kernels.gelu(x)
    if not np.isfinite(out).all():
        raise RuntimeError("the compiled GELU gave numbers that are not finite; run with NUMBA_DISABLE_JIT=1")
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "switched off by NUMBA_DISABLE_JIT: kernels run as NumPy, several times slower"
    return f"numba {metadata.version('numba')} compiles and runs"


def _sample() -> str:
    from tinyscout.leads.world import load_sample

    tables = load_sample().tables
    return f"{len(tables):,} leads"


def _gradient() -> str:
    import numpy as np

    from tinyscout.autograd import gradcheck, ops

    x = np.random.default_rng(0).normal(size=(3, 5))
    gradcheck(ops.softmax, x)
    return "the gradient of softmax agrees with finite differences"


def _writing() -> str:
    from tinyscout.artifact import replacing

    probe = Path.cwd() / "artifacts" / ".doctor"
    with replacing(probe) as temporary:
        temporary.write_bytes(b"ok")
    probe.unlink()
    return f"{probe.parent} can be written"
