"""The task `fetch`: progress as metrics, and a stop that is heeded."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.context import Stopped, TaskContext
from jobs.progress import read_metrics
from studio.tasks import fetch as module


def test_progress_becomes_metrics_and_the_folder_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_the_hub(source: str, revision: str, target: Path, *, progress: object) -> None:
        progress(5, 10)  # type: ignore[operator]
        progress(10, 10)  # type: ignore[operator]

    monkeypatch.setattr(module, "fetch_model", from_the_hub)
    spec = {"source": "owner/name", "revision": "c" * 40, "target": str(tmp_path / "model")}

    assert module.fetch(TaskContext(1, spec, tmp_path)) == {"folder": str(tmp_path / "model")}
    assert [line["step"] for line in read_metrics(tmp_path)[0]] == [5, 10]


def test_a_stop_ends_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fetch_model", lambda *_, progress: progress(1, 10))
    context = TaskContext(1, {"source": "o/n", "revision": "c", "target": "t"}, tmp_path)
    context.request_stop()

    with pytest.raises(Stopped):
        module.fetch(context)
