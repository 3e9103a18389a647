"""The process in which a task runs, called as a function where no process is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.context import TaskContext
from jobs.endings import Ending, EndingKind, read_ending, write_ending
from jobs.task_process import run

TASKS = "tests.jobs.tasks:TASKS"


def ending_of(task: str, tmp_path: Path, tasks: str = TASKS) -> Ending:
    return run(tasks, task, TaskContext(1, {"times": 0}, tmp_path))


def test_what_a_task_returns_is_its_result(tmp_path: Path) -> None:
    ending = ending_of("kill_itself", tmp_path)
    assert ending == Ending(EndingKind.RETURNED, result={"crashes": 0})


def test_a_mistake_goes_to_the_log_with_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = ending_of("fail", tmp_path)
    assert ending == Ending(EndingKind.RAISED, code="crash", words="ValueError: the sum is off")
    assert 'raise ValueError("the sum is off")' in capsys.readouterr().err


def test_a_failure_with_words_is_told_in_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = ending_of("explain", tmp_path)
    assert (ending.code, ending.words) == ("cheese", "The disk is made of cheese. Choose another.")
    assert capsys.readouterr().err == "The disk is made of cheese. Choose another.\n"


def test_what_is_known_of_an_error_goes_with_it_into_the_result_file(tmp_path: Path) -> None:
    ending = ending_of("tell_more", tmp_path)
    assert ending.result == {"card": {"title": "Cheese"}}
    write_ending(tmp_path, 1, ending)
    assert read_ending(tmp_path, 1) == ending


def test_a_task_that_is_not_in_the_table_is_told_with_a_near_one(tmp_path: Path) -> None:
    ending = ending_of("fial", tmp_path)
    assert ending.code == "no_such_task"
    assert "There is no task 'fial'. Did you mean 'fail'?" in str(ending.words)


def test_a_table_that_cannot_be_imported_is_an_error_of_the_job(tmp_path: Path) -> None:
    ending = ending_of("echo", tmp_path, tasks="tests.jobs.nowhere:TASKS")
    assert ending.code == "crash"
    assert "No module named 'tests.jobs.nowhere'" in str(ending.words)


def test_a_killed_rank_counts_as_a_killed_task(tmp_path: Path) -> None:
    ending = ending_of("lose_a_rank", tmp_path)
    assert ending == Ending(EndingKind.KILLED, words="Rank 1 was killed (SIGKILL).")


def test_a_task_that_needs_a_person_says_what_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = ending_of("needs_room", tmp_path)
    assert (ending.kind, ending.code) == (EndingKind.NEEDS_A_PERSON, "disk_full")
    assert str(ending.words) in capsys.readouterr().out


def test_a_task_that_was_asked_to_stop_has_stopped(tmp_path: Path) -> None:
    context = TaskContext(1, {"steps": 9}, tmp_path)
    context.request_stop()
    assert run(TASKS, "count", context) == Ending(EndingKind.STOPPED)
