"""A job in plain words."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.models import Intent, Job, JobState
from jobs.store import Store
from studio.ui import run_words


def job_like(tmp_path: Path, **changes: Any) -> Job:
    """A job out of a real queue, with some of its values changed."""
    job = Store(tmp_path / "queue.db").enqueue("train", {}, name="Tone")
    return dataclasses.replace(job, **changes)


@pytest.mark.parametrize("state", [*JobState])
def test_every_state_has_words_and_a_sentence(tmp_path: Path, state: JobState) -> None:
    job = job_like(tmp_path, state=state)

    assert run_words.state_words(job)
    assert run_words.sentence(job, None).endswith((".", "!"))


def test_a_running_training_trains_and_a_running_export_exports(tmp_path: Path) -> None:
    running = job_like(tmp_path, state=JobState.RUNNING)

    assert run_words.state_words(running) == "Training"
    assert run_words.state_words(dataclasses.replace(running, task="export")) == "Exporting"
    assert run_words.state_words(dataclasses.replace(running, task="other")) == "Running"


def test_a_download_counts_bytes(tmp_path: Path) -> None:
    job = job_like(tmp_path, state=JobState.RUNNING, task="fetch")
    made = run_words.progress_of([{"time": 1.0, "step": 500_000_000, "total_steps": 1_000_000_000}])

    assert run_words.sentence(job, made) == "500 MB of 1.0 GB."


def test_a_job_that_was_asked_to_stop_says_so(tmp_path: Path) -> None:
    job = job_like(tmp_path, state=JobState.RUNNING, intent=Intent.CANCEL)

    assert run_words.state_words(job) == "Stopping"
    assert run_words.sentence(job, None) == "It is being stopped."


def test_a_waiting_job_says_what_for(tmp_path: Path) -> None:
    job = job_like(tmp_path, waiting_for="the training before it")

    assert run_words.sentence(job, None) == "Waiting for the training before it."


def test_a_failed_job_says_why(tmp_path: Path) -> None:
    job = job_like(tmp_path, state=JobState.FAILED, error="The disk is full.")

    assert run_words.sentence(job, None) == "The disk is full."


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    """A run folder with these metrics."""
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_progress_is_read_from_the_run_folder(tmp_path: Path) -> None:
    steps = [
        {"time": 10.0 + n, "step": n, "total_steps": 20, "loss": 3.0 - n / 10} for n in (1, 2, 3)
    ]
    made = run_words.progress(written(tmp_path, *steps, {"step": 3, "held_out_loss": 1.5}))

    assert made is not None
    assert (made.step, made.loss, made.held_out_loss) == (3, 2.7, 1.5)


def test_what_is_left_is_told_at_the_pace_so_far() -> None:
    steps = [{"time": 10.0 * n, "step": n, "total_steps": 11} for n in range(1, 6)]
    made = run_words.progress_of(steps)

    assert made is not None
    assert made.share == pytest.approx(5 / 11)
    assert made.seconds_left == pytest.approx(60.0)


def test_after_a_resume_the_pace_is_that_of_the_newest_stretch() -> None:
    before = [{"time": float(n), "step": n, "total_steps": 10} for n in range(1, 6)]
    after = [{"time": 1000.0 + 10 * n, "step": n, "total_steps": 10} for n in range(3, 6)]
    made = run_words.progress_of([*before, *after])

    assert made is not None
    assert made.seconds_left == pytest.approx(50.0)


def test_without_a_step_there_is_no_progress(tmp_path: Path) -> None:
    assert run_words.progress(tmp_path) is None
