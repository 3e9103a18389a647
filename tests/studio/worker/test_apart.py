"""A function in a process of its own: its answers, errors, progress, and every way in which it may end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from studio.checks import CHECKS
from studio.errors import DataProblem, FieldProblem, StudioError
from studio.worker import apart

Progress = Callable[[float, str], None]


# What is called: functions of a module, as the other process finds them by name.


def noisy(number: int, on_progress: Progress, *, more: int = 0) -> tuple[int, int]:
    print("noise between the answers", flush=True)
    on_progress(0.5, "half of it")
    return number + more, os.getpid()


def refused(on_progress: Progress) -> None:
    fields = [FieldProblem("data.path", "is wrong")]
    raise DataProblem("No such column.", code="columns", fields=fields)


def unknown(on_progress: Progress) -> None:
    raise ZeroDivisionError("by nothing")


def killed(on_progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def endless(file: str, on_progress: Progress) -> None:
    with open(file, "w", encoding="utf-8") as said:
        said.write(str(os.getpid()))
    while True:
        time.sleep(0.01)


def test_it_is_done_elsewhere_and_what_it_prints_does_not_matter() -> None:
    heard: list[tuple[float, str]] = []
    value, pid = apart.call(noisy, 40, more=2, on_progress=lambda *said: heard.append(said))

    assert value == 42
    assert pid != os.getpid()
    assert (0.5, "half of it") in heard


def test_the_process_stays_for_the_next_call() -> None:
    assert apart.call(noisy, 1)[1] == apart.call(noisy, 2)[1]


def test_a_problem_arrives_as_it_was_raised() -> None:
    with pytest.raises(DataProblem, match="No such column") as raised:
        apart.call(refused)

    assert raised.value.code == "columns"
    assert raised.value.fields[0].words == "is wrong"


def test_an_error_that_nobody_expected_is_told_in_words() -> None:
    with pytest.raises(StudioError, match="ZeroDivisionError: by nothing") as raised:
        apart.call(unknown)

    assert raised.value.code == "crash"


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_a_killed_process_is_told_in_words_and_the_next_call_has_another() -> None:
    with pytest.raises(StudioError, match="ended from outside") as raised:
        apart.call(killed)

    assert raised.value.code == "process_gone"
    assert apart.call(noisy, 1)[0] == 1


def test_what_progress_raises_ends_the_process(tmp_path: os.PathLike[str]) -> None:
    file = os.path.join(tmp_path, "pid")

    def stop(share: float, words: str) -> None:
        if os.path.exists(file) and os.path.getsize(file):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        apart.call(endless, file, on_progress=stop)
    with open(file, encoding="utf-8") as said:
        pid = int(said.read())
    _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 10)
    assert not alive


def test_who_is_stopped_may_take_away_what_is_half_written(tmp_path: os.PathLike[str]) -> None:
    file = os.path.join(tmp_path, "half")

    def stop(share: float, words: str) -> None:
        if os.path.exists(file):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        apart.call(writing, file, on_progress=stop)
    for _ in range(200):
        if not os.path.exists(file):
            break
        time.sleep(0.05)
    assert not os.path.exists(file)


def writing(file: str, on_progress: Progress) -> None:
    with open(file, "w", encoding="utf-8"):
        pass
    try:
        while True:
            on_progress(0.5, "")
    finally:
        os.remove(file)


@pytest.mark.parametrize("check", CHECKS)
def test_every_fix_can_travel(check: str) -> None:
    assert apart.call(titles, list(CHECKS[check].fixes)) == [f.title for f in CHECKS[check].fixes]


def titles(fixes: list[object], on_progress: Progress) -> list[str]:
    return [str(getattr(fix, "title", "")) for fix in fixes]
