"""The task `fetch`: a model of the Hub is downloaded into the data home."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from jobs.context import Stopped, TaskContext
from studio.models.fetch import fetch as fetch_model

REPORT_EVERY_S = 1.0


def fetch(context: TaskContext) -> dict[str, Any]:
    """Download `source` at `revision` into `target`; goes on where an earlier attempt was cut off."""
    spec = context.spec
    target = Path(spec["target"])
    reported_at = 0.0

    def progress(done_bytes: int, total_bytes: int) -> None:
        nonlocal reported_at
        if context.stop_requested:
            raise Stopped
        if time.monotonic() - reported_at >= REPORT_EVERY_S or done_bytes == total_bytes:
            reported_at = time.monotonic()
            context.report(done_bytes, total_bytes)

    fetch_model(spec["source"], spec["revision"], target, progress=progress)
    context.log(f"Ready: {spec['source']} in {target}")
    return {"folder": str(target)}
