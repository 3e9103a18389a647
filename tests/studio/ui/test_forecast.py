"""What was predicted of a run beside what was measured, as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.models import Job, JobState
from jobs.store import Store
from studio.ui.forecast import forecast_html

GB = 10**9
PREDICTED = {
    "memory": {"peak_bytes": 2 * GB, "low_bytes": 1.9 * GB, "high_bytes": 2.2 * GB},
    "time": {"seconds": 240, "low": 180, "high": 420, "cpu_seconds": 240},
}


def job(tmp_path: Path, predicted: Any = PREDICTED, **measured: float) -> Job:
    """A run with this forecast; with what was measured, where it has ended."""
    found = Store(tmp_path / "studio.db").enqueue("train", {}, name="Tone")
    found = replace(found, spec={"predicted": predicted}, state=JobState.RUNNING)
    if not measured:
        return found
    return replace(found, state=JobState.SUCCEEDED, result={"measured": measured})


def test_a_finished_run_shows_both_and_whether_it_stayed_within_the_range(tmp_path: Path) -> None:
    said = forecast_html(job(tmp_path, peak_bytes=2.16 * GB, whole_seconds=480), [])

    assert "about 2.0 GB" in said
    assert "(1.9 GB to 2.2 GB)" in said
    assert "8 % more, within the range" in said
    assert "(3 minutes to 7 minutes)" in said
    assert "100 % more, outside the range" in said


def test_a_small_difference_is_none_to_a_person(tmp_path: Path) -> None:
    said = forecast_html(job(tmp_path, peak_bytes=2.05 * GB, whole_seconds=243), [])

    assert said.count("as predicted") == 2


def test_while_it_runs_the_memory_until_now_stands_there(tmp_path: Path) -> None:
    lines = [{"step": 1, "memory_bytes": 1.5 * GB}, {"step": 2, "memory_bytes": 1.0 * GB}]

    said = forecast_html(job(tmp_path), lines)

    assert "Until now" in said
    assert "1.5 GB" in said
    assert "more" not in said


def test_other_programs_are_named_where_they_made_it_late(tmp_path: Path) -> None:
    late = forecast_html(job(tmp_path, peak_bytes=2 * GB, whole_seconds=900, cpu_seconds=250), [])
    alone = forecast_html(job(tmp_path, peak_bytes=2 * GB, whole_seconds=260, cpu_seconds=250), [])

    assert "other programs had the processor" in late
    assert "It computed for 4 minutes of processor time" in alone
    assert "other programs" not in alone


def test_nothing_stands_there_where_nothing_was_predicted(tmp_path: Path) -> None:
    assert forecast_html(job(tmp_path, predicted=None, whole_seconds=20), []) == ""
