"""The C library's heap: memory that a step gives back is kept for the next one."""

from __future__ import annotations

import ctypes
import sys

# glibc's malloc.h: how much may lie free at the heap's end, and from which size on a block is the kernel's own.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_ALL = 2**31 - 1
# The most that glibc ever raises it to by itself. Above it a block that was freed cannot be used again
# for one of its own size: an aligned block asks for a little more.
_LARGE = 32 * 2**20


def keep_freed_memory() -> bool:
    """Hand nothing of the heap back to the kernel from now on; whether this C library can be told so.

    Left alone, glibc returns what a step frees and takes it again in the next, page by page, each of which
    the kernel fills with zeros. Before the first large tensor; for a process that ends with its training.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # musl has none.
    return mallopt is not None and bool(
        mallopt(_MMAP_THRESHOLD, _LARGE) and mallopt(_TRIM_THRESHOLD, _ALL)
    )
