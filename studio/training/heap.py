"""The C library's heap: what lies free in it between other things goes back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> bool:
    """Hand free memory back to the kernel; whether this C library can be told so.

    Loading a model and attaching a method make tensors for a moment, and small ones that stay between
    them: glibc keeps the room of the former, which is cut into pieces too small for a step's tensors. A
    quantised base, whose weights are computed each time somebody looks at them, leaves as much as it has
    weights.
    """
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:  # musl has none
        return False
    trim(0)
    return True
