"""Launching: the task's process starts its ranks under torchrun, passes a stop on, and tells how it ended."""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import count as numbers
from pathlib import Path
from typing import Any

from jobs import processes
from jobs.context import NeedsAPerson, ProcessKilled, Stopped, TaskContext, TaskError
from jobs.endings import Ending, EndingKind, ending_file, read_ending
from jobs.processes import platform
from jobs.programs import command, environment
from jobs.progress import read_json
from studio.spec import Training
from studio.training.fitting import Fit
from studio.training.ranks.context import (
    FOLDER,
    Meeting,
    ending_folder,
    failures_file,
    stop_file,
)

_POLL_S = 0.1
OUT_OF_MEMORY = "out_of_memory"


def run(context: TaskContext, training: Training) -> dict[str, Any] | None:
    """The task carried out by `training.processes` ranks; gives the first one's result.

    Raises Stopped, NeedsAPerson or TaskError as the ranks did, and ProcessKilled where one of them was
    killed by the system.
    """
    for crashes in numbers(context.crashes):
        ending = _attempt(context, training.processes, crashes)
        if ending.code != OUT_OF_MEMORY or not _may_shrink(training, crashes):
            return _heed(ending)
        context.log("The memory of a process ran out. Beginning anew with fewer rows at a time.")
    raise AssertionError("numbers end")


def _may_shrink(training: Training, crashes: int) -> bool:
    """Ranks that hold a share each cannot try a step again alone; those with the whole model did."""
    fit = Fit(training.batch_size, training.recomputed_share == 1)
    return training.sharding != "none" and fit.after(crashes + 1) != fit.after(crashes)


def _attempt(context: TaskContext, count: int, crashes: int) -> Ending:
    """Start the ranks and wait for them; none of them is left afterwards."""
    folder = context.folder / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    Meeting.of(context, count, crashes).write(folder)
    process = subprocess.Popen(
        command(
            "studio.training.ranks.torchrun",
            f"--folder={folder}",
            f"--parent={os.getpid()}",
        ),
        env=_environment(count),
        cwd=context.folder,
        stdin=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                code = process.wait(_POLL_S)
                break
            except subprocess.TimeoutExpired:
                if context.stop_requested:
                    stop_file(folder).touch()
    finally:
        below = processes.descendants(process.pid)
        process.kill()
        process.wait()
        processes.kill_all(below)
    return _ending(folder, count, context.attempt, code)


def _environment(count: int) -> dict[str, str]:
    """The job's mark stays on, and the cores are shared out."""
    marks = (processes.JOB_VARIABLE, processes.DATABASE_VARIABLE)
    threads = max(1, (os.cpu_count() or 1) // count)
    return {
        **environment(),
        **{name: os.environ[name] for name in marks if name in os.environ},
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        # torchrun starts the ranks; no file in the current folder may pass for a package.
        "PYTHONSAFEPATH": "1",
    }


def _ending(folder: Path, count: int, attempt: int, code: int) -> Ending:
    """How all of it ended: the first rank's ending, or the cause of another's failure."""
    places = [ending_folder(folder, rank) for rank in range(count)]
    found = {place: read_ending(place, attempt) for place in places}
    first = found[places[0]]
    if code == 0 and first is not None:
        return first
    killed = _killed(folder, count) or (
        platform.killed_by(code) and f"The system ended the training ({platform.killed_by(code)})."
    )
    if killed:
        return Ending(EndingKind.KILLED, words=killed)
    waiting = [each for each in found.values() if each and each.kind == EndingKind.NEEDS_A_PERSON]
    if waiting:
        return waiting[0]
    raised = [
        (ending_file(place, attempt).stat().st_mtime_ns, ending)
        for place, ending in found.items()
        if ending is not None and ending.kind == EndingKind.RAISED
    ]
    if raised:
        # What the others say is mostly that they lost touch with the one that failed first.
        _, cause = min(raised, key=lambda pair: (pair[1].code == "crash", pair[0]))
        return cause
    words = f"The {count} processes of the training ended (exit code {code}) and left no result."
    return Ending(EndingKind.RAISED, code="crash", words=words)


def _killed(folder: Path, count: int) -> str | None:
    """In words, which rank was ended by a signal."""
    for failure in (read_json(failures_file(folder)) or {}).get("failures", ()):
        sign = platform.killed_by(failure["exit_code"])
        if sign:
            number = failure["rank"] + 1
            return f"The system ended process {number} of {count} of the training ({sign})."
    return None


def _heed(ending: Ending) -> dict[str, Any] | None:
    if ending.kind == EndingKind.STOPPED:
        raise Stopped
    if ending.kind == EndingKind.NEEDS_A_PERSON:
        raise NeedsAPerson(ending.words or "", code=ending.code or "stopped")
    if ending.kind == EndingKind.KILLED:
        raise ProcessKilled(ending.words or "")
    if ending.kind == EndingKind.RAISED:
        raise TaskError(ending.words or "", code=ending.code or "crash")
    return ending.result
