"""The clock is set an hour forward or back while jobs run: no lease is taken for it, none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.config import QueueConfig
from jobs.dispatcher import Dispatcher
from jobs.models import DeviceSlot, JobState
from jobs.processes import myself
from jobs.processes.identity import Identity
from jobs.queue import Queue
from jobs.store import Store
from tests.faults.invariants import check_all
from tests.jobs.conftest import Clock
from tests.jobs.queues import config_in

HOUR = 3600.0


@pytest.fixture
def config(memory_folder: Path) -> QueueConfig:
    """A queue without processes of its own."""
    return config_in(memory_folder)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_jumps_costs_no_living_owner_its_job(config: QueueConfig, jump: float) -> None:
    clock = Clock()
    store = Store(config.database, clock=clock)
    job = store.enqueue("count", {})
    # The owner lives, as far as anybody can see: it is this process, under another token.
    owner = myself()
    claimed = store.claim([DeviceSlot("cpu:0", "cpu")], Identity(1, 0.5, owner.boot_id))
    assert claimed is not None
    token = str(store.start(job.id, str(claimed.lease_token), owner).lease_token)
    dispatcher = Dispatcher(config, store)
    dispatcher._me = Identity(2, 0.5, owner.boot_id)

    clock.now += jump
    dispatcher.round()
    store.beat(job.id, token)
    clock.now -= 2 * jump
    dispatcher.round()

    assert (store.job(job.id).state, store.job(job.id).attempt) == (JobState.STARTING, 1)
    store.running(job.id, token)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_jobs_keep_their_order_and_their_time_whatever_the_clock_says(
    config: QueueConfig, jump: float
) -> None:
    clock = Clock()
    store, me = Store(config.database, clock=clock), myself()
    first = store.enqueue("echo", {})
    clock.now += jump
    second = store.enqueue("echo", {})
    set_for_later = store.enqueue("echo", {}, run_after=clock.now + 10)
    slots = [DeviceSlot(f"cpu:{n}", "cpu") for n in range(4)]

    ids = [job.id for job in iter(lambda: store.claim(slots, me), None) if job is not None]
    clock.now += 11
    late = store.claim(slots, me)

    assert ids == [first.id, second.id]
    assert late is not None
    assert late.id == set_for_later.id
    check_all(Queue(config))
