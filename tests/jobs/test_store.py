"""Every verb on a job, on a real file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import rows
from jobs.endings import Ending, EndingKind
from jobs.errors import BadJob, LeaseLost, NoSuchJob, StoreBusy, WrongState
from jobs.models import DeviceSlot, Intent, Job, JobState
from jobs.processes.identity import Identity
from jobs.store import Store
from tests.jobs.conftest import Clock

CPU = (DeviceSlot("cpu:0", "cpu", 8_000_000_000),)
DONE = Ending(EndingKind.RETURNED, result={"score": 1})
BROKEN = Ending(EndingKind.RAISED, code="crash", words="ValueError: no")


def claimed(store: Store, me: Identity) -> Job:
    job = store.claim(CPU, me)
    assert job is not None
    return job


def settled(store: Store, me: Identity, ending: Ending) -> Job:
    job = claimed(store, me)
    return store.settle(job.id, str(job.lease_token), ending)


def waiting_ids(store: Store) -> list[int]:
    return [job.id for job in store.jobs(states=[JobState.QUEUED])]


def test_what_was_enqueued_is_read_back_as_it_was(store: Store) -> None:
    job = store.enqueue("train", {"rank": 16}, name="Bike shop", priority=2, needs_bytes=7)
    assert store.job(job.id) == job
    assert (job.task, job.spec, job.name) == ("train", {"rank": 16}, "Bike shop")
    assert (job.state, job.attempt, job.crashes) == (JobState.QUEUED, 0, 0)


def test_a_job_without_a_name_is_called_like_its_task(store: Store) -> None:
    assert store.enqueue("train", {}).name == "train"


def test_a_spec_that_is_not_json_is_refused_and_nothing_is_enqueued(store: Store) -> None:
    with pytest.raises(BadJob, match="must be JSON"):
        store.enqueue("train", {"folder": Path("/")})
    assert store.jobs() == []


def test_a_number_that_is_not_in_the_queue_is_told_in_words(store: Store) -> None:
    for verb in (store.job, store.cancel, store.pause, store.resume, store.retry, store.events):
        with pytest.raises(NoSuchJob, match="There is no job 7"):
            verb(7)


def test_jobs_run_in_the_order_they_are_shown(store: Store, me: Identity) -> None:
    for priority in (0, 0, 5, -1):
        store.enqueue("train", {}, priority=priority)
    shown = waiting_ids(store)
    run = [settled(store, me, DONE).id for _ in shown]
    assert run == shown == [3, 1, 2, 4]


def test_the_list_shows_what_runs_then_what_waits_then_what_was(store: Store, me: Identity) -> None:
    for _ in range(5):
        store.enqueue("train", {})
    settled(store, me, DONE)
    settled(store, me, DONE)
    store.pause(5)
    claimed(store, me)
    assert [job.id for job in store.jobs()][:3] == [3, 4, 5]


def test_past_jobs_are_listed_newest_first(store: Store, me: Identity, clock: Clock) -> None:
    for _ in range(3):
        store.enqueue("train", {})
        settled(store, me, DONE)
        clock.now += 1
    assert [job.id for job in store.jobs()] == [3, 2, 1]
    assert [job.id for job in store.jobs(limit=1)] == [3]


def test_jobs_can_be_chosen_by_task(store: Store) -> None:
    store.enqueue("train", {})
    export = store.enqueue("export", {})
    assert store.jobs(task="export") == [export]


def test_a_claimed_job_has_an_owner_a_lease_and_its_slots(
    store: Store, me: Identity, clock: Clock
) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    assert (job.state, job.attempt, job.slots) == (JobState.STARTING, 1, ("cpu:0",))
    assert (job.runner_pid, job.runner_start, job.boot_id) == (me.pid, me.start, me.boot_id)
    assert job.lease_token
    assert job.lease_expires == clock.now + 60
    assert store.job(job.id) == job


def test_a_busy_slot_is_not_given_to_a_second_job(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    store.enqueue("train", {})
    claimed(store, me)
    assert store.claim(CPU, me) is None


def test_a_job_may_hold_several_slots(store: Store, me: Identity) -> None:
    cards = [DeviceSlot(f"cuda:{number}", "cuda") for number in range(3)]
    store.enqueue("train", {}, slot_kind="cuda", slots_wanted=2)
    job = store.claim(cards, me)
    assert job is not None
    assert job.slots == ("cuda:0", "cuda:1")


def test_a_settled_job_gives_its_slots_back(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    store.enqueue("train", {})
    job = settled(store, me, DONE)
    assert (job.state, job.result, job.slots) == (JobState.SUCCEEDED, {"score": 1}, ())
    assert claimed(store, me).id == 2


def test_a_runner_takes_a_job_over_under_a_new_token(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    runner = replace(me, pid=me.pid + 1)
    taken = store.start(job.id, str(job.lease_token), runner)
    assert taken.runner_pid == runner.pid
    with pytest.raises(LeaseLost):
        store.settle(job.id, str(job.lease_token), Ending(EndingKind.OWNER_LOST))


@pytest.mark.parametrize("verb", ["start", "running", "beat", "wish", "settle"])
def test_a_stale_token_changes_nothing(store: Store, me: Identity, verb: str) -> None:
    store.enqueue("train", {})
    stale = str(claimed(store, me).lease_token)
    store.settle(1, stale, Ending(EndingKind.OWNER_LOST))
    before = claimed(store, me)
    last: dict[str, tuple[Any, ...]] = {"start": (me,), "settle": (DONE,)}
    with pytest.raises(LeaseLost, match="not held by this runner"):
        getattr(store, verb)(1, stale, *last.get(verb, ()))
    assert store.job(1) == before


def test_a_beat_renews_the_lease(store: Store, me: Identity, clock: Clock) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    clock.now += 30
    store.beat(job.id, str(job.lease_token))
    assert store.job(job.id).lease_expires == clock.now + 60


def test_each_change_has_its_event(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    job = store.start(job.id, str(job.lease_token), me)
    store.running(job.id, str(job.lease_token))
    store.pause(job.id)
    store.settle(job.id, str(job.lease_token), Ending(EndingKind.STOPPED))
    store.resume(job.id)
    store.cancel(job.id)
    store.retry(job.id)
    told = [(event.kind, event.state.value) for event in store.events(job.id)]
    assert told == [
        ("enqueued", "queued"),
        ("claimed", "starting"),
        ("started", "starting"),
        ("running", "running"),
        ("pause asked", "running"),
        ("paused", "paused"),
        ("resumed", "queued"),
        ("cancelled", "cancelled"),
        ("retried", "queued"),
    ]


def test_a_waiting_job_is_cancelled_at_once(store: Store, clock: Clock) -> None:
    job = store.cancel(store.enqueue("train", {}).id)
    assert (job.state, job.ended_at) == (JobState.CANCELLED, clock.now)


def test_cancelling_an_active_job_asks_its_runner(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    assert store.cancel(job.id).state == JobState.STARTING
    assert store.wish(job.id, str(job.lease_token)) == (Intent.CANCEL, None)


def test_cancel_stands_above_pause(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    store.pause(job.id)
    assert store.cancel(job.id).intent == Intent.CANCEL
    with pytest.raises(WrongState, match="is being cancelled"):
        store.pause(job.id)


def test_a_pause_that_was_asked_for_can_be_taken_back(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    job = claimed(store, me)
    store.pause(job.id)
    assert store.resume(job.id).intent is None


def test_a_resumed_job_takes_its_old_place(store: Store) -> None:
    for _ in range(3):
        store.enqueue("train", {})
    store.pause(2)
    assert waiting_ids(store) == [1, 3]
    store.resume(2)
    assert waiting_ids(store) == [1, 2, 3]


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume", "retry"])
def test_a_job_that_is_done_stays_done(store: Store, me: Identity, verb: str) -> None:
    store.enqueue("train", {})
    job = settled(store, me, DONE)
    with pytest.raises(WrongState, match="its state is 'Done'"):
        getattr(store, verb)(job.id)
    assert store.job(job.id) == job


def test_a_failed_job_can_be_tried_again_at_the_end_of_the_queue(
    store: Store, me: Identity
) -> None:
    store.enqueue("train", {})
    store.enqueue("train", {})
    job = settled(store, me, BROKEN)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "crash", "ValueError: no")
    again = store.retry(job.id)
    assert (again.state, again.error, again.ended_at) == (JobState.QUEUED, None, None)
    assert waiting_ids(store) == [2, 1]


def test_a_job_waits_for_the_one_before_it(store: Store, me: Identity) -> None:
    first = store.enqueue("convert", {}, name="starter")
    second = store.enqueue("train", {}, after=first.id, priority=9)
    first = claimed(store, me)
    assert store.claim((*CPU, DeviceSlot("cpu:1", "cpu")), me) is None
    assert store.job(second.id).waiting_for == "job 1 (starter) to be done"
    store.settle(first.id, str(first.lease_token), DONE)
    assert claimed(store, me).id == second.id


def test_a_job_waits_for_memory_and_says_so(store: Store, me: Identity) -> None:
    store.enqueue("train", {}, needs_bytes=9_000_000_000)
    assert store.claim(CPU, me) is None
    assert "about 9.0 GB of memory" in str(store.job(1).waiting_for)
    assert "8.0 GB is free now" in str(store.job(1).waiting_for)
    job = store.claim([replace(CPU[0], free_bytes=10_000_000_000)], me)
    assert job is not None
    assert job.waiting_for is None


def test_a_caller_that_looks_often_need_not_tell_each_time(store: Store, me: Identity) -> None:
    store.enqueue("train", {}, needs_bytes=9_000_000_000)
    assert store.claim(CPU, me, tell=False) is None
    assert store.job(1).waiting_for is None


def test_a_job_is_not_run_before_its_time(store: Store, me: Identity, clock: Clock) -> None:
    store.enqueue("train", {}, run_after=clock.now + 3600)
    assert store.claim(CPU, me) is None
    assert str(store.job(1).waiting_for).endswith(", as it was set")
    clock.now += 3601
    assert claimed(store, me).id == 1


def test_a_busy_database_is_told_and_can_be_read_again_later(store: Store) -> None:
    store.enqueue("train", {})
    page = Store(store.path, patience_s=0.1)
    with sqlite3.connect(store.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy, match="is busy"):
            page.jobs()
        with pytest.raises(StoreBusy, match="is busy"):
            page.cancel(1)
        other.execute("ROLLBACK")
    assert [job.id for job in page.jobs()] == [1]


def test_the_jobs_that_wait_are_not_sorted_anew_for_each_claim(store: Store) -> None:
    store.enqueue("train", {})
    with sqlite3.connect(store.path) as connection:
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {rows._WAITING}").fetchall())
    assert "ix_jobs_run_order" in plan
    assert "TEMP B-TREE" not in plan


def test_a_job_can_be_set_for_the_night_and_back(store: Store, me: Identity) -> None:
    job = store.enqueue("train", {}, hours="22:00 - 6:00")
    assert job.hours == "22:00-06:00"
    assert store.schedule(job.id).hours is None
    assert claimed(store, me).id == job.id
    assert [event.kind for event in store.events(job.id)] == ["enqueued", "scheduled", "claimed"]


def test_hours_that_are_none_are_refused(store: Store) -> None:
    with pytest.raises(BadJob, match=r"Write them as 22:00-06:00"):
        store.enqueue("train", {}, hours="at night")
    assert store.jobs() == []
