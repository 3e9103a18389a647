"""The task from its beginning to its end: what it says on the way, what it leaves in the run's folder."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jobs import durable
from jobs.context import NeedsAPerson, Stopped, Task, TaskContext
from studio.errors import StudioError
from studio.inference.opened import ADAPTER_FOLDER, MODEL_FOLDER, ORDER_FILE
from studio.models.window import learned_places
from studio.settings import Home
from studio.spec import TrainOrder, TrainSpec
from studio.spec.installed import require_installed
from studio.tasks.train.making_ready import device_of, set_up
from studio.tasks.train.outcome import remember, result_of
from studio.training import adapters, loading, loop, sharding
from studio.training.fitting import is_out_of_memory
from studio.training.kept import kept_base
from studio.training.loop import Report, Setup
from studio.training.meter import Meter
from studio.training.ranks import ALONE, Ranks, joined, launched, launching
from studio.training.ranks.context import RankContext
from studio.training.room import DISK_ERRORS, is_full_disk
from studio.training.sinks import Sinks

# No figures of the training: a logger has its own clock.
NOT_LOGGED = ("step", "total_steps", "seconds_left", "cpu_seconds_left")
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
    device = device_of(context, spec)
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
    setup = set_up(context, order, ranks)
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
    result = result_of(context, setup, outcome)
    # What several processes take beside one another was never predicted.
    if order.spec.training.processes == 1:
        remember(context, order, setup, result)
    return result


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
    device = device_of(context, spec)
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
