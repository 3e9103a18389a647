"""Prefix tuning: learned keys and values for every layer, which begin as those of a text."""

from __future__ import annotations

from typing import Any

from torch import nn

from studio.methods import MethodSettings
from studio.training import key_values
from studio.training.heads import Head
from studio.training.starting_text import starting_ids
from studio.training.tuners.tuner import Ground, Tuner


class PrefixTuning(Tuner):
    """PEFT's own, begun as what the base remembers of a text; at zero where it remembers nothing."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the prefix for its layers."""
        model = super().attach(base, config, settings, head)
        key_values.refuse_where_they_do_not_fit(model)
        return model

    def prepare(self, model: Any, settings: Any, ground: Ground) -> None:
        """Begin as the text; a network's prefix begins at zero, since no network gives that text."""
        if settings.projection:
            return
        count = settings.virtual_tokens
        ids = starting_ids(settings.text, ground.rows, ground.tokenizer, count)
        remembered = key_values.remembered(model, ids)
        if remembered is not None:
            model.prompt_encoder["default"].load_prompt_embeddings(remembered)


TUNER = PrefixTuning()
