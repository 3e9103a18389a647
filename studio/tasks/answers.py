"""The task `answers`: a run's held-out questions, answered by the base and by the tuned model."""

from __future__ import annotations

from typing import Any

from jobs import durable
from jobs.context import TaskContext
from studio.inference.answers import answer
from studio.inference.opened import open_run
from studio.library import Library
from studio.settings import Home
from studio.training.kept import kept_split


def answers(context: TaskContext) -> dict[str, Any]:
    """Answer every held-out question twice; the result is kept in the run's `report/` as well."""
    home = Home.of_run(context.folder)
    run_folder = home.run(int(context.spec["job"]))
    opened = open_run(run_folder, device="cpu")  # the slot that this job holds
    held_out = kept_split(Library(home), opened.order.spec.data).held_out
    questions = [
        [{"role": turn.role, "content": turn.content} for turn in example.prompt]
        for example in held_out
    ]
    limit = int(context.spec.get("max_new_tokens", 64))
    context.report(0, 2)
    context.log(f"{len(questions)} held-out questions, answered by the model as it was …")
    with opened.base() as base:
        before = answer(base, opened.tokenizer, questions, max_new_tokens=limit)
    context.report(1, 2)
    context.log("… and by the model as it is now.")
    after = answer(opened.model, opened.tokenizer, questions, max_new_tokens=limit)
    context.report(2, 2)
    rows = [
        {
            "prompt": example.prompt[-1].content,
            "expected": example.answer,
            "before": before[number],
            "after": after[number],
        }
        for number, example in enumerate(held_out)
    ]
    report = run_folder / "report"
    report.mkdir(exist_ok=True)
    durable.write_json(report / "held_out.json", rows)
    return {"held_out": rows}
