"""The kind `answer`: something typed, answered by a run's base model and by what the run made of it."""

from __future__ import annotations

from typing import Any

from studio.inference.replies import replies
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, job_id: int, prompt: str, max_new_tokens: int) -> dict[str, Any]:
    """`{"base", "tuned"}`, and of a classification `"labels"`: of each model `[{"label", "share"}]`."""
    opened = bench.opened(job_id)
    choice, tokenizer = opened.order.spec.objective, opened.tokenizer
    with opened.base() as base:
        (before,) = replies(choice, base, tokenizer, [prompt], max_new_tokens=max_new_tokens)
    (now,) = replies(choice, opened.model, tokenizer, [prompt], max_new_tokens=max_new_tokens)
    found: dict[str, Any] = {"base": before.text, "tuned": now.text}
    if now.labels:
        found["labels"] = {"base": before.labels_json(), "tuned": now.labels_json()}
    return found


KIND = Kind("chat", answer)
