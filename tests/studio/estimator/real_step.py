"""A real training step on the CPU, measured by torch's profiler, which knows nothing of our counting."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, optimizers, probe, quantized, step
from studio.training.batching import Batch, micro_batches
from studio.training.fused import fuse
from studio.training.heads import Head
from studio.training.loading import Numbers
from studio.training.losses import loss_of
from studio.training.recomputing import recompute
from studio.training.tuners import tuner_of

# Of the run that the measured steps begin: methods that follow a schedule want to know.
_STEPS = 1000


@dataclass(frozen=True)
class Ready:
    """A model, its optimizer and the batch that it is trained on, on one device."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batch: Batch
    spec: TrainSpec
    numbers: Numbers

    def step(self, number: int) -> None:
        """One optimizer step, the `number`-th from 0, as the trainer does it."""
        spec, model, batch = self.spec, self.model, self.batch
        tuner, settings = tuner_of(spec.method), spec.method.settings
        total = functools.partial(tuner.total, settings=settings)
        gained = step.gains(model, [batch], self.numbers.context)
        (batch,) = step.with_baseline([batch], gained, batch.rows)
        for _ in range(spec.training.gradient_accumulation):
            loss = loss_of(spec.objective)
            step.micro_step(model, loss, batch, batch.units, self.numbers.context(), total)
        parameters = (parameter for _, parameter in adapters.trainable(model))
        step.apply(
            self.optimizer,
            parameters,
            spec.training.max_grad_norm,
            observe=lambda: tuner.observe(model, settings, number + 1),
        )


def ready(
    config: Any,
    spec: TrainSpec,
    rows: list[Encoded],
    numbers: Numbers,
    *,
    packed: bool,
    device: str = "cpu",
) -> Ready:
    """A model of random weights made ready as the trainer does it."""
    training = spec.training
    options = {} if training.attention == "auto" else {"attn_implementation": training.attention}
    head = Head.of(spec.objective)
    config.update(head.config)
    if head.labels and config.pad_token_id is None:
        config.pad_token_id = 0
    base = head.kind.builder.from_config(config, dtype=numbers.weights, **options)
    base = quantized.hold(base, spec.model, numbers.weights).to(device)
    if packed and not probe.can_pack(base, config.vocab_size):
        raise ValueError("this architecture cannot pack")
    model = adapters.attach(base, spec.method, seed=0, head=head).to(device)
    recompute(model, training.recomputed_share)
    fuse(model)
    model.train()
    layout = spec.objective.objective.layout
    batch = next(micro_batches(rows, training.batch_size, packed=packed, pad_id=0, layout=layout))
    tuner_of(spec.method).begin(model, spec.method.settings, _STEPS)
    return Ready(
        model, optimizers.build(model, spec), batch.to(torch.device(device)), spec, numbers
    )


def peak_bytes(
    config: Any, spec: TrainSpec, rows: list[Encoded], numbers: Numbers, *, packed: bool
) -> int:
    """Tensor bytes at the peak of two optimizer steps, by what the allocator handed out and took back."""
    made = ready(config, spec, rows, numbers, packed=packed)
    model = made.model
    # A leftover of an earlier measurement, freed during this one, would count as memory given back.
    gc.collect()
    beside = _in_plain_attributes(model)
    held = _held_bytes([*model.parameters(), *model.buffers(), *beside, *_tensors(made.batch)])
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        for number in range(2):
            made.step(number)
    return held + _highest(profiler)


def _tensors(batch: Batch) -> Iterator[Tensor]:
    yield from batch.inputs.values()
    for field in fields(batch):
        value = getattr(batch, field.name)
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, Batch):
            yield from _tensors(value)


def _in_plain_attributes(model: nn.Module) -> list[Tensor]:
    """Tensors that no module lists as its own: those in dictionaries that its attributes refer to."""
    found = gc.get_referents(*(vars(module) for module in model.modules()))
    inner = gc.get_referents(*(value for value in found if type(value) is dict))
    return [each for each in inner if isinstance(each, Tensor)]


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
