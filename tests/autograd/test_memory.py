"""keep_freed_memory must spare a step the page faults of fetching its memory from the system again."""

import platform
import subprocess
import sys

import pytest

from tinyscout.autograd import keep_freed_memory

STEPS = """
import resource
import numpy as np
from tinyscout.autograd import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
def step():
    arrays = [np.ones(1 << 20) for _ in range(20)]  # 8 MB each
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep):
    code = STEPS.format(keep=keep)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_steps_after_the_first_fetch_no_memory():
    assert page_faults(keep=True) < 0.1 * page_faults(keep=False)


def test_elsewhere_it_says_that_it_did_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert not keep_freed_memory()
