"""Memory at its peak: the trainer's own step, run on a blueprint while every storage is counted."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from studio.estimator import hollow
from studio.estimator.blueprint import Blueprint
from studio.estimator.files import OPTIMIZER_BYTES
from studio.estimator.live import PARTS, History, LiveStorages, Part, Peak, Trace
from studio.estimator.microbatch import Cost, MicroBatch
from studio.estimator.patches import Known, without_data
from studio.estimator.turns import turns_marked
from studio.spec import TrainSpec
from studio.training import head, optimizers, step
from studio.training.adapters import trainable
from studio.training.batching import Batch
from studio.training.head import Deferred
from studio.training.likelihood import Logits
from studio.training.loading import Numbers
from studio.training.losses import Loss, loss_of
from studio.training.quantized import QuantizedLinear
from studio.training.tuners import tuner_of


@dataclass(frozen=True)
class StepCost:
    """What one micro-step takes: tensor bytes at the peak, and floating-point operations."""

    peak: Peak
    flops: int
    is_simulated: bool = True


def simulate(
    blueprint: Blueprint, spec: TrainSpec, micro_batch: MicroBatch, numbers: Numbers
) -> StepCost:
    """Run one step as it is once training has settled: the optimizer's state is there already.

    Where gradients are accumulated, those of earlier micro-batches are there too. Raises NotWanted once
    nobody waits for it.
    """
    live, flops = _simulated(blueprint, spec, micro_batch, numbers, ())
    return StepCost(live.peak, flops)


# Asked before each operation: whether somebody still waits for the simulation that goes on.
still_wanted: ContextVar[Callable[[], bool]] = ContextVar("still_wanted", default=lambda: True)


def trace(
    blueprint: Blueprint,
    spec: TrainSpec,
    micro_batch: MicroBatch,
    numbers: Numbers,
    paths: Sequence[str],
) -> Trace:
    """The same step in segments, one for each turn of a layer of the stacks at `paths`."""
    live, _ = _simulated(blueprint, spec, micro_batch, numbers, paths)
    return live.trace()


def history(
    blueprint: Blueprint,
    spec: TrainSpec,
    micro_batch: MicroBatch,
    numbers: Numbers,
    paths: Sequence[str],
) -> History:
    """The same step event by event."""
    live, _ = _simulated(blueprint, spec, micro_batch, numbers, paths)
    live.mark(None)
    return live.history()


def _simulated(
    blueprint: Blueprint,
    spec: TrainSpec,
    micro_batch: MicroBatch,
    numbers: Numbers,
    paths: Sequence[str],
) -> tuple[LiveStorages, int]:
    live = LiveStorages(still_wanted.get())
    known = Known(
        packs_several_rows=micro_batch.is_packed and max(micro_batch.rows, micro_batch.answers) > 1,
        pads=micro_batch.pads,
    )
    _hold_model(live, blueprint)
    optimizer = optimizers.build(blueprint.model, spec)
    with (
        blueprint.without_values(),
        without_data(known, live),
        _gradients_marked(live, blueprint),
        _without_collecting(),
    ):
        # Asked before anything is counted: the trainer asks it once a run.
        head.can_defer(blueprint.model)
        with turns_marked(live, blueprint.model, paths), live:
            flops = _step(live, blueprint, optimizer, spec, micro_batch, numbers)
    return live, flops


def _step(
    live: LiveStorages,
    blueprint: Blueprint,
    optimizer: torch.optim.Optimizer,
    spec: TrainSpec,
    micro_batch: MicroBatch,
    numbers: Numbers,
) -> int:
    """One micro-step and the update after it; gives the operations of the micro-step."""
    batch = micro_batch.empty_batch()
    _settle(live, blueprint, optimizer, spec)
    if micro_batch.adds_up or spec.training.gradient_accumulation > 1:
        _give_gradients(live, blueprint)
    live.forget_peak()
    with live.within("activations", "forward"):
        gained = step.gains(blueprint.model, [batch], numbers.context)
        (batch,) = step.with_baseline([batch], gained, batch.rows)
        loss = _watched(live, loss_of(spec.objective))
        total = functools.partial(tuner_of(spec.method).total, settings=spec.method.settings)
        step.micro_step(blueprint.model, loss, batch, max(1, batch.units), numbers.context(), total)
    flops = live.flops
    live.mark(None)
    _apply(live, blueprint, optimizer, spec)
    return flops


def roughly(blueprint: Blueprint, spec: TrainSpec, micro_batch: MicroBatch, cost: Cost) -> StepCost:
    """By formula, where no step can be simulated: what lies still is known, what passes is guessed."""
    parts: dict[Part, int] = dict.fromkeys(PARTS, 0)
    for name, parameter in blueprint.model.named_parameters():
        size = parameter.numel() * parameter.element_size()
        parts["adapter" if name in blueprint.added else "weights"] += size
        if parameter.requires_grad:
            parts["gradients"] += size
            own = OPTIMIZER_BYTES[spec.training.optimizer]
            parts["optimizer"] += int(own * parameter.numel())
    for part, buffer in _buffers(blueprint.model):
        parts[part] += buffer.numel() * buffer.element_size()
    parts["activations"] = int(cost.place * micro_batch.places)
    parts["loss"] = int(cost.kept * micro_batch.lines * (micro_batch.kept + micro_batch.written))
    total = sum(parameter.numel() for parameter in blueprint.model.parameters())
    # Two operations a weight and place forwards, as many for the gradient of what passes, and again
    # as many for the gradient of the weights where they train.
    trains_all = all(parameter.requires_grad for parameter in blueprint.model.parameters())
    flops = (6 if trains_all else 4) * total * micro_batch.places
    return StepCost(Peak(sum(parts.values()), "backward", parts), flops, is_simulated=False)


def _hold_model(live: LiveStorages, blueprint: Blueprint) -> None:
    """What lies in memory before the first step; tied weights have one storage and count once."""
    for name, parameter in blueprint.model.named_parameters():
        live.hold(parameter, "adapter" if name in blueprint.added else "weights")
    for part, buffer in _buffers(blueprint.model):
        live.hold(buffer, part)
    for held in hollow.dictionaries(blueprint.model):
        for tensor in held.values():
            live.hold(tensor, "adapter")


def _buffers(model: nn.Module) -> Iterator[tuple[Part, Tensor]]:
    """What a model holds beside its parameters: a quantised weight's codes are weights, the rest its scales."""
    for module in model.modules():
        scales = isinstance(module, QuantizedLinear)
        for name, buffer in module.named_buffers(recurse=False):
            yield ("quantization" if scales and name != "codes" else "weights"), buffer


def _settle(
    live: LiveStorages, blueprint: Blueprint, optimizer: torch.optim.Optimizer, spec: TrainSpec
) -> None:
    """Let the optimizer make its state."""
    _give_gradients(live, blueprint)
    _apply(live, blueprint, optimizer, spec)


def _give_gradients(live: LiveStorages, blueprint: Blueprint) -> None:
    for _, parameter in trainable(blueprint.model):
        parameter.grad = torch.empty_like(parameter)
        live.hold(parameter.grad, "gradients")


def _apply(
    live: LiveStorages, blueprint: Blueprint, optimizer: torch.optim.Optimizer, spec: TrainSpec
) -> None:
    with live.within("optimizer", "optimizer"):
        parameters = (parameter for _, parameter in trainable(blueprint.model))
        tuner, settings = tuner_of(spec.method), spec.method.settings
        step.apply(
            optimizer,
            parameters,
            spec.training.max_grad_norm,
            observe=lambda: tuner.observe(blueprint.model, settings, 1),
        )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Storages in a circle of references would otherwise go at a moment that depends on chance."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _gradients_marked(live: LiveStorages, blueprint: Blueprint) -> Iterator[None]:
    """A gradient counts as one from the moment it lies in its parameter; none stay behind afterwards."""

    def mark(parameter: Tensor) -> None:
        if parameter.grad is not None:
            live.hold(parameter.grad, "gradients")

    parameters = [parameter for _, parameter in trainable(blueprint.model)]
    hooks = [parameter.register_post_accumulate_grad_hook(mark) for parameter in parameters]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for parameter in parameters:
            parameter.grad = None


def _watched(live: LiveStorages, loss: Loss) -> Loss:
    """`loss`, with the logits and all that is made of them counted as the loss's own."""

    def past_the_logits(gradient: Tensor) -> None:
        live.part = "activations"

    def watched(logits: Logits, batch: Batch) -> Tensor:
        if isinstance(logits, Deferred):
            logits.hidden.register_hook(past_the_logits)
        else:
            live.hold(logits, "loss")
            logits.register_hook(past_the_logits)
        with live.within("loss", "loss"):
            total = loss(logits, batch)
        # What follows is the backward pass, and its first operations are the loss's.
        live.part, live.moment = "loss", "backward"
        return total

    return watched
