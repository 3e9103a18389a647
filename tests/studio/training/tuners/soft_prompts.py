"""The methods that learn a prompt, on small models of many kinds, for their tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from studio.methods import METHODS
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training import adapters
from studio.training.heads import Head
from tests.studio.estimator.configurations import CONFIGURATIONS, NOT_CAUSAL

# Each with the settings that small models bear; several ways of one method each have a row.
WAYS: dict[str, dict[str, Any]] = {
    "prompt_tuning": {"name": "prompt_tuning", "virtual_tokens": 5},
}
CAUSAL = sorted(set(CONFIGURATIONS) - NOT_CAUSAL)


# What a way cannot be put on, and says so.
REFUSED: dict[str, set[str]] = {}


def pairs(names: list[str]) -> list[tuple[str, str]]:
    """Every kind of model with every way that it takes."""
    return [(name, way) for name in names for way in WAYS if name not in REFUSED.get(way, ())]


assert {chosen["name"] for chosen in WAYS.values()} == {
    name for name, method in METHODS.items() if method.family == "soft prompt"
}


def base_of(name: str, objective: ObjectiveChoice | None = None) -> Any:
    """A small model of this kind with random weights that depend on nothing."""
    kind, values = CONFIGURATIONS[name]
    config = getattr(transformers, kind)(**values)
    head = Head.of(objective or TrainSpec.parse({}).objective)
    config.update(head.config)
    if head.labels and config.pad_token_id is None:
        config.pad_token_id = 0
    torch.manual_seed(0)
    return head.kind.builder.from_config(config).eval()


def put_on(base: nn.Module, way: str, objective: ObjectiveChoice | None = None) -> Any:
    """The method on a base, ready to be used; what begins as nothing made something."""
    choice = TrainSpec.parse({"method": WAYS[way]}).method
    head = Head.of(objective or TrainSpec.parse({}).objective)
    model = adapters.attach(base, choice, seed=0, head=head)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, value in adapters.trainable(model):
            value += 0.1 * torch.randn(value.shape, generator=generator)
    return model.eval()


def ids(length: int, seed: int = 0) -> Tensor:
    """One row of token ids."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(4, 500, (1, length), generator=generator)


def plainly_loaded(base: nn.Module, folder: Path) -> Any:
    """The adapter in `folder` as anybody's PEFT loads it."""
    import peft

    return peft.PeftModel.from_pretrained(base, str(folder)).eval()
