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

large, small = [], []
for _ in range(2_000):
    large.append(b"x" * 100_000)
    small.append(b"y" * 1_000)
del large
process = psutil.Process()
before = process.memory_info().rss
assert heap.give_back()
print(before - process.memory_info().rss)
assert all(each == b"y" * 1_000 for each in small)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_free_room_between_small_things_that_stay_is_given_back() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )

    assert int(answer.stdout) > 100_000_000, "of 200 million, in whole pages"
