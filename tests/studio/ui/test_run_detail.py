"""One run in full, as HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.models import Job, JobState
from jobs.store import Store
from studio.failures import diagnose
from studio.ui import run_detail


def job(tmp_path: Path, **values: Any) -> Job:
    """A job of the real store, with values as if it had come further."""
    return replace(Store(tmp_path / "studio.db").enqueue("train", {}, name="Tone"), **values)


def test_a_run_that_ran_out_of_memory_on_the_way_says_so(tmp_path: Path) -> None:
    memory = {"rows_at_a_time": 1, "recomputes": True, "ran_out": True}
    shown = run_detail.figures_html(job(tmp_path, result={"memory": memory}), None, [])

    assert "it went on with 1 row at a time, computing intermediate results twice" in shown


def test_the_card_stays_text_and_names_what_would_change(tmp_path: Path) -> None:
    spec = {"training": {"learning_rate": 0.001}}
    card = diagnose("not_finite", "loss is nan <b>", "loss is nan <b>", spec)

    shown = run_detail.problem_html(job(tmp_path, state=JobState.FAILED, error="x"), card)
    known = run_detail.problem_html(job(tmp_path, error="loss is nan <b>"), card)

    assert "<pre>loss is nan &lt;b&gt;</pre>" in shown
    assert "Again with training.learning_rate = 0.0001" in shown
    assert "<pre>" not in known  # the job's own words say it above


def test_small_curves_are_drawn_of_what_was_reported(tmp_path: Path) -> None:
    lines = [{"step": n, "loss": 1.0, "grad_norm": n, "learning_rate": 0.1} for n in (1, 2, 3)]

    shown = run_detail.drawing_html(job(tmp_path), lines, None)

    assert shown.count('class="curve small"') == 2
    assert "Gradient&#x27;s size <strong>3</strong>" in shown


def test_events_are_told_newest_first(tmp_path: Path) -> None:
    store = Store(tmp_path / "studio.db")
    store.pause(store.enqueue("train", {}).id)

    shown = run_detail.events_html(store.events(1))

    assert "2 events" in shown
    assert shown.index("Paused.") < shown.index("Put in the queue.")
