"""The page server that people use and its model worker, killed at random with all of the queue's programs."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from jobs.models import JobState
from jobs.queue import Queue
from studio.errors import StudioError
from studio.worker.client import Worker
from tests.faults.test_random_kills import (
    KINDS,
    Counted,
    Victims,
    count,
    ended_as_it_must,
    kill_some,
    meddle,
    victims_of,
)
from tests.jobs.queues import processes_of
from tests.studio.ui.serving import START, PageServer
from tests.studio.ui.windows import Window

KILLS_S = 5 * 60.0
JOBS = 125
WORKER = "studio.worker.service"
# The studio as it is, on the tests' own table of tasks.
SCRIPT = f"""
from studio.orders import desk
desk.TASKS = "tests.jobs.tasks:TASKS"
desk.DEVICES = "tests.jobs.devices:slots"
{START}"""


class Onlooker:
    """A person: opens the studio again when it is gone, looks at Jobs, asks what a model is."""

    def __init__(self, queue: Queue) -> None:
        self.server = PageServer(queue.config.database.parent, script=SCRIPT)
        self.looks = self.answers = self.starts = 0
        self._worker = Worker(self.server.home)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._look, self._ask)]

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look and ask meanwhile; nothing of the studio is left afterwards."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()
            self._worker.stop()
            self.server.kill()

    def _look(self) -> None:
        window: Window | None = None
        while not self._over.wait(1.0):
            try:
                if window is None:
                    self.server.start()
                    self.starts += 1
                    window = Window(self.server, "jobs")
                window.look()
                self.looks += 1
            except (OSError, AssertionError, http.client.HTTPException):
                if self.server.process is None or self.server.process.poll() is not None:
                    window = None

    def _ask(self) -> None:
        while not self._over.wait(2.0):
            with suppress(StudioError):
                self._worker.describe("starter")
                self.answers += 1

    def victims(self, queue: Queue) -> Victims:
        """The studio's own processes."""
        found = [(WORKER, each) for each in processes_of(queue, WORKER)]
        if self.server.process is not None and self.server.process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                found.append(("studio.ui.page_server", psutil.Process(self.server.pid)))
        return found


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_with_the_real_page_and_model_worker_every_job_ends_as_it_must(
    queue: Queue, record_property: Counted
) -> None:
    chance = random.Random(4)
    tasks: dict[int, str] = {}
    for number in range(JOBS):
        kind = KINDS[number % len(KINDS)]
        spec = {"steps": chance.randint(5, 60), "pause_s": 0.02, "times": 1}
        slot = ("cpu", "io", "cuda")[number % 3]
        job = queue.store.enqueue(kind, spec, max_attempts=10_000, slot_kind=slot)
        tasks[job.id] = kind
    killed: Counter[str] = Counter()
    cancelled: set[int] = set()
    onlooker = Onlooker(queue)
    with onlooker.looking():
        ends = time.monotonic() + KILLS_S
        while time.monotonic() < ends:
            # A page server needs seconds to come up; it shall be seen to work between its deaths.
            time.sleep(2.0 * chance.random())
            is_studio = chance.random() < 0.1
            found = onlooker.victims(queue) if is_studio else victims_of(queue)
            killed += kill_some(found, chance)
            cancelled |= meddle(queue, chance)
    for job_id, kind in tasks.items():
        if queue.store.job(job_id).state == JobState.PAUSED:
            queue.store.resume(job_id)
        queue.tend()
        ended_as_it_must(queue.wait(job_id, poll_s=0.1), kind, asked=job_id in cancelled)
    assert onlooker.starts > 1
    assert onlooker.looks
    assert onlooker.answers
    count(record_property, killed, queue.store.jobs())
    for name in ("starts", "looks", "answers"):
        record_property(f"{name} of the studio", getattr(onlooker, name))
