import subprocess
import sys

import pytest

from tinyscout.kernels.jit import JIT

WARM_THEN_TRAIN = """
import sys
import numpy as np
from scipy import sparse
from tinyscout import inference, kernels
from tinyscout.autograd import ops
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.optim import AdamW
from tinyscout.tokenizer import Padded, Tokens

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("tinyscout.kernels.")]
    values = [value for module in modules for value in vars(module).values() if hasattr(value, "nopython_signatures")]
    return {(value.py_func.__qualname__, str(s)) for value in values for s in value.nopython_signatures}

seen = []
assert kernels.warm(lambda what, done, total: seen.append((done, total))) > 0
assert [done for done, _ in seen] == list(range(seen[0][1] + 1))
before = compiled()

rng = np.random.default_rng(0)
shape = (8, 12)  # 96 tokens: enough rows for the compiled layers
ids, lengths = rng.integers(6, 50, shape).astype(np.int32), np.full(8, 12, np.int32)
values, ages = rng.random(shape).astype(np.float32), rng.random(shape).astype(np.float32)
features = sparse.csr_matrix(rng.random((8, 5)).astype(np.float32))
model = LeadScout(LeadScoutConfig(50, 20, (30, 31), 5, 32, 2, 2, 12, 0.1), rng=rng)
logits = model.reply_logits(Padded(ids, values, ages, lengths), features)
ops.bce_with_logits(logits, targets=np.zeros(8, np.float32)).backward()
AdamW(model.named_parameters(), lr=1e-3).step()
x = rng.random((70, 33)).astype(np.float32)
for transpose_a, transpose_b in ((False, True), (True, False)):
    kernels.matmul(x, x, transpose_a=transpose_a, transpose_b=transpose_b)
flat = Tokens(ids.reshape(-1), values.reshape(-1), ages.reshape(-1), np.arange(0, 97, 12), np.zeros(8, np.int32))
routed = LeadScout(LeadScoutConfig(50, 20, (30, 31), 5, 32, 2, 2, 12, 0.1, experts=3), rng=rng)
for each, dtype in ((model, "float32"), (model, "int8"), (routed, "float32"), (routed, "int8")):
    packed = inference.compile(each, dtype, threads=1)
    packed.logits(Examples(flat, features))
    cache = packed.cache()
    packed.prefill(ids[0, :5], values[0, :5], ages[0, :5], cache, chunk=2)
    packed.decode(7, cache)
assert compiled() == before, compiled() - before
"""


@pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: nothing is compiled")
def test_nothing_is_left_to_compile_when_a_model_trains_and_predicts():
    result = subprocess.run(
        [sys.executable, "-c", WARM_THEN_TRAIN], capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
