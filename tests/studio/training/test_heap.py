"""What a training's process does with memory that is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: what is asked of the C library holds until the process ends.
SHOWN = """
import ctypes, resource, sys
from studio.training.heap import keep_freed_memory

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p

def step():
    blocks = [ctypes.c_void_p(library.malloc(30_000_000)) for _ in range(5)]
    for block in blocks:
        ctypes.memset(block, 1, 30_000_000)
    for block in reversed(blocks):
        library.free(block)

if sys.argv[1] == "kept":
    assert keep_freed_memory()
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own")
def test_freed_memory_is_used_again_without_the_kernel() -> None:
    faults = {way: _faults(way) for way in ("kept", "left alone")}

    # 150 MB are 36,621 pages of 4 KiB; up to twice the largest block stays anyhow.
    assert faults["kept"] < 1_000 < 90_000 < faults["left alone"]


def _faults(way: str) -> int:
    command = [sys.executable, "-c", SHOWN, way]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
