"""What the queue's tests share: a store with a clock to set, and a queue of real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.processes import myself
from jobs.processes.identity import Identity
from jobs.queue import Queue
from jobs.store import Store
from tests.jobs.queues import folder_in_memory, queue_in


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock to set."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A fresh store on a real file."""
    store = Store(tmp_path / "studio.db", clock=clock)
    yield store
    store.close()


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where the system has one."""
    with folder_in_memory(tmp_path) as folder:
        yield folder


@pytest.fixture
def queue(memory_folder: Path) -> Iterator[Queue]:
    """A queue whose programs are real processes, on quick timing."""
    with queue_in(memory_folder) as queue:
        yield queue


@pytest.fixture(scope="session")
def me() -> Identity:
    """This process, as an owner of jobs."""
    return myself()
