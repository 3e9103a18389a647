"""What a task is handed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from jobs.context import TaskContext, TaskError
from jobs.progress import read_metrics


def test_a_report_is_one_line_that_can_be_read_at_once(tmp_path: Path) -> None:
    TaskContext(1, {}, tmp_path).report(3, 9, loss=0.5, phase="warm-up")
    (line,), _ = read_metrics(tmp_path)
    assert line.pop("time") > 0
    assert line == {"step": 3, "total_steps": 9, "loss": 0.5, "phase": "warm-up"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null(tmp_path: Path, value: float) -> None:
    TaskContext(1, {}, tmp_path).report(1, 9, loss=value)
    assert read_metrics(tmp_path)[0][0]["loss"] is None


def test_a_stop_that_was_asked_for_is_seen(tmp_path: Path) -> None:
    context = TaskContext(1, {}, tmp_path)
    assert not context.stop_requested
    context.request_stop()
    assert context.stop_requested


def test_a_log_line_goes_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TaskContext(1, {}, tmp_path).log("Loading the model.")
    assert capsys.readouterr().out == "Loading the model.\n"


def test_an_explained_failure_carries_code_and_words() -> None:
    error = TaskError("The disk is full.", code="disk")
    assert (error.code, error.words, str(error)) == (
        "disk",
        "The disk is full.",
        "The disk is full.",
    )
