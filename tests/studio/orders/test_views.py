"""What a person or a program is shown of a job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.models import Job, JobState
from jobs.store import Store
from studio.orders.views import view


def queued(tmp_path: Path, spec: dict[str, Any], **values: Any) -> Job:
    """A job of the real store, with `values` as if it had come further."""
    store = Store(tmp_path / "studio.db")
    job = store.enqueue("train", spec, name="Tone")
    store.close()
    return replace(job, **values)


def test_the_view_is_the_contracts_json_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    lines = [
        '{"step": 1, "total_steps": 9, "held_out_loss": 2.5}',
        '{"step": 2, "total_steps": 9, "loss": 2}',
        '{"step": 3, "tot',
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines), encoding="utf-8")

    shown = view(queued(tmp_path, {"predicted": {"time": None}}), tmp_path).as_json()

    assert set(shown) >= {
        *("id", "name", "task", "state", "waiting_for", "attempt", "progress"),
        *("metrics", "predicted", "measured", "error"),
    }
    assert shown["progress"] == {"step": 2, "total_steps": 9}
    assert shown["metrics"] == {"held_out_loss": 2.5, "loss": 2}
    assert (shown["name"], shown["state"], shown["error"]) == ("Tone", "queued", None)
    assert shown["predicted"] == {"time": None}


def test_a_failure_and_a_result_are_shown(tmp_path: Path) -> None:
    job = queued(
        tmp_path,
        {},
        state=JobState.FAILED,
        error="The disk is full.",
        error_code="disk_full",
        result={"measured": {"seconds": 3.0}},
    )

    shown = view(job, tmp_path / "no folder yet")

    assert shown.error == {"code": "disk_full", "words": "The disk is full."}
    assert shown.measured == {"seconds": 3.0}
    assert shown.progress == {"step": None, "total_steps": None}
