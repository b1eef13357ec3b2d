"""`tinyscout warm`: compile all kernels for this machine now, so that no later command waits for it."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose: what is compiled depends on this machine alone."""


def run(args: argparse.Namespace) -> int:
    from tinyscout.cli.console import progress_bars
    from tinyscout.kernels import jit, warm

    if not jit.JIT:
        print("nothing to compile: NUMBA_DISABLE_JIT is set, so kernels run as NumPy")
        return 0
    with progress_bars() as progress:
        seconds = warm(progress)
    print(f"all kernels are compiled, in {seconds:.1f} s; kept in {jit.CACHE}")
    return 0
