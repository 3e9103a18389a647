"""Learned tokens before every row: what all methods that put them into the sequence attach alike."""

from __future__ import annotations

from typing import Any

from torch import nn

from studio.methods import MethodSettings
from studio.training import prompts
from studio.training.heads import Head
from studio.training.tuners.tuner import Tuner


class SoftPrompt(Tuner):
    """PEFT's own, told the sizes that it does not find in every configuration."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the prompt before it."""
        return super().attach(base, config | prompts.sizes(base), settings, head)
