"""Memory beside the tensors: the C library's heap, and the objects that Python looks through for garbage."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

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


@contextlib.contextmanager
def only_new_objects_collected() -> Iterator[None]:
    """Look for garbage among the objects made inside only.

    A process that has imported torch and transformers holds a million objects that stay: looking through them
    takes longer than all else that Python does for a step of a small model.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
