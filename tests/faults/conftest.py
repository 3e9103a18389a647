"""Every test of a fault gets a queue of real processes, whose invariants are checked at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.queue import Queue
from tests.faults.invariants import check_all
from tests.jobs.queues import folder_in_memory, queue_in


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    """A queue on quick timing; whatever the test did to it, its invariants hold afterwards."""
    with folder_in_memory(tmp_path) as folder, queue_in(folder) as queue:
        yield queue
        check_all(queue)
