"""The kind `answer`: something typed, answered by a base model and by what runs made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.errors import AskedWrongly
from studio.inference.opened import Opened, read_order
from studio.inference.replies import Reply, replies
from studio.spec import TrainOrder
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(
    bench: Bench, job_id: int, prompt: str, max_new_tokens: int, others: Sequence[int] = ()
) -> dict[str, Any]:
    """`{"base", "tuned"}`, and of a classification `"labels"`: of each model `[{"label", "share"}]`.

    With `others`, further runs of the same base: `"others": [{"run", "name", "text", "labels"}]`. The base
    is in memory once. Raises AskedWrongly where one is of another base.
    """
    first = read_order(bench.home.run(job_id))
    for other in others:
        _refuse_another_base(first, job_id, read_order(bench.home.run(other)), other)
    opened = bench.opened(job_id)
    with opened.base() as base:
        before = _reply(opened, base, prompt, max_new_tokens)
    now = _reply(opened, opened.model, prompt, max_new_tokens)
    found: dict[str, Any] = {"base": before.text, "tuned": now.text}
    if now.labels:
        found["labels"] = {"base": before.labels_json(), "tuned": now.labels_json()}
    if others:
        found["others"] = [_other(bench, other, prompt, max_new_tokens) for other in others]
    return found


def _other(bench: Bench, job_id: int, prompt: str, max_new_tokens: int) -> dict[str, Any]:
    opened = bench.opened(job_id)
    reply = _reply(opened, opened.model, prompt, max_new_tokens)
    name = opened.order.spec.name
    return {"run": job_id, "name": name, "text": reply.text, "labels": reply.labels_json()}


def _reply(opened: Opened, model: Any, prompt: str, max_new_tokens: int) -> Reply:
    choice, tokenizer = opened.order.spec.objective, opened.tokenizer
    (reply,) = replies(choice, model, tokenizer, [prompt], max_new_tokens=max_new_tokens)
    return reply


def _refuse_another_base(first: TrainOrder, job_id: int, order: TrainOrder, other: int) -> None:
    if not order.base.is_of(first.base):
        raise AskedWrongly(
            f"Training {other} ({order.spec.name}) was made of another base ({order.base.title}) than training "
            f"{job_id} ({first.base.title}). Choose trainings of one base.",
            code="another_base",
        )


KIND = Kind("chat", answer)
