"""A torch-free table of tasks, found by name in the task processes of these tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from jobs.context import NeedsAPerson, ProcessKilled, Stopped, TaskContext, TaskError
from jobs.durable import write_json
from jobs.progress import read_json
from jobs.task_process import DETAILS

_CHILD = "import time; time.sleep(600)"
_STUBBORN_CHILD = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
)


def echo(context: TaskContext) -> dict[str, Any]:
    """Gives its spec back."""
    context.log(f"hello from job {context.job_id}")
    return {"spec": context.spec, "attempt": context.attempt, "slots": list(context.slots)}


def count(context: TaskContext) -> dict[str, Any]:
    """Counts to `steps`, `pause_s` a step, from its checkpoint on; saves one at each step."""
    checkpoint = context.folder / "checkpoint.json"
    first = (read_json(checkpoint) or {"step": 0})["step"]
    steps = int(context.spec["steps"])
    for step in range(first + 1, steps + 1):
        if context.stop_requested:
            raise Stopped
        time.sleep(float(context.spec.get("pause_s", 0.02)))
        write_json(checkpoint, {"step": step})
        context.report(step, steps, loss=1.0 / step, attempt=context.attempt)
    return {"first": first, "steps": steps, "crashes": context.crashes}


def fail(context: TaskContext) -> None:
    """A mistake in a task's code."""
    raise ValueError("the sum is off")


def explain(context: TaskContext) -> None:
    """A failure with words of its own."""
    raise TaskError("The disk is made of cheese. Choose another.", code="cheese")


def tell_more(context: TaskContext) -> None:
    """A failure of which its table knows more than words."""
    error = TaskError("The disk is made of cheese. Choose another.", code="cheese")
    setattr(error, DETAILS, {"card": {"title": "Cheese"}})
    raise error


def leave(context: TaskContext) -> None:
    """A process that ends without a word."""
    os._exit(7)


def not_json(context: TaskContext) -> dict[str, Any]:
    """A result that cannot be written down."""
    return {"value": object()}


def kill_itself(context: TaskContext) -> dict[str, Any]:
    """Killed by the system in its first `times` attempts, as when memory runs out."""
    if context.crashes < int(context.spec["times"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"crashes": context.crashes}


def lose_a_rank(context: TaskContext) -> dict[str, Any]:
    """A rank of its own is killed in the first attempt."""
    if context.crashes == 0:
        raise ProcessKilled("Rank 1 was killed (SIGKILL).")
    return {"crashes": context.crashes}


def needs_room(context: TaskContext) -> dict[str, Any]:
    """Cannot go on until a person has made room, as it finds in its first attempt."""
    if context.attempt == 1:
        raise NeedsAPerson(
            "The disk is almost full. Make some room, then resume.", code="disk_full"
        )
    return {"attempt": context.attempt}


def stubborn(context: TaskContext) -> None:
    """Deaf to SIGTERM, with children in sessions of their own that are deaf, too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _start_family()
    context.report(1, 1)
    time.sleep(600)


def orphans(context: TaskContext) -> dict[str, Any]:
    """Ends well, but leaves processes behind."""
    _start_family()
    return {}


def slow_to_stop(context: TaskContext) -> None:
    """Takes a while to save after it was asked to stop."""
    (context.folder / "ready").touch()
    while not context.stop_requested:
        time.sleep(0.01)
    (context.folder / "asked").touch()
    time.sleep(0.5)
    raise Stopped


def linger(context: TaskContext) -> dict[str, Any]:
    """Returns, but a thread of it does not."""
    threading.Thread(target=time.sleep, args=(600,)).start()
    return {"done": True}


def talk(context: TaskContext) -> dict[str, Any]:
    """Logs and reports all the time, until its disk was full and then has room again, and once more."""
    spoken = 0
    for wanted in (True, False):
        while (shutil.disk_usage(context.folder).free < 100_000) != wanted:
            spoken = _say(context, spoken)
    return {"spoken": _say(context, spoken)}


def _say(context: TaskContext, spoken: int) -> int:
    context.log(f"line {spoken + 1}")
    context.report(spoken + 1, 0, loss=0.5)
    time.sleep(0.01)
    return spoken + 1


def until_there_is_room(context: TaskContext) -> dict[str, Any]:
    """Waits until the disk of its folder was full, and then until it no longer is."""
    for wanted in (True, False):
        while (shutil.disk_usage(context.folder).free < 100_000) != wanted:
            time.sleep(0.02)
    return {}


def _start_family() -> None:
    """A child in a session of its own, and a grandchild whose parent ends at once."""
    subprocess.Popen([sys.executable, "-c", _STUBBORN_CHILD], start_new_session=True)
    launcher = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_CHILD!r}])"
    subprocess.run([sys.executable, "-c", launcher], check=True, start_new_session=True)


TASKS = {
    task.__name__: task
    for task in (
        echo, count, fail, explain, tell_more, leave, not_json, kill_itself, lose_a_rank, needs_room, stubborn,
        orphans,
        slow_to_stop, linger, talk, until_there_is_room
    )
}  # fmt: skip
