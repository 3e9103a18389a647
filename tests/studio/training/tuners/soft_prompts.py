"""The methods that learn a prompt, on small models of many kinds, for their tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from studio.methods import METHODS
from studio.methods.base import Task
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training import adapters
from studio.training.heads import Head
from tests.samples import sampled
from tests.studio.estimator.configurations import CONFIGURATIONS, NOT_CAUSAL

# Each with the settings that small models bear; several ways of one method each have a row.
WAYS: dict[str, dict[str, Any]] = {
    "prompt_tuning": {"name": "prompt_tuning", "virtual_tokens": 5},
    "prefix_tuning": {"name": "prefix_tuning", "virtual_tokens": 5},
    "prefix_tuning, network": {
        "name": "prefix_tuning",
        "virtual_tokens": 5,
        "projection": True,
        "projection_hidden": 24,
    },
    "p_tuning, mlp": {"name": "p_tuning", "virtual_tokens": 5, "encoder_hidden": 24},
    "p_tuning, lstm": {
        "name": "p_tuning",
        "virtual_tokens": 5,
        "encoder": "lstm",
        "encoder_hidden": 24,
    },
    "cartridge": {"name": "cartridge", "virtual_tokens": 5},
    "intrinsic_prompt": {"name": "intrinsic_prompt", "virtual_tokens": 5, "dimension": 20},
}
CAUSAL = sorted(set(CONFIGURATIONS) - NOT_CAUSAL)


# What a way cannot be put on, and says so.
_WITHOUT_KEYS = {"falcon", "jamba", "deepseek", "mpt"}
REFUSED: dict[str, set[str]] = {
    "prefix_tuning": _WITHOUT_KEYS,
    "prefix_tuning, network": _WITHOUT_KEYS,
    "cartridge": _WITHOUT_KEYS | {"bert", "t5"},
}


def pairs(names: list[str], task: Task = "CAUSAL_LM") -> list[tuple[str, str]]:
    """Every kind of model with every way that it takes."""
    able = [way for way, chosen in WAYS.items() if task in METHODS[chosen["name"]].tasks]
    return [(name, way) for name in names for way in able if name not in REFUSED.get(way, ())]


def sampled_pairs() -> list[Any]:
    """All pairs of models that write, most of them as long tests."""
    known = pairs(CAUSAL)
    return [
        pytest.param(name, way, marks=found.marks)
        for found in sampled(WAYS, CAUSAL, each=3)
        for way, name in [found.values]
        if (name, way) in known
    ]


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
