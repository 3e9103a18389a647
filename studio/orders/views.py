"""What a person or a program is shown of a job: the queue's row with what lies in its folder."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.models import Job
from jobs.progress import read_log, read_metrics
from studio.failures import Diagnosis, diagnose

# The newest lines hold every figure that a run reports, held-out loss included.
TAIL_BYTES = 65_536
LOG_BYTES = 64_000


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
    error: dict[str, Any] | None
    result: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON."""
        return asdict(self)


def view(job: Job, folder: Path, *, is_explained: bool = False) -> RunView:
    """The view of `job`, whose run folder is `folder`; a problem with its card, where one is wanted."""
    lines = _last_lines(folder)
    newest = lines[-1] if lines else {}
    metrics: dict[str, Any] = {}
    for line in lines:
        metrics |= {name: value for name, value in line.items() if value is not None}
    progress = {"step": newest.get("step"), "total_steps": newest.get("total_steps")}
    for name in ("time", "step", "total_steps"):
        metrics.pop(name, None)
    result = job.result or {}
    error: dict[str, Any] | None = None
    if job.error:
        error = {"code": job.error_code or "failed", "words": job.error}
        if is_explained and (card := explain(job, folder)) is not None:
            error["card"] = card.as_json()
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


def explain(job: Job, folder: Path) -> Diagnosis | None:
    """Why a job failed, or needs a person before it goes on; None where nothing is wrong with it."""
    if job.error is None:
        return None
    spec = job.spec.get("spec") if job.task == "train" else None
    log, _ = read_log(folder, -LOG_BYTES, LOG_BYTES)
    # What an earlier attempt stumbled over is past.
    last_attempt = re.split(r"^Attempt \d+ on .*$", log, flags=re.MULTILINE)[-1]
    return diagnose(job.error_code, job.error, last_attempt, spec)


def _last_lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / "metrics.jsonl"
    size = path.stat().st_size if path.is_file() else 0
    return read_metrics(folder, max(0, size - TAIL_BYTES))[0]
