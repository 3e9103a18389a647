"""Twenty steps of methods that PEFT has, against plain PEFT and a plain loop: the same losses to 1e-6."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import nn

from studio.spec import TrainSpec
from studio.training import adapters, loading, prompts
from tests.studio.training.test_equality import (
    BATCH,
    RATE,
    STEPS,
    Rows,
    collate,
    our_losses,
    padded,
    rows,
)

LLAMA = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TASK: dict[str, Any] = {"task_type": "CAUSAL_LM"}
# Each with what a person would write with PEFT alone.
CONFIGS: dict[str, tuple[dict[str, Any], Any]] = {
    "lora": (
        {"name": "lora", "rank": 4, "alpha": 8},
        lambda sizes: peft.LoraConfig(r=4, lora_alpha=8, target_modules=LLAMA, **TASK),
    ),
    "dora": (
        {"name": "lora", "rank": 4, "alpha": 8, "dora": True},
        lambda sizes: peft.LoraConfig(
            r=4, lora_alpha=8, use_dora=True, target_modules=LLAMA, **TASK
        ),
    ),
    "ia3": (
        {"name": "ia3"},
        lambda sizes: peft.IA3Config(
            target_modules=["k_proj", "v_proj", "down_proj"],
            feedforward_modules=["down_proj"],
            **TASK,
        ),
    ),
    "prompt": (
        {"name": "prompt_tuning", "virtual_tokens": 5},
        lambda sizes: peft.PromptTuningConfig(num_virtual_tokens=5, **sizes, **TASK),
    ),
    "prefix": (
        {"name": "prefix_tuning", "virtual_tokens": 5},
        lambda sizes: peft.PrefixTuningConfig(num_virtual_tokens=5, **sizes, **TASK),
    ),
}


def plain_losses(model: nn.Module) -> list[float]:
    """PEFT's model by transformers' own loss and torch's own optimizer."""
    given = rows()
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.0)
    losses = []
    for begin in range(0, len(given), BATCH):
        table = Rows(given[begin : begin + BATCH])
        found = model(**collate([table[at] for at in range(BATCH)]), use_cache=False).loss
        optimizer.zero_grad()
        found.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(float(found.detach()))
    return losses


@pytest.mark.parametrize("name", CONFIGS)
def test_twenty_steps_are_those_of_plain_peft_and_a_plain_loop(name: str, tiny_model: Path) -> None:
    method, config = CONFIGS[name]
    training = {"learning_rate": RATE, "scheduler": "constant", "batch_size": BATCH}
    spec = TrainSpec.parse({"method": method, "training": training})
    ours = adapters.attach(loading.load_base(tiny_model, torch.float32), spec.method, seed=0)
    base: Any = loading.load_base(tiny_model, torch.float32)
    theirs = peft.get_peft_model(base, config(prompts.sizes(base)))
    start = dict(adapters.trainable(ours))
    with torch.no_grad():
        for key, value in adapters.trainable(theirs):
            value.copy_(start[key])
    before = {key: value.detach().clone() for key, value in start.items()}

    found = our_losses(ours.train(), spec, padded(rows()))

    assert len(found) == STEPS
    assert not any(torch.equal(value, before[key]) for key, value in start.items())
    assert found == pytest.approx(plain_losses(theirs.train()), rel=1e-6)
