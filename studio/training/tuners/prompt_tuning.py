"""Prompt tuning: learned embeddings before every row, which may begin as those of a text."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from studio.methods import MethodSettings
from studio.training import prompts
from studio.training.heads import Head
from studio.training.starting_text import starting_ids
from studio.training.tuners.tuner import Ground, Tuner


class PromptTuning(Tuner):
    """PEFT's own, told the sizes that it does not find in every configuration."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the prompt before it."""
        return super().attach(base, config | prompts.sizes(base), settings, head)

    def prepare(self, model: Any, settings: Any, ground: Ground) -> None:
        """Where there is a text, begin as its embeddings."""
        if not settings.text:
            return
        prompt = model.prompt_encoder["default"].embedding.weight
        ids = starting_ids(settings.text, ground.rows, ground.tokenizer, len(prompt))
        with torch.no_grad():
            prompt.copy_(model.word_embeddings(torch.tensor(ids, device=prompt.device)))


TUNER = PromptTuning()
