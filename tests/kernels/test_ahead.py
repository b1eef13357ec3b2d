import os
import subprocess
import sys

import pytest

from tinyscout.kernels.jit import JIT

WARM_THEN_USE = """
import numpy as np
from tinyscout import kernels
from tinyscout.kernels.jit import CACHE
seen = []
assert kernels.warm(lambda what, done, total: seen.append((done, total))) > 0
assert [done for done, _ in seen] == list(range(seen[0][1] + 1))
made = set(CACHE.rglob("*.nbc"))

from scipy import sparse
from tinyscout.autograd import ops
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.optim import AdamW
from tinyscout.tokenizer import Padded
rng = np.random.default_rng(0)
shape = (8, 12)  # 96 tokens: enough rows for the compiled layers
ids, lengths = rng.integers(6, 50, shape).astype(np.int32), np.full(8, 12, np.int32)
values, ages = rng.random(shape).astype(np.float32), rng.random(shape).astype(np.float32)
features = sparse.csr_matrix(rng.random((8, 5)).astype(np.float32))
config = LeadScoutConfig(50, 20, (30, 31), 5, 32, 1, 2, 12, 0.1)
model = LeadScout(config, rng=rng)
logits = model.reply_logits(Padded(ids, values, ages, lengths), features)
ops.bce_with_logits(logits, targets=np.zeros(8, np.float32)).backward()
AdamW(model.named_parameters(), lr=1e-3).step()
x = rng.random((70, 33)).astype(np.float32)
for transpose_a, transpose_b in ((False, True), (True, False)):
    kernels.matmul(x, x, transpose_a=transpose_a, transpose_b=transpose_b)
from tinyscout.inference import compile
from tinyscout.models.lead_scout import Examples
from tinyscout.tokenizer import Tokens
tokens = Tokens(ids.ravel(), values.ravel(), ages.ravel(), np.arange(9) * 12, lengths)
for dtype in ("float32", "int8"):
    compiled = compile(model, dtype)
    compiled.logits(Examples(tokens, features))
    cache = compiled.cache()
    compiled.prefill(ids[0, :5], values[0, :5], ages[0, :5], cache)
    compiled.decode(3, cache)
later = {p.name for p in set(CACHE.rglob("*.nbc")) - made}
assert not later, later
"""


@pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: nothing is compiled")
def test_nothing_is_left_to_compile_when_a_model_trains_and_predicts(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", WARM_THEN_USE],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
