"""A job in plain words: what it is, where it stands, how far it got, what it found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.models import Intent, Job, JobState
from jobs.progress import read_metrics
from studio.ui import words


@dataclass(frozen=True)
class TaskWords:
    """How a task is spoken of: its kind, what it does while it runs, and what it counts."""

    title: str
    running: str
    counts_bytes: bool = False


TASKS = {
    "train": TaskWords("Training", "Training"),
    "find_rate": TaskWords("Learning-rate test", "Testing"),
    "combine": TaskWords("Combination", "Combining"),
    "export": TaskWords("Export", "Exporting"),
    "convert": TaskWords("Preparing a model", "Preparing"),
    "fetch": TaskWords("Downloading a model", "Downloading", counts_bytes=True),
    "answers": TaskWords("Held-out questions", "Answering"),
    "evaluate": TaskWords("Evaluation", "Evaluating"),
}
STOPPING = {Intent.CANCEL: "Stopping", Intent.PAUSE: "Pausing"}


@dataclass(frozen=True)
class Progress:
    """How far a job got: steps done of how many, and its newest figures."""

    step: int
    total_steps: int
    loss: float | None
    held_out_loss: float | None
    # What else was counted on the held-out rows, by the objective's names.
    held_out: Mapping[str, Any]
    # Where the newest unbroken stretch began: after a resume the clock starts anew.
    first_step: int
    started: float | None
    latest: float | None
    # As the run itself tells by what its steps and looks at held-out rows took.
    told_left: float | None = None

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """As the run tells, else at the pace so far; None until it can be told."""
        if self.told_left is not None:
            return self.told_left
        steps = self.step - self.first_step
        if self.started is None or self.latest is None or steps < 1:
            return None
        return (self.latest - self.started) / steps * (self.total_steps - self.step)


def name(job: Job) -> str:
    """What the job is called."""
    return job.name or f"{task_title(job)} {job.id}"


def task_title(job: Job) -> str:
    """What kind of job it is."""
    return _task(job).title


def state_words(job: Job) -> str:
    """Where the job stands, in a word or two."""
    if job.intent is not None and job.state.is_active:
        return STOPPING[job.intent]
    return _task(job).running if job.state is JobState.RUNNING else job.state.sentence


def _task(job: Job) -> TaskWords:
    title = job.task.replace("_", " ").capitalize()
    return TASKS.get(job.task, TaskWords(title, JobState.RUNNING.sentence))


def progress(folder: Path) -> Progress | None:
    """How far the job of this folder got; None before its first step."""
    lines, _ = read_metrics(folder)
    return progress_of(lines)


def progress_of(lines: Sequence[Mapping[str, Any]]) -> Progress | None:
    """As `progress`, from metrics lines that were read already."""
    steps = [line for line in lines if isinstance(line.get("step"), int)]
    if not steps:
        return None
    last = steps[-1]
    begin = len(steps) - 1
    while begin and steps[begin - 1]["step"] <= steps[begin]["step"]:
        begin -= 1
    return Progress(
        step=last["step"],
        total_steps=int(last.get("total_steps") or 0),
        loss=_newest(steps, "loss"),
        held_out_loss=_newest(steps, "held_out_loss"),
        held_out=next((line["held_out"] for line in reversed(steps) if line.get("held_out")), {}),
        first_step=steps[begin]["step"],
        started=_time(steps[begin]),
        latest=_time(last),
        told_left=last.get("seconds_left"),
    )


def sentence(job: Job, made: Progress | None) -> str:
    """What a person wants to know about the job right now, in one or two sentences."""
    if job.state is JobState.QUEUED:
        return f"Waiting for {job.waiting_for}." if job.waiting_for else "It starts in a moment."
    if job.state is JobState.STARTING:
        return "Loading the program and the model."
    if job.state is JobState.RUNNING:
        return _running(job, made)
    if job.state is JobState.SUCCEEDED:
        return f"Done in {_took(job)}."
    if job.state is JobState.FAILED:
        return job.error or "It stopped with a problem; the log says more."
    if job.state is JobState.PAUSED and job.error:
        return job.error
    if job.state is JobState.PAUSED:
        return "It goes on from where it stopped when you press Resume."
    return "It was cancelled."


def _running(job: Job, made: Progress | None) -> str:
    if job.intent is Intent.CANCEL:
        return "It is being stopped."
    if job.intent is Intent.PAUSE:
        return "It saves its place, then pauses."
    if made is None:
        return "It runs; the first step takes longest."
    rest = f"; {left(made)}{_end(made)}" if left(made) else ""
    if _task(job).counts_bytes:
        return f"{words.size(made.step)} of {words.size(made.total_steps)}{rest}."
    return f"Step {made.step:,} of {made.total_steps:,}{rest}."


def left(made: Progress) -> str:
    """`about 5 minutes left`; empty until it can be told."""
    seconds = made.seconds_left
    return f"about {words.duration(seconds)} left" if seconds is not None else ""


def _end(made: Progress) -> str:
    """When that will be by the clock on the wall."""
    if made.seconds_left is None or made.latest is None:
        return ""
    return f", done at about {words.moment(made.latest + made.seconds_left)}"


def _took(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return "a moment"
    return words.duration(job.ended_at - job.started_at)


def elapsed(job: Job) -> str:
    """How long it runs or ran, as a clock; empty before its start."""
    if job.started_at is None:
        return ""
    return words.clock((job.ended_at or time.time()) - job.started_at)


def _newest(steps: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = (line.get(name) for line in reversed(steps))
    return next((float(value) for value in values if isinstance(value, int | float)), None)


def _time(line: Mapping[str, Any]) -> float | None:
    value = line.get("time")
    return float(value) if isinstance(value, int | float) else None
