"""The task `train`: an order becomes an adapter, or a whole model, in the run's folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from jobs import durable
from jobs.context import NeedsAPerson, Stopped, Task, TaskContext
from jobs.errors import StoreError
from jobs.progress import read_metrics
from studio import devices
from studio.devices import Device
from studio.errors import StudioError
from studio.inference.opened import ADAPTER_FOLDER, MODEL_FOLDER, ORDER_FILE, SHAPE_FILE
from studio.library import Library
from studio.library.residuals import Residual
from studio.models.window import learned_places
from studio.settings import Home
from studio.spec import TrainOrder, TrainSpec
from studio.spec.installed import require_installed
from studio.training import (
    adapters,
    checkups,
    compiling,
    earlier,
    encoding,
    liger,
    loading,
    loop,
    probe,
    sharding,
)
from studio.training.batching import PACKABLE
from studio.training.fitting import is_out_of_memory
from studio.training.fused import fuse
from studio.training.heads import Head
from studio.training.kept import kept_base, kept_split
from studio.training.kept_encodings import KeptEncodings
from studio.training.loading import Numbers
from studio.training.loop import Report, Setup
from studio.training.lower import cut_of, keep_states
from studio.training.meter import Meter
from studio.training.offload import offload
from studio.training.preparing import Kept, Prepared, prepare
from studio.training.ranks import ALONE, Ranks, joined, launched, launching
from studio.training.ranks.context import RankContext
from studio.training.recomputing import recompute
from studio.training.reference import with_reference
from studio.training.room import DISK_ERRORS, is_full_disk
from studio.training.sinks import Sinks
from studio.training.tuners import tuner_of

# No figures of the training: a logger has its own clock.
NOT_LOGGED = ("step", "total_steps", "seconds_left", "cpu_seconds_left")
LOWER_FILE = "lower-layers.bin"
COMPILE_FILE = "compile.json"
REMEDY = (
    "One row at a time with intermediate results computed twice was still too much. Lower the longest "
    "length, choose a smaller model or a method that trains less, or close other programs."
)


def train(context: TaskContext) -> dict[str, Any]:
    """Train as ordered, going on from the last checkpoint; several processes where the spec says so.

    Raises Stopped once a stop was asked for, NeedsAPerson where the disk has no room left.
    """
    training = TrainOrder.parse(context.spec).spec.training
    if training.processes > 1:
        return launching.run(context, training) or {}
    return _guarded(context, ALONE)


def _on_a_rank(context: TaskContext) -> dict[str, Any]:
    """One rank's part of a training; the first one's result is the task's."""
    assert isinstance(context, RankContext)
    spec = TrainOrder.parse(context.spec).spec
    device = _device(context, spec)
    with joined(*launched(), device, context.meeting_folder / "store") as ranks:
        return _guarded(context, ranks)


# What studio/training/ranks/rank.py finds by name.
ON_A_RANK: dict[str, Task] = {"train": _on_a_rank}


def _guarded(context: TaskContext, ranks: Ranks) -> dict[str, Any]:
    try:
        return _train(context, ranks)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise StudioError(f"The memory ran out. {REMEDY}", code="out_of_memory") from error
    except DISK_ERRORS as error:
        if not is_full_disk(error):
            raise
        raise NeedsAPerson(
            f"The disk that holds {context.folder} is full. Nothing that was saved is lost. "
            "Make some room, then resume the training: it goes on from its last checkpoint.",
            code="disk_full",
        ) from error


def _train(context: TaskContext, ranks: Ranks) -> dict[str, Any]:
    order = _order(context, ranks)
    # Before anything that takes time: a training of fewer processes than asked for is another one.
    ranks.require(order.spec.training.processes)
    setup = _set_up(context, order, ranks)
    sinks = _open_loggers(context, order, ranks)
    meter = Meter(setup.device)
    began, is_complete = time.monotonic(), False
    try:
        outcome = loop.run(
            setup,
            on_report=lambda report: _report(context, sinks, meter, report),
            should_stop=lambda: context.stop_requested,
            on_words=context.log,
        )
        is_complete = outcome.is_complete
    finally:
        sinks.close(succeeded=is_complete)
        if setup.lower is not None:
            setup.lower.close()
    if outcome.shortage:
        raise NeedsAPerson(outcome.shortage, code="disk_full")
    if not outcome.is_complete:
        context.log(f"Stopped after step {outcome.position.step}; the place is kept.")
        raise Stopped
    _keep(setup, context.folder, order)
    _say_how_it_ended(context, setup, outcome)
    context.log(f"Done: {outcome.position.step} steps, {time.monotonic() - began:.0f} seconds.")
    result = _result(context, setup, outcome)
    # What several processes take beside one another was never predicted.
    if order.spec.training.processes == 1:
        _remember(context, order, setup, result)
    return result


def _remember(
    context: TaskContext, order: TrainOrder, setup: Setup, result: Mapping[str, Any]
) -> None:
    """What was predicted of this run and what was measured: the next estimate learns from it."""
    here = devices.device_named(next(iter(context.slots), "cpu:0"))
    if order.predicted is None or here is None:
        return
    kept = residual(context.job_id, order, order.predicted, here, setup.numbers.name, result)
    try:
        with closing(Library(Home.of_run(context.folder))) as library:
            library.residuals.keep(kept)
    except StoreError as error:
        context.log(f"What was measured could not be kept for the next estimate: {error}")


def residual(
    job_id: int,
    order: TrainOrder,
    predicted: Mapping[str, Any],
    device: Device,
    precision: str,
    result: Mapping[str, Any],
) -> Residual:
    """The pairs that can be compared: memory of a run that did not run out, time of the steps it took."""
    memory, learned = predicted["memory"], predicted.get("learned") or {}
    # On a GPU torch counts the tensors; on the CPU the whole process is measured.
    computed = learned.get("computed_bytes") or memory.get("peak_bytes")
    expected = memory.get("tensor_bytes") if device.kind == "cuda" else computed
    shape, run = predicted.get("shape") or {}, predicted.get("run") or {}
    is_as_asked = bool(shape.get("is_measured")) and not result["memory"]["ran_out"]
    measured = result["measured"]
    seconds, taken = _times(predicted, measured, device)
    # One that stopped early took so many of the steps.
    share = result["steps"] / run["steps"] if run.get("steps") else 0
    is_timed = seconds > 0 < share and taken > 0
    return Residual(
        job_id=job_id,
        machine=device.words,
        precision=precision,
        base=order.base.source,
        method=order.spec.method.name,
        predicted_bytes=expected if is_as_asked else None,
        measured_bytes=measured["peak_bytes"] if is_as_asked else None,
        predicted_seconds=seconds * share if is_timed else None,
        measured_seconds=taken if is_timed else None,
    )


def _times(
    predicted: Mapping[str, Any], measured: Mapping[str, Any], device: Device
) -> tuple[float, float]:
    """Seconds as computed and as measured: on the CPU the processor's own, which other programs hardly
    change, of the whole run; on a GPU those of the steps by the clock. 0 where they are not known."""
    learned, time_ = predicted.get("learned") or {}, predicted.get("time") or {}
    if device.kind == "cpu":
        seconds = learned.get("computed_cpu_seconds") or time_.get("cpu_seconds")
        return float(seconds or 0), float(measured.get("cpu_seconds") or 0)
    seconds = learned.get("computed_seconds") or time_.get("seconds")
    return float(seconds or 0), float(measured["seconds"])


def _order(context: TaskContext, ranks: Ranks) -> TrainOrder:
    """The order, written into the run's folder so that the run can be understood without the queue."""
    order = TrainOrder.parse(context.spec)
    require_installed(order.spec.loggers, order.spec.training.kernels)
    base = kept_base(order.base, Home.of_run(context.folder))
    order = replace(order, base=base, spec=_settled(context, order.spec, Path(base.folder)))
    if ranks.is_first:
        durable.write_json(context.folder / ORDER_FILE, order.to_json())
        durable.write_json(context.folder / "spec.json", order.spec.to_json())
    return order


def _settled(context: TaskContext, spec: TrainSpec, folder: Path) -> TrainSpec:
    """The spec with `auto` replaced by what it means on this device, so that export need not guess it
    anew, and with rows no longer than the model can read."""
    device = _device(context, spec)
    numbers = loading.choose_numbers(
        spec.training.precision, device, trains_weights=spec.method.method.family == "full"
    )
    training = spec.training.model_copy(update={"precision": numbers.name})
    cut = replace(spec, training=training).within(learned_places(folder))
    if cut.training.max_length < training.max_length:
        context.log(
            f"This model can read {learned_places(folder):,} tokens at most: rows are cut after "
            f"{cut.training.max_length:,}, not after {training.max_length:,}."
        )
    return cut


def _set_up(context: TaskContext, order: TrainOrder, ranks: Ranks) -> Setup:
    """Rows encoded, model loaded, method attached: all that the loop needs."""
    spec = order.spec
    folder = Path(order.base.folder)
    tokenizer = loading.load_tokenizer(folder)
    rows = _rows(context, spec, tokenizer)
    device = _device(context, spec)
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
    _refuse_untried(spec, device)
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


def _refuse_untried(spec: TrainSpec, device: torch.device) -> None:
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


def _device(context: TaskContext, spec: TrainSpec) -> torch.device:
    """The device of the slot that this job holds (`cpu:0` leaves a GPU alone), else the spec's choice."""
    slot = next(iter(context.slots), "")
    if slot.startswith("cuda"):
        return loading.choose_device(slot)
    device = loading.choose_device("cpu" if slot.startswith("cpu") else spec.training.devices)
    if device.type == "cuda" and isinstance(context, RankContext):
        return torch.device("cuda", context.rank)
    return device


def _open_loggers(context: TaskContext, order: TrainOrder, ranks: Ranks) -> Sinks:
    """The loggers that the spec chose; they learn the settings, not the data and no path."""
    spec = order.spec
    choices = spec.loggers if ranks.is_first else ()
    document = spec.to_json()
    config = {name: document[name] for name in ("objective", "method", "training")}
    name = f"{spec.name or order.base.title} ({context.job_id})"
    about = {"base": order.base.title, **config}
    return Sinks.open(choices, context.folder, name, about, context.log)


def _report(context: TaskContext, sinks: Sinks, meter: Meter, report: Report) -> None:
    """One line of metrics and one of the log; the figures to the chosen loggers, too."""
    values = {name: value for name, value in asdict(report).items() if value is not None}
    context.report(**{**values, **meter.read()})
    sinks.log(
        report.step,
        {name: value for name, value in values.items() if name not in NOT_LOGGED},
    )
    words = f"Step {report.step}/{report.total_steps}"
    if report.loss is not None:
        words += f"  loss {report.loss:.4f}  {report.tokens_per_second:.0f} tokens/s"
    if report.held_out_loss is not None:
        words += f"  held-out loss {report.held_out_loss:.4f}"
    context.log(words)
    if report.warning:
        context.log(report.warning)


def _say_how_it_ended(context: TaskContext, setup: Setup, outcome: loop.Outcome) -> None:
    """In the log: which state was kept where it is not the last, and what was left out."""
    held_out, skipped = outcome.position.held_out, outcome.position.spikes.skipped
    if held_out.is_over(setup.spec.training.early_stopping):
        context.log(
            f"Stopped early: the held-out loss did not fall in {held_out.without_gain} measurements."
        )
    if outcome.kept_step != outcome.position.step:
        context.log(
            f"Kept as it was after step {outcome.kept_step}, where the held-out loss was lowest "
            f"({held_out.best_loss:.4f})."
        )
    if skipped:
        context.log(f"{skipped} of {outcome.position.step} steps were left out; see the log above.")


def _keep(setup: Setup, folder: Path, order: TrainOrder) -> None:
    """Save what was trained; a crash between saving and the queue's note finds it saved already."""
    if setup.is_sharded:
        sharding.gather(setup.model, setup.ranks)
    if not setup.ranks.is_first:
        return
    is_full = setup.spec.method.method.family == "full"
    target = folder / (MODEL_FOLDER if is_full else ADAPTER_FOLDER)
    durable.clear_leftovers(target)
    if target.exists():
        return
    with durable.new_folder(target) as new:
        adapters.save(setup.model, new, base_name=order.base.title, choice=order.spec.method)


def _result(context: TaskContext, setup: Setup, outcome: loop.Outcome) -> dict[str, Any]:
    """The run in figures. What held-out rows told comes from the metrics, which outlive a resume."""
    lines, _ = read_metrics(context.folder)
    # After a resume a step may come again: the later line counts.
    by_step = {line["step"]: line for line in lines}
    looked = [line for line in lines if line.get("held_out_loss") is not None]
    last = [line for line in looked if line["step"] == outcome.kept_step] or looked
    seconds = outcome.position.seconds
    shape = asdict(encoding.shape(setup.training, setup.spec))
    durable.write_json(context.folder / SHAPE_FILE, shape)
    return {
        "parameters": asdict(adapters.count(setup.model)),
        "shape": shape,
        "held_out": {
            "rows": len(setup.held_out),
            "loss_before": looked[0]["held_out_loss"] if looked else None,
            "loss_after": last[-1]["held_out_loss"] if looked else None,
            "before": looked[0].get("held_out") if looked else None,
            "after": last[-1].get("held_out") if looked else None,
        },
        "kept_step": outcome.kept_step,
        "skipped_steps": outcome.position.spikes.skipped,
        "warnings": [line["warning"] for line in by_step.values() if line.get("warning")],
        "steps": outcome.position.step,
        "tokens": outcome.position.tokens,
        "precision": setup.numbers.name,
        "packed": setup.packed,
        "memory": {
            "rows_at_a_time": outcome.fit.rows_at_a_time,
            "tokens_at_a_time": outcome.fit.tokens_at_a_time,
            "recomputes": outcome.fit.recomputes,
            "ran_out": outcome.fit != setup.asked_fit,
        },
        "measured": {
            "seconds": round(seconds, 3),
            "tokens_per_second": round(outcome.position.tokens / max(seconds, 1e-9), 1),
            **_whole(context, setup.device),
            # Of the process that needed most.
            "peak_bytes": setup.ranks.most(_peak_bytes(setup.device)),
        },
    }


def _whole(context: TaskContext, device: torch.device) -> dict[str, float]:
    """Seconds of all that the run did, from its process's beginning on: by the clock, and of the processor.

    Nothing where earlier attempts did a part of it: what they took is not known here.
    """
    if context.attempt > 1:
        return {}
    whole = {"whole_seconds": round(time.time() - psutil.Process().create_time(), 1)}
    if device.type == "cpu":
        whole["cpu_seconds"] = round(time.process_time(), 1)
    return whole


def _peak_bytes(device: torch.device) -> int:
    """The most memory this process has held: on a GPU as torch counts it, else resident memory."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # not there on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
