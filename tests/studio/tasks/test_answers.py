"""The task `answers`: each held-out question twice."""

from __future__ import annotations

import json

from jobs.context import TaskContext
from studio.settings import Home
from studio.tasks.answers import answers


def test_every_held_out_question_is_answered_before_and_after(trained_home: Home) -> None:
    folder = trained_home.run(60)
    folder.mkdir()

    rows = answers(TaskContext(60, {"job": 1, "max_new_tokens": 8}, folder))["held_out"]

    assert len(rows) == 5
    assert all(set(row) == {"prompt", "expected", "before", "after"} for row in rows)
    kept = trained_home.run(1) / "report" / "held_out.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == rows
