"""What lies free in the heap between other things goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# In a process of its own: what others freed before would take these in.
_PROGRAM = """
import psutil
from studio.training import heap

process = psutil.Process()
began = process.memory_info().rss
large, small = [], []
for _ in range(2_000):
    large.append(bytearray(b"x") * 100_000)
    small.append(bytearray(b"y") * 1_000)
del large
held = process.memory_info().rss - began
assert heap.give_back()
print(held, process.memory_info().rss - began)
assert all(each == b"y" * 1_000 for each in small)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_free_room_between_small_things_that_stay_is_given_back() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )

    held, left = map(int, answer.stdout.split())
    assert left < held / 2, "most of what was freed, in whole pages"
    assert left < 50_000_000, "of the 200 million that were freed"
