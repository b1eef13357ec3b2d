"""`tinyscout warm`, and the line that a first compile shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyscout.cli import main
from tinyscout.kernels.jit import JIT

machine_code = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: nothing is compiled")


def command(word: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tinyscout", word],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@machine_code
def test_warm_says_where_the_kernels_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warm"]) == 0
    assert "all kernels are compiled, in " in capsys.readouterr().out


@machine_code
def test_first_compile_is_shown_once_on_standard_error(tmp_path: Path) -> None:
    first = command("doctor", NUMBA_CACHE_DIR=str(tmp_path))
    lines = [line for line in first.stderr.splitlines() if "compiling kernels" in line]
    assert len(lines) == 1 and lines[0].startswith("tinyscout: ") and " s in all" in lines[0]
    assert "compiling" not in first.stdout
    assert "compiling" not in command("doctor", NUMBA_CACHE_DIR=str(tmp_path)).stderr


def test_nothing_to_compile_without_jit() -> None:
    result = command("warm", NUMBA_DISABLE_JIT="1")
    assert result.returncode == 0 and "nothing to compile" in result.stdout and not result.stderr
