"""From an order to a run made ready: rows encoded, model loaded, method attached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jobs.context import TaskContext
from studio.errors import StudioError
from studio.library import Library
from studio.settings import Home
from studio.spec import TrainOrder, TrainSpec
from studio.training import (
    adapters,
    checkups,
    compiling,
    earlier,
    heap,
    liger,
    loading,
    loop,
    probe,
    sharding,
)
from studio.training.batching import PACKABLE
from studio.training.fused import fuse
from studio.training.heads import Head
from studio.training.kept import kept_split
from studio.training.kept_encodings import KeptEncodings
from studio.training.loading import Numbers
from studio.training.loop import Setup
from studio.training.lower import cut_of, keep_states
from studio.training.offload import offload
from studio.training.preparing import Kept, Prepared, prepare
from studio.training.ranks import Ranks
from studio.training.ranks.context import RankContext
from studio.training.recomputing import recompute
from studio.training.reference import with_reference
from studio.training.tuners import tuner_of

LOWER_FILE = "lower-layers.bin"
COMPILE_FILE = "compile.json"


def set_up(context: TaskContext, order: TrainOrder, ranks: Ranks) -> Setup:
    """Rows encoded, model loaded, method attached: all that the loop needs."""
    spec = order.spec
    folder = Path(order.base.folder)
    tokenizer = loading.load_tokenizer(folder)
    rows = _rows(context, spec, tokenizer)
    device = device_of(context, spec)
    trains_weights = spec.method.method.family == "full"
    numbers = loading.choose_numbers(spec.training.precision, device, trains_weights=trains_weights)
    head = Head.of(spec.objective)
    base = _base(context, order, numbers, rows)
    predicted = (order.predicted or {}).get("memory", {}).get("peak_bytes")
    model, packed = _made_ready(context, order, base, device, len(tokenizer), ranks, predicted)
    checkpoints = context.folder / "checkpoints"
    if context.crashes:
        context.log(
            "An earlier attempt was killed by the system, mostly a sign of too little memory: "
            "going on with fewer rows at a time."
        )
    setup = Setup(
        spec,
        model,
        device,
        numbers,
        rows.training,
        rows.held_out,
        packed,
        loading.padding_id(base, tokenizer, head),
        checkpoints,
        start_id=loading.start_id(base),
        tokenizer=tokenizer,
        crashes=context.crashes,
        ranks=ranks,
        rows_are_known=lambda: rows.ahead.is_done,
    )
    setup = _with_lower(context, _with_reference(context, setup), len(tokenizer))
    if compiling.settle(setup, context.folder / COMPILE_FILE, context.log):
        context.log("The model's layers are compiled.")
    heap.give_back()
    rows.ahead.give_way()
    return setup


def _rows(context: TaskContext, spec: TrainSpec, tokenizer: Any) -> Prepared:
    """The rows of the spec, encoded from now on in the background, or known from an earlier run."""
    home = Home.of_run(context.folder)
    split = kept_split(Library(home), spec.data, spec.objective.name)
    kept = Kept(KeptEncodings(home.encodings), str(spec.data.dataset), spec.data.columns or {})
    rows = prepare(split, spec.objective, tokenizer, spec.training.max_length, kept)
    context.log(
        f"{len(rows.training)} rows to train on, {len(rows.held_out)} held out to check the result with"
        f"{'; their tokens are known from before' if rows.were_known else ''}."
    )
    return rows


def _made_ready(
    context: TaskContext,
    order: TrainOrder,
    base: nn.Module,
    device: torch.device,
    vocabulary: int,
    ranks: Ranks,
    predicted_bytes: int | None,
) -> tuple[nn.Module, bool]:
    """The method attached to the base, all of it on the device; and whether rows share a line."""
    spec = order.spec
    is_sharded, is_offloaded = spec.training.sharding != "none", spec.training.offload != "none"
    refuse_untried(spec, device)
    # A model that is spread or offloaded never lies on a device whole.
    in_parts = is_sharded or is_offloaded
    packed = not in_parts and _packs(spec, base.to(device), vocabulary)
    model = adapters.attach(
        base, spec.method, seed=spec.training.seed, head=Head.of(spec.objective)
    )
    if order.start is not None:
        kept = earlier.folder_of(order.start, Home.of_run(context.folder))
        earlier.begin_as(model, kept, spec.method)
        context.log(f"The adapter of training {order.start.run} ({order.start.title}) learns on.")
    recompute(model, spec.training.recomputed_share)
    if spec.training.kernels == "liger":
        context.log(f"{liger.use(model, device)} modules compute with Liger's kernels.")
    fuse(model)
    counts = adapters.count(model)
    if is_sharded:
        sharding.shard(model, ranks, device)
    if is_offloaded:
        free, _ = torch.cuda.mem_get_info(device)
        held = offload(model, device, predicted_bytes, free)
        context.log(
            f"{len(held.layers)} frozen layers wait in the main memory ({held.bytes / 1e9:.1f} GB) and "
            "are fetched one by one."
        )
    if in_parts:
        packed = _packs(spec, model, vocabulary)
        sharding.hand_back(model)
    together = f", {ranks.count} processes together" if ranks.count > 1 else ""
    context.log(
        f"{counts.trainable:,} of {counts.total:,} parameters train "
        f"({counts.trainable / counts.total:.2%}), on {device}, in {spec.training.precision}"
        f"{', rows packed' if packed else ''}{together}{', each a share' if is_sharded else ''}."
    )
    return model, packed


def refuse_untried(spec: TrainSpec, device: torch.device) -> None:
    """Raises StudioError where a model in parts does not go with the method or the device."""
    is_tried = tuner_of(spec.method).is_tried_in_parts(spec.method.settings)
    for name, what in (("sharding", "spread over processes"), ("offload", "offloaded")):
        if getattr(spec.training, name) != "none" and not is_tried:
            raise StudioError(
                f"{spec.method.method.title} with these settings was not tried on a model that is {what}. "
                f'Set training.{name} to "none", or choose plain LoRA.',
                code="spec",
            )
    if spec.training.offload != "none" and device.type != "cuda":
        raise StudioError(
            f"Offloading keeps frozen layers off a GPU; this training runs on {device}. "
            'Set training.offload to "none".',
            code="spec",
        )


def _packs(spec: TrainSpec, model: nn.Module, vocabulary: int) -> bool:
    """Whether rows share a line. Raises StudioError where that was asked for and cannot be."""
    may = spec.may_pack and spec.objective.objective.layout in PACKABLE
    packed = may and probe.can_pack(model, vocabulary)
    if spec.training.packing == "on" and not packed:
        raise StudioError(
            "This model does not keep packed rows apart, so packing would mix them. "
            'Set training.packing to "auto" or "off".',
            code="spec",
        )
    return packed


def _base(context: TaskContext, order: TrainOrder, numbers: Numbers, rows: Prepared) -> nn.Module:
    """The base with the head that the objective needs, and what lies beneath the new adapter merged into
    it. Raises ModelProblem where it cannot be trained."""
    spec, home = order.spec, Home.of_run(context.folder)
    base = loading.load_base(
        Path(order.base.folder),
        numbers.weights,
        spec.training.attention,
        spec.model,
        head=Head.of(spec.objective),
        seed=spec.training.seed,
    )
    for each in order.base.beneath:
        base = earlier.merged_into(base, [earlier.folder_of(each, home)])
        context.log(f"The adapter of training {each.run} ({each.title}) is part of the base here.")
    rows.ahead.watch(
        lambda _, seen: checkups.refuse_other_tokenizer(
            base, checkups.highest_id(ids for row in seen for ids in row.lines())
        )
    )
    return base


def _with_reference(context: TaskContext, setup: Setup) -> Setup:
    """Where answers are compared with the base's: its view of every row, before anything is trained."""
    choice = setup.spec.objective
    if not choice.objective.needs_reference(choice.settings):
        return setup
    context.log("Asking the base model how likely it holds each answer; this is done once …")
    training, held_out = (
        with_reference(
            rows,
            context.folder / "reference" / f"{name}.safetensors",
            setup.model,
            lambda rows, fit: loop.batches_of(setup, rows, fit),
            setup.numbers.context,
            setup.asked_fit,
            context.log,
            setup.ranks,
            learns_on=setup.spec.model.learns_on,
        )
        for name, rows in (("training", setup.training), ("held_out", setup.held_out))
    )
    return replace(setup, training=training, held_out=held_out)


def _with_lower(context: TaskContext, setup: Setup, vocabulary: int) -> Setup:
    """Where only upper layers train: with a place for what the lower ones give, so that they run once."""
    training, ranks = setup.spec.training, setup.ranks
    if not setup.packed or setup.spec.objective.objective.layout != "tokens" or setup.is_sharded:
        return setup
    if cut_of(setup.model) is None:
        return setup
    # Rows are known by identity there, so each must be the same one from now on.
    setup = replace(setup, training=list(setup.training), held_out=list(setup.held_out))
    kept = keep_states(
        setup.model,
        [*setup.training, *setup.held_out],
        context.folder / (f"rank-{ranks.rank}-{LOWER_FILE}" if ranks.rank else LOWER_FILE),
        vocabulary=vocabulary,
        limit_bytes=training.layer_cache_bytes // ranks.count,
        precision=setup.numbers.context,
    )
    if isinstance(kept, str):
        context.log(kept)
        return setup
    if kept is not None:
        context.log(
            f"{kept.layers} layers below the first trained one are computed once: "
            f"{kept.bytes / 1e6:,.0f} MB on the disk until the run ends."
        )
    return replace(setup, lower=kept)


def device_of(context: TaskContext, spec: TrainSpec) -> torch.device:
    """The device of the slot that this job holds (`cpu:0` leaves a GPU alone), else the spec's choice."""
    slot = next(iter(context.slots), "")
    if slot.startswith("cuda"):
        return loading.choose_device(slot)
    device = loading.choose_device("cpu" if slot.startswith("cpu") else spec.training.devices)
    if device.type == "cuda" and isinstance(context, RankContext):
        return torch.device("cuda", context.rank)
    return device
