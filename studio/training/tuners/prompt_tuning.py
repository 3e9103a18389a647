"""Prompt tuning: learned embeddings before every row, which may begin as those of a text."""

from __future__ import annotations

from typing import Any

import torch

from studio.training.starting_text import starting_ids
from studio.training.tuners.soft_prompt import SoftPrompt
from studio.training.tuners.tuner import Ground


class PromptTuning(SoftPrompt):
    """PEFT's own, begun as a text where there is one."""

    def prepare(self, model: Any, settings: Any, ground: Ground) -> None:
        """Where there is a text, begin as its embeddings."""
        if not settings.text:
            return
        prompt = model.prompt_encoder["default"].embedding.weight
        ids = starting_ids(settings.text, ground.rows, ground.tokenizer, len(prompt))
        with torch.no_grad():
            prompt.copy_(model.word_embeddings(torch.tensor(ids, device=prompt.device)))


TUNER = PromptTuning()
