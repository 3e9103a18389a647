"""A job that changes tells of it, and takes those along that hang on it."""

from __future__ import annotations

import pytest

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot, Job, JobState
from jobs.processes.identity import Identity
from jobs.store import Store


def failed(store: Store, me: Identity) -> Job:
    """The first waiting job, run and failed."""
    job = store.claim([DeviceSlot("cpu:0", "cpu")], me)
    assert job is not None
    return store.settle(job.id, str(job.lease_token), Ending(EndingKind.RAISED, code="crash"))


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_job_fails_with_the_one_that_had_to_come_first_and_comes_back_with_it(
    store: Store, me: Identity, cancelled: bool
) -> None:
    first = store.enqueue("convert", {}, name="starter")
    second = store.enqueue("train", {}, after=first.id)
    third = store.enqueue("export", {}, after=second.id)
    _ = store.cancel(first.id) if cancelled else failed(store, me)
    for job in (store.job(second.id), store.job(third.id)):
        assert (job.state, job.error_code) == (JobState.FAILED, "prerequisite")
    assert "Job 1 (starter)" in str(store.job(second.id).error)
    store.retry(first.id)
    waiting = store.jobs(states=[JobState.QUEUED])
    assert [job.id for job in waiting] == [1, 2, 3]


def test_those_taken_along_tell_of_it_themselves(store: Store) -> None:
    first = store.enqueue("convert", {})
    second = store.enqueue("train", {}, after=first.id)
    store.cancel(first.id)
    store.retry(first.id)

    told = [event.kind for event in store.events(second.id)]
    assert told == ["enqueued", "failed", "retried"]
