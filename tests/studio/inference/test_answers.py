"""Answers do not depend on what else is asked at the same time."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.inference.answers import answer, stop_ids
from studio.training import loading


def test_a_question_gets_the_same_answer_alone_and_among_others(tiny_model: Path) -> None:
    model = loading.load_base(tiny_model, torch.float32).eval()
    tokenizer = loading.load_tokenizer(tiny_model)
    questions = [[{"role": "user", "content": "lamp " * length}] for length in (1, 9, 3, 17)]

    together = answer(model, tokenizer, questions, max_new_tokens=12, batch_size=3)
    alone = [answer(model, tokenizer, [question], max_new_tokens=12)[0] for question in questions]

    assert together == alone


def test_every_end_that_the_model_declares_stops_it(tiny_model: Path) -> None:
    model = loading.load_base(tiny_model, torch.float32)
    tokenizer = loading.load_tokenizer(tiny_model)
    model.generation_config.eos_token_id = [7, 9]  # type: ignore[union-attr]

    assert stop_ids(model, tokenizer) == sorted({7, 9, tokenizer.eos_token_id})
