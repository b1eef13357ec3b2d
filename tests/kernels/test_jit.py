import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tinyscout import kernels
from tinyscout.kernels import jit

ALL_TWINS = """
import numpy as np
from tinyscout import kernels
from tinyscout.kernels import jit
assert not jit.JIT
rng = np.random.default_rng(0)
x, dy = (rng.standard_normal((3, 2, 5, 8)).astype(np.float32) for _ in range(2))
gain = np.ones(8, np.float32)
y, mean, rstd = kernels.layer_norm(x, gain, gain)
results = [*kernels.layer_norm_backward(dy, x, gain, mean, rstd), kernels.gelu(x), kernels.gelu_backward(dy, x)]
results += [kernels.softmax_backward(dy, kernels.softmax(x)), kernels.cross_entropy(x, np.ones((3, 2, 5), int))[1]]
y, lse = kernels.attention(x, x, x, lengths=np.array([5, 2, 0]))
results += kernels.attention_backward(dy, x, x, x, y, lse, lengths=np.array([5, 2, 0]))
results.append(kernels.scatter_add(np.zeros((3, 2, 5), int), x, 2))
kernels.adamw(gain, gain.copy(), 0 * gain, 0 * gain, lr=0.1, beta1=0.9, beta2=0.9, eps=1e-8, weight_decay=0, step=1)
assert all(a.dtype == np.float32 and np.isfinite(a).all() for a in [*results, gain])
"""

LOGGED = """
import logging, sys
import numpy as np
logging.basicConfig(level="INFO", format="%(name)s %(message)s")
import tinyscout.kernels
assert "numba" not in sys.modules
tinyscout.kernels.gelu(np.ones(3, np.float32))
"""


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:tinyscout", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_jit_every_name_runs_its_twin():
    result = run(ALL_TWINS, NUMBA_DISABLE_JIT="1")
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not jit.JIT, reason="NUMBA_DISABLE_JIT=1: nothing is compiled")
def test_first_compile_is_announced_once_and_kept(tmp_path):
    first = run(LOGGED, NUMBA_CACHE_DIR=str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert "numba" not in first.stdout
    lines = first.stderr.strip().splitlines()
    assert len(lines) == 1 and "compiling kernels" in lines[0] and " s in all" in lines[0]
    assert list(tmp_path.rglob("*.nbi")) and all("tinyscout" in str(p) for p in tmp_path.rglob("*.nbi"))
    assert run(LOGGED, NUMBA_CACHE_DIR=str(tmp_path)).stderr == ""


@pytest.mark.skipif(not jit.JIT, reason="NUMBA_DISABLE_JIT=1: nothing is compiled")
def test_works_where_no_cache_can_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    result = run(LOGGED, NUMBA_CACHE_DIR=str(blocked / "below"), TMPDIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "for this process only" in result.stderr
    assert list(tmp_path.iterdir()) == [blocked]  # the temporary cache went with the process


def test_cache_is_named_after_what_is_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = jit.cache_directory()
    assert before.parent == tmp_path / "tinyscout" and before == jit.cache_directory()
    folder = tmp_path / "kernels"
    folder.mkdir()
    for source in Path(jit.__file__).parent.glob("*.py"):
        (folder / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(jit, "__file__", str(folder / "jit.py"))
    assert jit.cache_directory() == before
    (folder / "simd.py").write_text("# changed\n", encoding="utf-8")
    assert jit.cache_directory() != before


def test_numba_settings_of_others_are_left_alone():
    from numba import config

    before = config.CACHE_DIR
    jit.kernel(lambda x: x)
    assert before == config.CACHE_DIR


def test_threads_at_once_get_what_one_gets():
    rng = np.random.default_rng(0)
    q, k, v, dy = (rng.standard_normal((4, 2, 48, 16)).astype(np.float32) for _ in range(4))
    gain, bias = np.ones(16, np.float32), np.zeros(16, np.float32)
    packed = kernels.pack_int8(q[0, 0])

    def work(_):
        y, lse = kernels.attention(q, k, v, lengths=np.array([48, 30, 0, 1]))
        normed, _, _ = kernels.layer_norm(kernels.gelu(y), gain, bias)
        square = normed[0, 0]
        products = [kernels.matmul(square, square, transpose_b=True), kernels.linear_int8(square, packed)]
        return [*products, normed, kernels.softmax(normed), *kernels.attention_backward(dy, q, k, v, y, lse)]

    alone = work(0)
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(work, range(64)):
            for got, want in zip(together, alone, strict=True):
                np.testing.assert_array_equal(got, want)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kernels.nothing  # noqa: B018
    assert all(callable(getattr(kernels, name)) for name in kernels.__all__)
