"""Keys and values of a text: what every layer remembers of it, as a learned prefix begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from studio.training import prompts


def remembered(model: nn.Module, ids: Sequence[int]) -> Tensor | None:
    """What the base of `model` remembers of a text, `(T, 2 L H)` as PEFT lays a prefix out.

    Keys and values of each layer in turn, of all heads. None where the base keeps none, or where a
    layer has forgotten the beginning of the text again.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        with prompts.base_of(model) as base, torch.no_grad():
            output: Any = base(input_ids=torch.tensor([list(ids)], device=device), use_cache=True)
    except (TypeError, ValueError, AttributeError):
        return None
    finally:
        model.train(was_training)
    layers = getattr(getattr(output, "past_key_values", None), "layers", None)
    if not layers:
        return None
    held = [tensor for layer in layers for tensor in (layer.keys, layer.values)]
    if any(tensor.shape != held[0].shape or tensor.shape[2] != len(ids) for tensor in held):
        return None
    return torch.stack([tensor[0] for tensor in held]).permute(2, 0, 1, 3).flatten(1)


@torch.no_grad()
def refuse_where_they_do_not_fit(model: nn.Module) -> None:
    """Raises ValueError where the layers do not take the prefix that `model` has."""
    device = next(model.parameters()).device
    if device.type == "meta":
        return
    was_training = model.training
    model.eval()
    ids = torch.zeros((1, 2), dtype=torch.int64, device=device)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    given |= {"decoder_input_ids": ids} if _reads_first(model) else {}
    try:
        model(**given, use_cache=False)
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        raise ValueError("its layers do not take keys and values from outside") from error
    finally:
        model.train(was_training)


def _reads_first(model: Any) -> bool:
    return bool(getattr(model.config, "is_encoder_decoder", False))
