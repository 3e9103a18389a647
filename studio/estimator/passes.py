"""Passes: the operations of each stretch of a run, by the trainer's own functions on a blueprint."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from studio.estimator.blueprint import Blueprint, blueprint
from studio.estimator.deep import DeepModel
from studio.estimator.microbatch import MicroBatch, RunShape
from studio.estimator.operations import Work, deep_work, recorded
from studio.estimator.patches import Known, without_data
from studio.spec import TrainSpec
from studio.training import adapters, attention, head, optimizers, step
from studio.training.adapters import trainable
from studio.training.batching import Batch
from studio.training.loading import Numbers
from studio.training.losses import loss_of
from studio.training.lower import Cut
from studio.training.survey import layer_of
from studio.training.tuners import tuner_of


@dataclass(frozen=True)
class Passes:
    """Operations of one of each: a typical micro-batch trained on, the update of a step, a typical batch
    of held-out rows looked at, one that a reference is asked about, and the untrained layers for the rows
    of one; what a run does not have is empty."""

    micro_step: Work
    update: Work
    look: Work
    score: Work
    lower: Work


_Act = Callable[[Blueprint], tuple[Work, ...]]


def passes(
    model: DeepModel, spec: TrainSpec, run: RunShape, numbers: Numbers, *, keeps_lower: bool
) -> Passes:
    """Of a run of this shape; `keeps_lower`: what untrained lower layers give is computed once.

    Raises one of CANNOT_BE_SIMULATED.
    """
    batch = run.training.typical if run.training else run.largest
    looked = run.evaluation.typical if run.evaluation else None
    asks = spec.objective.objective.needs_reference(spec.objective.settings)

    def act(built: Blueprint) -> tuple[Work, ...]:
        micro_step, update = _step(built, spec, batch, numbers, keeps_lower)
        return (
            micro_step,
            update,
            _look(built, spec, looked, numbers, keeps_lower) if looked else Work(),
            _score(built, batch, numbers) if asks else Work(),
            _lower(built, batch) if keeps_lower else Work(),
        )

    return Passes(*_of(model, act))


def _of(model: DeepModel, act: _Act) -> Iterator[Work]:
    """By the few layers that tell of the whole, else by the whole."""
    if model.depth is None:
        return iter(act(model.whole_blueprint()))
    samples = (model.depth.sample, *model.depth.wider)
    found = [act(blueprint(model.source, model.plan, sample)) for sample in samples]
    missing = model.depth.missing
    return (deep_work(few, wider, missing) for few, *wider in zip(*found, strict=True))


def _step(
    built: Blueprint, spec: TrainSpec, shape: MicroBatch, numbers: Numbers, enters: bool
) -> tuple[Work, Work]:
    """The operations of one micro-step, and of the update after it."""
    tuner, settings = tuner_of(spec.method), spec.method.settings
    optimizer = optimizers.build(built.model, spec)
    weights = [parameter for _, parameter in trainable(built.model)]

    def give_gradients() -> None:
        for weight in weights:
            weight.grad = torch.empty_like(weight)

    def update() -> None:
        step.apply(
            optimizer,
            weights,
            spec.training.max_grad_norm,
            observe=lambda: tuner.observe(built.model, settings, 1),
        )

    def micro_step(batch: Batch) -> None:
        gained = step.gains(built.model, [batch], numbers.context)
        (batch,) = step.with_baseline([batch], gained, batch.rows)
        total = functools.partial(tuner.total, settings=settings)
        loss = loss_of(spec.objective)
        step.micro_step(built.model, loss, batch, max(1, batch.units), numbers.context(), total)

    with built.without_values(), without_data(_known(shape)):
        head.can_defer(built.model)
        # The optimizer's state is made at the first step alone.
        give_gradients()
        update()
        if shape.adds_up or spec.training.gradient_accumulation > 1:
            give_gradients()
        batch = _batch(built.model, shape, enters)
        own = recorded(lambda: micro_step(batch))
        after = recorded(update)
    for weight in weights:
        weight.grad = None
    return own, after


def _look(
    built: Blueprint, spec: TrainSpec, shape: MicroBatch, numbers: Numbers, enters: bool
) -> Work:
    def look() -> None:
        batch = _batch(built.model, shape, enters)
        gained = step.gains(built.model, [batch], numbers.context)
        (batch,) = step.with_baseline([batch], gained, batch.rows)
        loss = loss_of(spec.objective)
        step.look(built.model, loss, lambda logits, _: logits.argmax(-1), batch, numbers.context())

    return _forward(built, shape, look)


def _score(built: Blueprint, shape: MicroBatch, numbers: Numbers) -> Work:
    with adapters.without(built.model) as base:
        return _forward(
            built, shape, lambda: step.score(base, shape.empty_batch(), numbers.context())
        )


def _lower(built: Blueprint, shape: MicroBatch) -> Work:
    cut = _cut(built.model)

    def lower() -> None:
        for length in shape.documents:
            ids = torch.empty((1, length), dtype=torch.int64)
            inputs = {"position_ids": ids, **attention.arguments(built.model, (length,))}
            cut.states(built.model, input_ids=ids, **inputs)

    return _forward(built, shape, lower)


def _forward(built: Blueprint, batch: MicroBatch, act: Callable[[], Any]) -> Work:
    built.model.eval()
    try:
        with built.without_values(), without_data(_known(batch)):
            return recorded(act)
    finally:
        built.model.train()


def _batch(model: nn.Module, shape: MicroBatch, enters: bool) -> Batch:
    """The batch, entering above the untrained layers where their states are known."""
    batch = shape.empty_batch()
    if not enters:
        return batch
    width = model.get_input_embeddings().weight.shape[1]  # type: ignore[operator]
    states = torch.empty((shape.lines, shape.width, width), dtype=next(model.parameters()).dtype)
    inputs = {"position_ids": batch.inputs["position_ids"], "inputs_embeds": states}
    return replace(batch, inputs=inputs, entering=_cut(model).entering)


def _cut(model: nn.Module) -> Cut:
    """Where the lowest trained layer lies among the few that the blueprint has."""
    numbers = {layer_of(name): name for name, _ in trainable(model)}
    first = min(number for number in numbers if number is not None)
    layers = model.get_submodule(numbers[first].split(f".{first}.")[0])
    names = [int(name) for name, _ in layers.named_children()]
    return Cut(nn.ModuleList(layers.children()), names.index(first))


def _known(batch: MicroBatch) -> Known:
    several = batch.is_packed and max(batch.rows, batch.answers) > 1
    return Known(packs_several_rows=several, pads=batch.pads)
