"""Every test of a fault gets a queue of real processes, whose invariants are checked at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.queue import Queue
from tests.faults.invariants import check_all
from tests.jobs.queues import folder_in_memory, queue_in


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where the system has one."""
    with folder_in_memory(tmp_path) as folder:
        yield folder


@pytest.fixture
def queue(memory_folder: Path) -> Iterator[Queue]:
    """A queue on quick timing; whatever the test did to it, its invariants hold afterwards."""
    with queue_in(memory_folder) as queue:
        yield queue
        check_all(queue)
