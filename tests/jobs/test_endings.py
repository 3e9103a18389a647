"""What becomes of a job whose attempt ended: the table of outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.endings import (
    Ending,
    EndingKind,
    Next,
    ending_file,
    read_ending,
    what_next,
    write_ending,
)
from jobs.models import Intent, Job, JobState
from jobs.processes.identity import Identity
from jobs.store import Store
from tests.jobs.test_store import claimed


@pytest.fixture
def job(store: Store, me: Identity) -> Job:
    """An active job in its first attempt."""
    store.enqueue("train", {}, max_attempts=2)
    return claimed(store, me)


def after(job: Job, kind: EndingKind, **changed: object) -> Next:
    values = {**vars(job), **changed}
    return what_next(Job(**values), Ending(kind, code="odd", words="Odd."))


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EndingKind.RETURNED, JobState.SUCCEEDED),
        (EndingKind.RAISED, JobState.FAILED),
        (EndingKind.STOPPED, JobState.QUEUED),
        (EndingKind.KILLED, JobState.QUEUED),
        (EndingKind.OWNER_LOST, JobState.QUEUED),
        (EndingKind.NEEDS_A_PERSON, JobState.PAUSED),
    ],
)
def test_what_follows_when_nobody_wanted_anything(
    job: Job, kind: EndingKind, state: JobState
) -> None:
    assert after(job, kind).state == state


@pytest.mark.parametrize("kind", EndingKind)
def test_a_cancelled_job_is_cancelled_however_it_ended(job: Job, kind: EndingKind) -> None:
    assert after(job, kind, intent=Intent.CANCEL).state == JobState.CANCELLED


@pytest.mark.parametrize("kind", EndingKind)
def test_a_job_to_be_paused_is_paused_unless_it_came_to_its_end_first(
    job: Job, kind: EndingKind
) -> None:
    ended = {EndingKind.RETURNED: JobState.SUCCEEDED, EndingKind.RAISED: JobState.FAILED}
    expected = ended.get(kind, JobState.PAUSED)
    assert after(job, kind, intent=Intent.PAUSE).state == expected


@pytest.mark.parametrize("kind", [EndingKind.RAISED, EndingKind.NEEDS_A_PERSON])
def test_an_error_keeps_its_code_and_words(job: Job, kind: EndingKind) -> None:
    following = after(job, kind)
    assert (following.error_code, following.error) == ("odd", "Odd.")


def test_a_killed_task_is_tried_once_more_and_then_has_failed(job: Job) -> None:
    assert after(job, EndingKind.KILLED).more_crashes == 1
    second = after(job, EndingKind.KILLED, crashes=1)
    assert (second.state, second.error_code, second.more_crashes) == (JobState.FAILED, "killed", 1)
    assert "memory" in str(second.error)


def test_a_lost_owner_costs_one_of_the_attempts_allowed(job: Job) -> None:
    assert after(job, EndingKind.OWNER_LOST).more_owners_lost == 1
    last = after(job, EndingKind.OWNER_LOST, owners_lost=1)
    assert (last.state, last.error_code) == (JobState.FAILED, "lost")


def test_handing_back_costs_nothing(job: Job) -> None:
    following = after(job, EndingKind.STOPPED, owners_lost=1, crashes=1)
    assert (following.more_owners_lost, following.more_crashes) == (0, 0)


def test_an_ending_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    ending = Ending(EndingKind.RAISED, code="crash", words="ValueError: é")
    write_ending(tmp_path, 3, ending)
    assert read_ending(tmp_path, 3) == ending
    assert read_ending(tmp_path, 2) is None


def test_a_damaged_ending_counts_as_none(tmp_path: Path) -> None:
    ending_file(tmp_path, 1).write_text('{"ending": "returned", ')
    assert read_ending(tmp_path, 1) is None
