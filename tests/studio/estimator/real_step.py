"""A real training step on the CPU, measured by torch's profiler, which knows nothing of our counting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForCausalLM

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, optimizers, step
from studio.training.batching import Batch, micro_batches
from studio.training.loading import Numbers, checkpoint_activations
from studio.training.losses import LOSSES


def peak_bytes(
    config: Any, spec: TrainSpec, rows: list[Encoded], numbers: Numbers, *, packed: bool
) -> int:
    """Tensor bytes at the peak of two optimizer steps, by what the allocator handed out and took back."""
    training = spec.training
    options = {} if training.attention == "auto" else {"attn_implementation": training.attention}
    base = AutoModelForCausalLM.from_config(config, dtype=numbers.weights, **options)
    model = adapters.attach(base, spec.method, seed=0)
    if training.gradient_checkpointing:
        checkpoint_activations(model)
    model.train()
    batch = next(micro_batches(rows, training.batch_size, packed=packed, pad_id=0))
    optimizer = optimizers.build(model, spec)
    held = _held_bytes(
        [*model.parameters(), *model.buffers(), *batch.inputs.values(), batch.keep, batch.targets]
    )
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        for _ in range(2):
            _step(model, optimizer, batch, spec, numbers)
    return held + _highest(profiler)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    spec: TrainSpec,
    numbers: Numbers,
) -> None:
    for _ in range(spec.training.gradient_accumulation):
        loss = LOSSES[spec.objective.name]
        step.micro_step(model, loss, batch, batch.trained_tokens, numbers.context())
    parameters = (parameter for _, parameter in adapters.trainable(model))
    step.apply(optimizer, parameters, spec.training.max_grad_norm)


def _held_bytes(tensors: Iterable[Tensor]) -> int:
    storages = [tensor.untyped_storage() for tensor in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _highest(profiler: Any) -> int:
    """The highest running sum of the allocator's events."""
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        highest = max(highest, held)
    return highest
