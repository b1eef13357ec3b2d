"""How every kernel is compiled: safe floating-point flags, no GIL, and a cache that notices any change in this folder.

Numba's own cache looks only at the file a kernel stands in, not at what that file imports; so the cache directory
carries a hash of the whole folder.
"""

import atexit
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import njit
from numba.core import config as _config

log = logging.getLogger(__name__)
config: Any = _config  # its settings are made at run time, which type checkers can't see

#: Sums may be reordered and fused multiply-adds formed; NaN, inf and division by zero keep their IEEE meaning.
#: (Full fastmath lets LLVM assume that there is no NaN: `isnan` becomes False and a fully masked row divides by zero.)
SAFE_MATH = frozenset({"reassoc", "nsz", "arcp", "contract", "afn"})

#: False under NUMBA_DISABLE_JIT=1: every public kernel then runs its NumPy twin.
JIT = not config.DISABLE_JIT

FIRST_COMPILE_SECONDS = 60


def _folder_hash() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {config.OPT}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _user_cache() -> Path:
    if "NUMBA_CACHE_DIR" in os.environ:
        return Path(os.environ["NUMBA_CACHE_DIR"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


def cache_directory() -> Path:
    """Directory for this folder's machine code; made if missing.

    The user's cache folder, or where that can't be written a private temporary folder that goes with the process
    (private, because Numba unpickles what it finds there).
    """
    try:
        directory = _user_cache() / "tinyscout" / f"kernels-{_folder_hash()}"
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError):  # RuntimeError: Path.home() finds no home
        directory = Path(tempfile.mkdtemp(prefix="tinyscout-kernels-"))
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        log.info("no cache folder can be written; compiled kernels are kept in %s for this process only", directory)
        return directory


FLOAT32 = np.dtype(np.float32)
CACHE = cache_directory() if JIT else None

if CACHE is not None and not any(CACHE.rglob("*.nbi")):
    log.info(
        "compiling kernels for this machine, once: about %d s in all, as each is first used; kept in %s",
        FIRST_COMPILE_SECONDS,
        CACHE,
    )


@contextmanager
def _numba_cache(directory: Path | None) -> Iterator[None]:
    # Numba reads config.CACHE_DIR while it decorates; leave the setting of other packages as it was.
    before = config.CACHE_DIR
    config.CACHE_DIR = str(directory or "")
    try:
        yield
    finally:
        config.CACHE_DIR = before


def kernel(function: Callable[..., Any], *, fastmath: frozenset[str] = SAFE_MATH) -> Callable[..., Any]:
    """Compile `function` with Numba on first call: safe math flags, IEEE division, no GIL, cached on disk."""
    # error_model="python" would check each division for zero, which keeps LLVM from vectorising the loop.
    with _numba_cache(CACHE):
        return njit(fastmath=set(fastmath), error_model="numpy", nogil=True, cache=True)(function)


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A piece of one larger kernel, put into it when that is compiled: a third less time than on its own."""
    with _numba_cache(CACHE):
        return njit(fastmath=set(SAFE_MATH), error_model="numpy", nogil=True, inline="always")(function)


def compiled_for(*arrays: np.ndarray) -> bool:
    """Whether machine code serves these arrays: all float32, and compilation is not switched off."""
    for a in arrays:  # a generator costs more than what it looks at
        if a.dtype != FLOAT32:
            return False
    return JIT


def entry(function: Any, *kinds: Any) -> Callable[..., Any]:
    """A kernel as Python calls it with arguments of these Numba types, compiled when it is first called.

    The call doesn't look at the types, which takes 0.3 us an array, and would compile a kernel once more for every
    layout of one: dtypes and numbers of axes must be right; strides may be any for layout "A".
    """
    code = None

    def run(*arguments: Any) -> Any:
        nonlocal code
        if code is None:
            code = function.compile(kinds)
        return code(*arguments)

    return run


def plain(x: np.ndarray) -> np.ndarray:
    """x itself where it is contiguous and can be written, else a copy.

    Numba would compile every kernel once more for arrays that are read-only or have gaps.
    """
    return x if x.flags.c_contiguous and x.flags.writeable else x.copy(order="C")


def as_rows(x: np.ndarray) -> np.ndarray:
    """x (..., D) as plain (N, D)."""
    width = x.shape[-1]
    return plain(x).reshape(x.size // width if width else 0, width)


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Uninitialised array of `size` values that begins on a cache line (a load across two lines costs two)."""
    raw = np.empty(size * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : raw.size - 64 + start].view(dtype)
