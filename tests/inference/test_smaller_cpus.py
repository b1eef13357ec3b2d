"""The compiled forward on the instruction sets of smaller CPUs, which this one has too."""

import os
import subprocess
import sys

import pytest

from tinyscout.kernels.jit import JIT
from tinyscout.kernels.simd import LANES

RUN = """
import sys
import numpy as np
from scipy import sparse
from tinyscout.inference import compile
from tinyscout.kernels.simd import LANES
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.tokenizer import Tokens
assert LANES == int(sys.argv[1]), LANES
rng, lengths = np.random.default_rng(0), np.arange(1, 31)
n = lengths.sum()
model = LeadScout(LeadScoutConfig(60, 20, (50, 51), 7, 40, 2, 5, 30), rng=rng)
model.reply.weight.data[:] = rng.standard_normal((1, 40)) * 0.1
tokens = Tokens(rng.integers(0, 60, n).astype(np.int32), rng.random(n).astype(np.float32),
                rng.exponential(99, n).astype(np.float32), np.append(0, np.cumsum(lengths)), lengths * 0)
examples = Examples(tokens, sparse.csr_matrix(rng.random((30, 7)).astype(np.float32)))
right = predict_logits(model, examples)
for dtype, tolerance in (("float32", 1e-5), ("int8", 0.2)):
    compiled = compile(model, dtype)
    together = compiled.logits(examples)
    np.testing.assert_allclose(together, right, atol=tolerance)
    alone = [compiled.logits(examples.take(np.array([i])))[0] for i in range(30)]
    np.testing.assert_array_equal(alone, together)
"""


@pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")
@pytest.mark.skipif(LANES != 16, reason="needs an x86 CPU that has more than AVX2")
def test_avx2_gives_the_same(tmp_path):
    settings = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma", "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", RUN, "8"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,  # compiling takes a minute of an idle machine
    )
    assert result.returncode == 0, result.stderr
