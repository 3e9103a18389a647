"""The kind `answer`: one question, answered by a run's base model and by what the run made of it."""

from __future__ import annotations

from studio.inference.answers import answer as answer_with
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, job_id: int, prompt: str, max_new_tokens: int) -> dict[str, str]:
    """`{"base", "tuned"}`."""
    opened = bench.opened(job_id)
    conversation = [[{"role": "user", "content": prompt}]]
    with opened.base() as base:
        before = answer_with(base, opened.tokenizer, conversation, max_new_tokens=max_new_tokens)
    now = answer_with(opened.model, opened.tokenizer, conversation, max_new_tokens=max_new_tokens)
    return {"base": before[0], "tuned": now[0]}


KIND = Kind("chat", answer)
