"""What a person or a program is shown of a job: the queue's row with what lies in its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.models import Job
from jobs.progress import read_metrics

# The newest lines hold every figure that a run reports, held-out loss included.
TAIL_BYTES = 65_536


@dataclass(frozen=True)
class RunView:
    """One job, as `jobs show` prints it."""

    id: int
    name: str
    task: str
    state: str
    waiting_for: str | None
    attempt: int
    progress: dict[str, int | None]
    metrics: dict[str, Any]
    predicted: dict[str, Any] | None
    measured: dict[str, Any] | None
    error: dict[str, str] | None
    result: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON."""
        return asdict(self)


def view(job: Job, folder: Path) -> RunView:
    """The view of `job`, whose run folder is `folder`."""
    lines = _last_lines(folder)
    newest = lines[-1] if lines else {}
    metrics: dict[str, Any] = {}
    for line in lines:
        metrics |= {name: value for name, value in line.items() if value is not None}
    progress = {"step": newest.get("step"), "total_steps": newest.get("total_steps")}
    for name in ("time", "step", "total_steps"):
        metrics.pop(name, None)
    result = job.result or {}
    error = {"code": job.error_code or "failed", "words": job.error} if job.error else None
    return RunView(
        id=job.id,
        name=job.name,
        task=job.task,
        state=job.state.value,
        waiting_for=job.waiting_for,
        attempt=job.attempt,
        progress=progress,
        metrics=metrics,
        predicted=job.spec.get("predicted"),
        measured=result.get("measured"),
        error=error,
        result=job.result,
    )


def _last_lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / "metrics.jsonl"
    size = path.stat().st_size if path.is_file() else 0
    return read_metrics(folder, max(0, size - TAIL_BYTES))[0]
