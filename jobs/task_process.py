"""The process in which a task runs: finds it by name, runs it, leaves its ending on disk."""

from __future__ import annotations

import argparse
import difflib
import errno
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.context import NeedsAPerson, ProcessKilled, Stopped, Task, TaskContext, TaskError
from jobs.endings import Ending, EndingKind, write_ending
from jobs.processes import platform
from jobs.programs import find
from jobs.progress import read_json

# The whole row's spec; what a task itself keeps of it is the task's own file.
SPEC = "job.json"

# What a table of tasks knows of an error may be left on it by this name; it goes into the result file.
DETAILS = "details"

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_ROOM_AGAIN_S = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one attempt at one job; its runner reads the ending from the run folder."""
    options = _parse(arguments)
    # First thing, before an import that takes seconds: never outlive the runner, never miss a stop.
    platform.die_with_parent(options.parent)
    context = TaskContext(
        job_id=options.job,
        spec=read_json(options.folder / SPEC) or {},
        folder=options.folder,
        attempt=options.attempt,
        crashes=options.crashes,
        slots=tuple(options.slot),
    )
    platform.on_stop_asked(options.folder, context.request_stop)
    platform.yield_to_others()
    _leave(context, run(options.tasks, options.task, context))


def run(tasks: str, name: str, context: TaskContext) -> Ending:
    """Run task `name` of the table `tasks` and say how it ended."""
    try:
        result = _look_up(find(tasks), name)(context)
    except Stopped:
        return Ending(EndingKind.STOPPED)
    except NeedsAPerson as error:
        context.log(error.words)
        return Ending(EndingKind.NEEDS_A_PERSON, code=error.code, words=error.words)
    except ProcessKilled as error:
        return Ending(EndingKind.KILLED, words=str(error) or None)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - stored with the job
        return _explain(error)
    return Ending(EndingKind.RETURNED, result=result)


def _look_up(table: Mapping[str, Task], name: str) -> Task:
    if name not in table:
        near = difflib.get_close_matches(name, list(table), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise TaskError(
            f"There is no task '{name}'.{hint} All tasks: {', '.join(sorted(table))}.",
            code="no_such_task",
        )
    return table[name]


def _explain(error: BaseException) -> Ending:
    """An error that carries words is told in them; any other goes to the log with its traceback."""
    code, words = getattr(error, "code", None), getattr(error, "words", None)
    details: dict[str, Any] | None = getattr(error, DETAILS, None)
    if isinstance(code, str) and isinstance(words, str):
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(words, file=sys.stderr)
        return Ending(EndingKind.RAISED, details, code, words)
    traceback.print_exception(error)
    return Ending(EndingKind.RAISED, details, "crash", f"{type(error).__name__}: {error}")


def _leave(context: TaskContext, ending: Ending) -> None:
    """Leave the ending on disk. Hours of work are not lost for want of room: it is waited for."""
    while True:
        try:
            write_ending(context.folder, context.attempt, ending)
            return
        except (TypeError, ValueError) as error:
            words = f"The task returned something that is not JSON: {error}."
            ending = Ending(EndingKind.RAISED, code="crash", words=words)
        except OSError as error:
            if error.errno not in _NO_ROOM or context.stop_requested:
                raise
            context.log("The disk is full. Make some room: the result is still to be written.")
            time.sleep(_ROOM_AGAIN_S)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jobs.task_process")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--slot", action="append", default=[])
    for number in ("--job", "--attempt", "--crashes", "--parent"):
        parser.add_argument(number, type=int, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
