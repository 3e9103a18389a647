"""The task `answers`: a run's held-out questions, answered by the base and by the tuned model."""

from __future__ import annotations

from typing import Any

from jobs import durable
from jobs.context import TaskContext
from studio.inference.opened import open_run
from studio.inference.replies import given, replies
from studio.library import Library
from studio.settings import Home
from studio.training.kept import kept_split


def answers(context: TaskContext) -> dict[str, Any]:
    """Answer every held-out question twice; the result is kept in the run's `report/` as well."""
    home = Home.of_run(context.folder)
    run_folder = home.run(int(context.spec["job"]))
    opened = open_run(run_folder, device="cpu")  # the slot that this job holds
    spec = opened.order.spec
    held_out = kept_split(Library(home), spec.data, spec.objective.name).held_out
    questions = [given(spec.objective, example) for example in held_out]
    limit = int(context.spec.get("max_new_tokens", 64))
    context.report(0, 2)
    context.log(f"{len(questions)} held-out questions, answered by the model as it was …")
    with opened.base() as base:
        before = replies(spec.objective, base, opened.tokenizer, questions, max_new_tokens=limit)
    context.report(1, 2)
    context.log("… and by the model as it is now.")
    after = replies(spec.objective, opened.model, opened.tokenizer, questions, max_new_tokens=limit)
    context.report(2, 2)
    rows = [
        {
            "prompt": _words(questions[number]),
            "expected": example.answer,
            "before": before[number].text,
            "after": after[number].text,
        }
        for number, example in enumerate(held_out)
    ]
    report = run_folder / "report"
    report.mkdir(exist_ok=True)
    durable.write_json(report / "held_out.json", rows)
    return {"held_out": rows}


def _words(asked: Any) -> str:
    return str(asked if isinstance(asked, str) else asked[-1]["content"])
