"""The profiler counts every call, forward and backward, and is off unless asked for. Imports stay light."""

import os
import subprocess
import sys

import numpy as np

from tinyscout.autograd import Tensor, ops, profile
from tinyscout.autograd.profiler import active

SCRIPT = """
import numpy as np
from tinyscout.autograd import Tensor, ops
x = Tensor(np.ones((4, 3)), requires_grad=True)
ops.gelu(ops.gelu(x)).sum().backward()
"""


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )


def test_profile_counts_calls_and_keeps_the_largest_shapes():
    with profile() as calls:
        for n in (2, 5, 3):
            x = Tensor(np.ones((n, 4)), requires_grad=True)
            ops.linear(x, np.ones((6, 4))).sum().backward()
    assert calls.count["linear"] == calls.count["linear backward"] == calls.count["sum"] == 3
    assert calls.count["linear backward, input 0"] == 3  # only what somebody wants
    assert "linear backward, input 1" not in calls.count
    assert calls.shapes["linear"] == "(5, 4) (6, 4)"
    lines = calls.table().splitlines()
    assert lines[0].split()[:5] == ["op", "ms", "share", "calls", "us/call"]
    assert len(lines) == 2 + len(calls.count)
    assert not active


def test_the_environment_variable_prints_the_table_at_exit():
    result = run(SCRIPT, TINYSCOUT_PROFILE="1")
    gelu = next(line for line in result.stderr.splitlines() if line.startswith("gelu "))
    assert gelu.split()[3] == "2"
    assert "(4, 3)" in gelu
    assert not result.stdout
    assert not run(SCRIPT, TINYSCOUT_PROFILE="").stderr


def test_importing_the_engine_imports_nothing_heavy():
    code = "import sys, tinyscout.autograd, tinyscout.nn, tinyscout.optim\nprint(*sys.modules)"
    loaded = set(run(code).stdout.split())
    assert not loaded & {"numba", "scipy", "pandas", "sklearn", "torch", "matplotlib"}
