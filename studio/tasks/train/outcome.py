"""A finished run in figures, and what the next estimate learns from them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Any

import psutil
import torch

from jobs import durable
from jobs.context import TaskContext
from jobs.errors import StoreError
from jobs.progress import read_metrics
from studio import devices
from studio.devices import Device
from studio.inference.opened import SHAPE_FILE
from studio.library import Library
from studio.library.residuals import Residual
from studio.settings import Home
from studio.spec import TrainOrder
from studio.training import adapters, encoding, loop
from studio.training.loop import Setup


def result_of(context: TaskContext, setup: Setup, outcome: loop.Outcome) -> dict[str, Any]:
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


def remember(
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
