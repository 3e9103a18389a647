"""Intrinsic prompt tuning: `prompt = W₂ tanh(W₁ z + b₁) + b₂`, only z trained.

Qin et al. 2021 (arXiv:2110.07867): an auto-encoder over the prompts of many tasks (section 3.2: a linear
layer to d numbers, and a two-layer network back), whose decoder is then frozen for a new task (section 3.3).
The paper adds the earlier tasks' own losses to the reconstruction's; their examples are not asked for here.
Without earlier prompts the decoder is random, the paper's control; then b₂ is a prompt of words drawn from
the vocabulary, and z begins at zero, so that the first prompt is that one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from studio.methods import MethodSettings
from studio.training.heads import Head
from studio.training.tuners.soft_prompt import SoftPrompt
from studio.training.tuners.tuner import Ground, State

_STEPS, _RATE = 500, 1e-3


class Decoder(nn.Module):
    """z `(d,)` to a prompt `(tokens, width)`; its numbers lie in buffers, since none of them trains."""

    first: Tensor
    first_offset: Tensor
    second: Tensor
    second_offset: Tensor

    def __init__(self, dimension: int, inner: int, start: Tensor) -> None:
        """Random, begun at the prompt `start (tokens, width)`; it moves as far as that one's numbers spread."""
        super().__init__()
        device = start.device
        spread = start.detach().std().clamp_min(1e-4)
        self.register_buffer(
            "first", torch.randn(inner, dimension, device=device) * dimension**-0.5
        )
        self.register_buffer("first_offset", torch.zeros(inner, device=device))
        second = torch.randn(start.numel(), inner, device=device) * inner**-0.5
        self.register_buffer("second", second * spread)
        self.register_buffer("second_offset", start.detach().flatten().clone())
        self.shape = start.shape

    def forward(self, z: Tensor) -> Tensor:
        inner = torch.tanh(self.first @ z + self.first_offset)
        return (self.second @ inner + self.second_offset).view(self.shape)

    def right_inverse(self, start: Tensor) -> Tensor:
        """The z to begin with: zero, which gives `start`."""
        return start.new_zeros(self.first.shape[1])


class IntrinsicPrompt(SoftPrompt):
    """PEFT's prompt tuning, its prompt made by a decoder while it trains and written out at the end."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the prompt before it. Raises ValueError where earlier prompts do not fit."""
        chosen: Any = settings
        width = int(config["token_dim"])
        for folder in _folders(chosen):
            _refuse_another_kind(folder, chosen.virtual_tokens, width)
        model: Any = super().attach(base, config, settings, head)
        embedding = model.prompt_encoder["default"].embedding
        decoder = Decoder(chosen.dimension, chosen.inner, embedding.weight.data)
        parametrize.register_parametrization(embedding, "weight", decoder, unsafe=True)
        adapted: nn.Module = model
        return adapted

    def prepare(self, model: Any, settings: Any, ground: Ground) -> None:
        """Learn the decoder from earlier prompts, where there are some; z begins as their mean."""
        folders = _folders(settings)
        if not folders:
            return
        known = torch.stack([_prompt_in(folder) for folder in folders])
        device = _original(model).device
        decoder, code = _auto_encoded(known.to(device), settings.dimension, settings.inner)
        own = _decoder(model)
        with torch.no_grad():
            for name, value in decoder.named_buffers():
                getattr(own, name).copy_(value)
            _original(model).copy_(code)

    def state(self, model: Any) -> State:
        """The decoder: what it was learned from may be gone when the run goes on."""
        return State(dict(_decoder(model).named_buffers()))

    def restore(self, model: Any, settings: Any, state: State) -> None:
        with torch.no_grad():
            for name, value in _decoder(model).named_buffers():
                value.copy_(state.tensors[name])


def _decoder(model: Any) -> Decoder:
    found: Decoder = model.prompt_encoder["default"].embedding.parametrizations.weight[0]
    return found


def _original(model: Any) -> Tensor:
    z: Tensor = model.prompt_encoder["default"].embedding.parametrizations.weight.original
    return z


def _folders(settings: Any) -> list[Path]:
    return [Path(each) for each in settings.earlier] if isinstance(settings.earlier, tuple) else []


def _refuse_another_kind(folder: Path, tokens: int, width: int) -> None:
    """Raises ValueError unless `folder` holds a prompt of this many tokens and this width."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"no adapter can be read in {folder}, named in 'earlier'") from error
    found = (config.get("peft_type"), config.get("num_virtual_tokens"), config.get("token_dim"))
    if found != ("PROMPT_TUNING", tokens, width):
        raise ValueError(
            f"{folder} holds no prompt of {tokens} tokens of width {width}: it is of the type "
            f"{found[0]}, with {found[1]} tokens of width {found[2]}"
        )


def _prompt_in(folder: Path) -> Tensor:
    """The prompt `(tokens, width)` of an adapter."""
    return safetensors.torch.load_file(folder / SAFETENSORS_WEIGHTS_NAME)[
        "prompt_embeddings"
    ].float()


def _auto_encoded(known: Tensor, dimension: int, inner: int) -> tuple[Decoder, Tensor]:
    """A decoder learned from prompts `known (T, tokens, width)`, and the mean of their codes `(d,)`."""
    flat = known.flatten(1)
    decoder = Decoder(dimension, inner, known.mean(0))
    encoder = nn.Linear(flat.shape[1], dimension, device=known.device)
    learned: Sequence[Tensor] = [
        *encoder.parameters(),
        *(value.requires_grad_(True) for value in decoder.buffers()),
    ]
    optimizer = torch.optim.Adam(learned, lr=_RATE)
    scale = flat.var().clamp_min(1e-8)
    with torch.enable_grad():
        for _ in range(_STEPS):
            made = torch.stack([decoder(code) for code in encoder(flat)]).flatten(1)
            optimizer.zero_grad()
            (functional.mse_loss(made, flat) / scale).backward()
            optimizer.step()
    for value in decoder.buffers():
        value.requires_grad_(False)
    return decoder, encoder(flat).mean(0).detach()


TUNER = IntrinsicPrompt()
