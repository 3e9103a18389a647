"""Soft prompts in a model: how many places stand before each row of its own, and the base without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peft
from peft import PeftType, TaskType
from peft.utils import ModulesToSaveWrapper
from torch import Tensor, nn

from studio.training.batching import Batch

# They lie in the layers' keys and values instead of the sequence.
_BESIDE_THE_SEQUENCE = {PeftType.PREFIX_TUNING, PeftType.CARTRIDGE}


def learns_one(model: nn.Module) -> bool:
    """Whether the model has a learned prompt, in its sequence or in its layers' keys and values."""
    return isinstance(model, peft.PeftModel) and model.active_peft_config.is_prompt_learning


def places_before(model: Any) -> int:
    """How many places of the model's output stand before a row's first: its virtual tokens.

    None where they go to an encoder, whose output nobody sees, or to the layers' keys and values.
    """
    if not learns_one(model) or model._adapters_disabled:
        return 0
    config = model.active_peft_config
    if config.peft_type in _BESIDE_THE_SEQUENCE or config.task_type == TaskType.SEQ_2_SEQ_LM:
        return 0
    return int(config.num_virtual_tokens)


def sizes(base: Any) -> dict[str, int]:
    """What PEFT looks for in a base's configuration, by the names that transformers gives every model."""
    config = base.config.get_text_config()
    return {
        "num_layers": int(config.num_hidden_layers),
        "num_attention_heads": int(config.num_attention_heads),
    }


def of_the_row(model: nn.Module, logits: Tensor) -> Tensor:
    """All logits `(B, T, V)` of a row without those of the places before it; classes `(B, C)` as they are."""
    return logits[:, places_before(model) :] if logits.ndim == 3 else logits


@contextmanager
def reading_the_last(model: nn.Module, batch: Batch) -> Iterator[None]:
    """Let a classifier that reads a row's last token find it behind a prompt.

    Given embeddings instead of ids, transformers takes the last place for it, which may be padding.
    """
    mask, before = batch.inputs.get("attention_mask"), places_before(model)
    if batch.keep is not None or mask is None or not before:
        yield
        return

    def everywhere(_: nn.Module, __: Any, scores: Tensor) -> Tensor:
        if scores.ndim != 3:
            return scores
        last = before + mask.sum(1) - 1
        chosen = scores.gather(1, last[:, None, None].expand(-1, 1, scores.shape[-1]))
        return chosen.expand_as(scores)

    hooks = [head.register_forward_hook(everywhere) for head in _heads(model)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def base_of(model: Any) -> Iterator[nn.Module]:
    """The base of a model with a learned prompt, with the head that it had before training."""
    heads = list(_heads(model))
    for head in heads:
        head.enable_adapters(False)
    try:
        yield model.get_base_model()
    finally:
        for head in heads:
            head.enable_adapters(True)


def _heads(model: nn.Module) -> Iterator[ModulesToSaveWrapper]:
    return (module for module in model.modules() if isinstance(module, ModulesToSaveWrapper))
