"""Our own loop as a run takes it: the shipped path, from loaded model to recorded steps.

Beside what all programs understand, its task may have `layers` (of the method) and `epochs`, passes over
the same rows, and `keeps_states`: whether what untrained lower layers give is kept. `profiled`: some steps
in the middle run under torch's profiler, and `outside` says in which share of them torch carried out nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# The programs of this folder are called by path, each with the environment that it belongs to.
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[3])]

import common  # noqa: E402

task = common.read_task()

from studio import libraries  # noqa: E402

libraries.settle()

import torch  # noqa: E402

from studio.objectives import Encoded  # noqa: E402
from studio.spec import TrainSpec  # noqa: E402
from studio.training import adapters, loading, loop, probe  # noqa: E402
from studio.training.batching import Schedule  # noqa: E402
from studio.training.fused import fuse  # noqa: E402
from studio.training.lower import LowerStates, keep_states  # noqa: E402
from studio.training.recomputing import recompute  # noqa: E402

torch.set_num_threads(task["threads"])
spec = TrainSpec.parse(
    {
        "method": {
            "name": "lora",
            "rank": task["rank"],
            "alpha": 2 * task["rank"],
            "layers": task.get("layers", "all"),
        },
        "training": {
            "batch_size": task["batch_size"],
            "max_steps": task["steps"] * task.get("epochs", 1),
            "learning_rate": task["learning_rate"],
            "scheduler": "constant",
            "warmup_ratio": 0.0,
            "gradient_checkpointing": task["checkpointing"],
            "eval_every": "never",
        },
    }
)
with open(task["rows"], encoding="utf-8") as file:
    rows = [Encoded(row["ids"], row["mask"]) for row in map(json.loads, file)]
device = torch.device("cpu")
numbers = loading.choose_numbers("fp32", device, trains_weights=False)
base = loading.load_base(Path(task["model"]), numbers.weights)
packed = probe.can_pack(base, base.config.vocab_size)
model = adapters.attach(base, spec.method, seed=0)
recompute(model, spec.training.recomputed_share)
fuse(model)
# The loop shuffles. These rows are laid so that it takes them in the order of the file.
schedule = Schedule.plan(len(rows), task["batch_size"], 1, task["steps"], spec.training.seed)
taken = [place for step in range(task["steps"]) for place in schedule.rows_of(step)]
in_order = [row for _, row in sorted(zip(taken, rows, strict=True), key=lambda pair: pair[0])]
record = common.Record(task)
profiled = range(task["steps"] // 3, 2 * task["steps"] // 3) if task.get("profiled") else range(0)
profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])


def report(done: loop.Report) -> None:
    """A step has ended."""
    record.step_ended(done.loss)
    if done.step == profiled.start:
        profiler.start()
        undisturbed(True)
    if done.step == profiled.stop:
        undisturbed(False)
        profiler.stop()


def undisturbed(wanted: bool) -> None:
    """Let no other program in between, where that is allowed.

    The profiler knows the clock only: what others take between two operations would count as ours.
    """
    if hasattr(os, "SCHED_FIFO"):
        policy, priority = (os.SCHED_FIFO, 1) if wanted else (os.SCHED_OTHER, 0)
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, policy, os.sched_param(priority))


def outside(counts: Callable[[str], bool]) -> float:
    """The share of the profiled steps in which nothing ran that `counts`: Python's, and the profiler's own."""
    spans = sorted(
        (event.start_ns(), event.start_ns() + event.duration_ns())
        for event in profiler.profiler.kineto_results.events()
        if counts(event.name())
    )
    within, end = 0, 0
    for begin, stop in spans:
        within += max(0, stop - max(begin, end))
        end = max(end, stop)
    return 1 - within / (end - spans[0][0])


def is_operation(name: str) -> bool:
    """One of torch's operations."""
    return name.startswith("aten::")


def is_of_torch(name: str) -> bool:
    """An operation, or a node of the backward pass that is not one of those written in Python."""
    node = name.removeprefix("autograd::engine::evaluate_function: ")
    return is_operation(name) or (node != name and node not in IN_PYTHON)


IN_PYTHON = {f"{kind.__name__}Backward" for kind in torch.autograd.Function.__subclasses__()}


with tempfile.TemporaryDirectory() as folder:
    lower = None
    if task.get("keeps_states"):
        lower = keep_states(
            model,
            in_order,
            Path(folder) / "lower.bin",
            vocabulary=base.config.vocab_size,
            limit_bytes=spec.training.layer_cache_bytes,
            precision=numbers.context,
        )
        if not isinstance(lower, LowerStates):
            raise SystemExit(f"The lower layers' states are not kept: {lower}")
    setup = loop.Setup(
        spec, model, device, numbers, in_order, [], packed, 2, Path(folder), lower=lower
    )
    loop.run(
        setup,
        on_report=report,
        should_stop=lambda: False,
    )
record.write(
    "peft",
    **(
        {"outside": outside(is_of_torch), "outside_operations": outside(is_operation)}
        if profiled
        else {}
    ),
)
