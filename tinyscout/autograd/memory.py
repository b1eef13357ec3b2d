"""Keep freed memory for the next step, where the C library would give it back to the system.

A training step allocates and frees the same activations again and again. glibc returns the top of its heap whenever
enough of it is free, and then each page has to be fetched from the kernel and zeroed anew in the next step.
"""

import ctypes
import sys

# malloc.h of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc refuses more: larger arrays always come straight from the system


def keep_freed_memory() -> bool:
    """Tell malloc, for this whole process, to keep freed memory; True where that is possible (Linux with glibc).

    Call it before the first training step. Memory in use then stays at its peak until the process ends. One arena
    serves all threads, because the arenas of other threads are given back whenever they are empty.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, such as musl
        return False
    settings = ((_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD), (_TRIM_THRESHOLD, 2**31 - 1), (_ARENA_MAX, 1))
    return all([mallopt(which, value) == 1 for which, value in settings])
