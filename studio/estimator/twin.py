"""The twin: a few of a model's layers with random weights, on which one real step is tried before a run."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from studio.errors import AskedWrongly
from studio.estimator.blueprint import Plan, depth, filled, whole
from studio.estimator.thinning import thinned
from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, optimizers, probe, quantized, step
from studio.training.batching import PACKABLE, Batch, micro_batches
from studio.training.fused import fuse
from studio.training.loading import Numbers, start_id
from studio.training.losses import loss_of
from studio.training.recomputing import recompute
from studio.training.tuners import tuner_of
from studio.training.tuners.tuner import Ground

# Beside the weights: what a full training holds of gradients, optimizer and copies.
_TIMES_THE_WEIGHTS = 5
_ROWS = 2
_LOOKED_AT = 64
_SEED = 0


@dataclass(frozen=True)
class Trial:
    """How the trial went: whether it `works` (None: it was not tried), and what there is to say.

    `layers` is how many of the model's layers the twin had.
    """

    works: bool | None
    words: str
    layers: int = 0

    def to_json(self) -> dict[str, Any]:
        """The trial as the worker gives it."""
        return {"works": self.works, "words": self.words, "layers": self.layers}


def try_out(
    spec: TrainSpec,
    source: Path,
    numbers: Numbers,
    rows: Sequence[Encoded] | None,
    *,
    free_bytes: int,
    tokenizer: Any = None,
) -> Trial:
    """One real step of `spec` on the twin of the model in `source`, and one of its method's second part
    where there is one: do they run, with numbers that are numbers, and do gradients come to what trains?

    `rows` are the user's own, or None where there are none yet. Raises ModelProblem where the model
    itself cannot be built, and AskedWrongly where the method finds nothing to attach to.
    """
    plan = Plan.of(spec, numbers)
    found = depth(source, plan)
    thin = thinned(whole(source, plan), found.sample) if found else whole(source, plan)
    size = sum(value.numel() for value in thin.parameters())
    if size * numbers.weights.itemsize * _TIMES_THE_WEIGHTS > free_bytes:
        return Trial(
            None, "Not tried beforehand: even two of its layers need much of the free memory."
        )
    taken = _short(rows, spec) if rows is not None else _random_rows(spec, source, plan)
    if not taken:
        return Trial(None, "Not tried beforehand: that needs a few examples.")
    base = filled(source, plan, found.sample if found else None)
    layers = found.sample.size if found else _layers(base)
    title = spec.method.method.title
    try:
        reason = _steps(base, spec, plan, numbers, taken, tokenizer)
    except AskedWrongly as error:
        return Trial(False, error.words, layers)
    except adapters.REFUSALS as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    if reason:
        return Trial(
            False,
            f"{title} fails on this model with these settings: tried on {layers} of its layers, {reason}. "
            "Choose other settings or another method.",
            layers,
        )
    return Trial(
        True,
        f"Tried beforehand: one step on {layers} of this model's layers, with random weights. It ran, and "
        "its loss gave gradients to what trains. How well it learns, only the training shows.",
        layers,
    )


def _layers(base: nn.Module) -> int:
    config: Any = base.config
    return int(getattr(config.get_text_config(), "num_hidden_layers", 0) or 0)


def _steps(
    base: nn.Module,
    spec: TrainSpec,
    plan: Plan,
    numbers: Numbers,
    rows: Sequence[Encoded],
    tokenizer: Any,
) -> str:
    """One step as the trainer makes it, and one of the second part where the method has one; gives what is
    wrong with it, empty where nothing is."""
    layout = spec.objective.objective.layout
    base = quantized.hold(base, spec.model, numbers.weights)
    vocabulary = int(base.config.get_text_config().vocab_size)  # type: ignore[union-attr, operator]
    packed = plan.packs and layout in PACKABLE and probe.can_pack(base, vocabulary)
    model = adapters.attach(base, spec.method, seed=_SEED, head=plan.head)
    recompute(model, spec.training.recomputed_share)
    fuse(model)
    model.train()
    tuner, settings, loss = tuner_of(spec.method), spec.method.settings, loss_of(spec.objective)

    def batches(steps: int = 1) -> list[Batch]:
        found = micro_batches(
            rows, _ROWS, packed=packed, pad_id=0, layout=layout, start_id=start_id(base)
        )
        return list(found)

    def made(steps_done: int) -> str:
        optimizer = optimizers.build(model, spec)
        (batch,) = step.with_baseline(
            batches(), step.gains(model, batches(), numbers.context), len(rows)
        )
        total = functools.partial(tuner.total, settings=settings)
        losses = step.micro_step(model, loss, batch, batch.units, numbers.context(), total)
        norm = step.clip(optimizers.parameters(optimizer), spec.training.max_grad_norm)
        step.update(optimizer, observe=lambda: tuner.observe(model, settings, steps_done))
        return _wrong(losses.total.item(), float(norm))

    planned = spec.training.max_steps or 1000
    tuner.begin(model, settings, planned)
    tuner.prepare(model, settings, Ground(rows, batches, loss, tokenizer))
    wrong = made(1)
    if not wrong and tuner.advance(model, settings, planned) and (later := made(planned)):
        wrong = f"in its second part, {later}"
    return wrong


def _wrong(loss: float, norm: float) -> str:
    """What is wrong with a step of this loss and this length of the gradient; empty where nothing is."""
    if not math.isfinite(loss):
        return "the loss is no number"
    if not math.isfinite(norm):
        return "the gradients are no numbers"
    return "" if norm else "nothing that trains has any effect on the loss"


def _short(rows: Sequence[Encoded], spec: TrainSpec) -> list[Encoded]:
    """The shortest of the first rows, cut as training cuts them, so that a step takes no time."""
    objective, settings = spec.objective.objective, spec.objective.settings
    first = [rows[place] for place in range(min(len(rows), _LOOKED_AT))]
    pieces = [
        piece for row in first for piece in objective.cut(row, settings, spec.training.max_length)
    ]
    return sorted(pieces, key=lambda row: len(row.ids))[:_ROWS]


def _random_rows(spec: TrainSpec, source: Path, plan: Plan) -> list[Encoded]:
    """Rows of random tokens, for the goals that need nothing but tokens."""
    if spec.objective.objective.layout not in PACKABLE:
        return []
    config: Any = whole(source, plan).config
    generator = torch.Generator().manual_seed(_SEED)
    size = int(config.get_text_config().vocab_size)
    ids = torch.randint(0, size, (_ROWS, 12), generator=generator).tolist()
    return [Encoded(row, [0] * 4 + [1] * 8) for row in ids]
