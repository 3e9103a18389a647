"""Cartridges: the keys and values of a text, of which all but the first few train."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from studio.methods import MethodSettings
from studio.training import key_values
from studio.training.heads import Head
from studio.training.starting_text import starting_ids
from studio.training.tuners.tuner import Ground, State, Tuner


class Cartridge(Tuner):
    """PEFT's own, begun as what the base remembers of a text; what stays frozen is kept in checkpoints."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the cartridge for its layers, which begins at zero."""
        model: Any = super().attach(base, config, settings, head)
        with torch.no_grad():
            for value in model.prompt_encoder["default"].parameters():
                value.zero_()
        key_values.refuse_where_they_do_not_fit(model)
        adapted: nn.Module = model
        return adapted

    def prepare(self, model: Any, settings: Any, ground: Ground) -> None:
        """Begin as the text."""
        count = settings.virtual_tokens
        ids = starting_ids(settings.text, ground.rows, ground.tokenizer, count)
        remembered = key_values.remembered(model, ids)
        if remembered is not None:
            model.prompt_encoder["default"].load_prompt_embeddings(remembered)

    def state(self, model: Any) -> State:
        """The places that do not train."""
        frozen = model.prompt_encoder["default"].frozen_embedding
        return State() if frozen is None else State({"frozen": frozen})

    def restore(self, model: Any, settings: Any, state: State) -> None:
        """Put them back."""
        if "frozen" in state.tensors:
            with torch.no_grad():
                model.prompt_encoder["default"].frozen_embedding.copy_(state.tensors["frozen"])


TUNER = Cartridge()
