"""Files: what a run writes of its method, and of the optimizer that trains it, by the trainer's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from studio.estimator.blueprint import Blueprint
from studio.estimator.patches import Known, without_data
from studio.spec import TrainSpec
from studio.training import adapters, optimizers, step
from studio.training.adapters import Counts, trainable
from studio.training.checkpoints import named
from studio.training.tuners import tuner_of

# What safetensors writes of a tensor beside its name and its values, about.
_HEADER_BYTES = 66
# What trains is held and saved in float32 (PEFT keeps adapters so, full fine-tuning its weights).
_TRAINED_BYTES = 4
# Bytes that an optimizer keeps for each trained number: AdamW two numbers of 4 bytes, or of 1 with a
# scale of 4 for each 256; SGD without momentum none.
OPTIMIZER_BYTES = {
    "adamw": 8.0,
    "adamw_8bit": 2 * (1 + 4 / 256),
    "paged_adamw_8bit": 2 * (1 + 4 / 256),
    "sgd": 0.0,
}


@dataclass(frozen=True)
class Written:
    """Bytes of a checkpoint's trained weights, of the optimizer's state in it, of what the method keeps
    beside them, and of the result."""

    weights: int
    optimizer: int
    method: int
    result: int

    @property
    def checkpoint(self) -> int:
        """A checkpoint as a whole."""
        return self.weights + self.optimizer + self.method

    @classmethod
    def roughly(cls, counts: Counts, spec: TrainSpec) -> Written:
        """By the number of trained parameters, where no update can be done without values."""
        trained = counts.trainable * _TRAINED_BYTES
        kept = int(counts.trainable * OPTIMIZER_BYTES[spec.training.optimizer])
        return cls(trained, kept, 0, trained)


def written(blueprint: Blueprint, spec: TrainSpec) -> Written:
    """By one update of the blueprint, after which the optimizer's state is there.

    Raises one of CANNOT_BE_SIMULATED.
    """
    model, tuner, settings = blueprint.model, tuner_of(spec.method), spec.method.settings
    weights = dict(trainable(model))
    # Optimizers of 8 bits make their table of values out of real numbers.
    optimizer = optimizers.build(model, spec)
    try:
        with torch.no_grad(), blueprint.without_values(), without_data(Known(False, False)):
            for weight in weights.values():
                weight.grad = torch.empty_like(weight)
            step.apply(
                optimizer,
                weights.values(),
                spec.training.max_grad_norm,
                observe=lambda: tuner.observe(model, settings, 1),
            )
            state = dict(named(optimizer.state_dict()["state"]))
            kept = tuner.state(model).tensors
            saved = tuner.saved(model, settings) if adapters.has_adapter(model) else _whole(model)
    finally:
        for weight in weights.values():
            weight.grad = None
    return Written(*(_bytes(each) for each in (weights, state, kept, saved)))


def _whole(model: nn.Module) -> dict[str, Tensor]:
    """A model's own file: what is tied stands in it once, what is made anew at each start does not."""
    wanted = model.state_dict().keys()
    buffers = {name: value for name, value in model.named_buffers() if name in wanted}
    return {**dict(model.named_parameters()), **buffers}


def _bytes(values: Mapping[str, Any]) -> int:
    return sum(
        value.numel() * value.element_size() + len(name) + _HEADER_BYTES
        for name, value in values.items()
        if isinstance(value, Tensor)
    )
