"""The task `combine`: the adapters of several trainings become one, their weighted sum."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jobs import durable
from jobs.context import TaskContext
from studio.inference.opened import ADAPTER_FOLDER, ORDER_FILE, beneath_of, load_base
from studio.settings import Home
from studio.spec import TrainOrder
from studio.training import earlier, loading
from studio.training.kept import kept_base


def combine(context: TaskContext) -> dict[str, Any]:
    """`{"parts", "rank"}`; the run's folder is then that of any finished training."""
    order, home = TrainOrder.parse(context.spec), Home.of_run(context.folder)
    order = replace(order, base=kept_base(order.base, home))
    parts = [(earlier.folder_of(each, home), each.weight) for each in order.parts]
    durable.write_json(context.folder / ORDER_FILE, order.to_json())
    durable.write_json(context.folder / "spec.json", order.spec.to_json())
    target = context.folder / ADAPTER_FOLDER
    context.report(0, 1)
    durable.clear_leftovers(target)
    # A crash between writing and the queue's note finds it written already.
    if not target.exists():
        context.log(f"Adding up {len(parts)} adapters …")
        device = loading.choose_device("cpu")  # the slot that this job holds
        numbers = loading.choose_numbers(
            order.spec.training.precision, device, trains_weights=False
        )
        tokenizer = loading.load_tokenizer(Path(order.base.folder))
        base = load_base(order, numbers, tokenizer, beneath_of(order, context.folder))
        with durable.new_folder(target) as new:
            earlier.write_sum(base, parts, order.rank, new, order.base.title)
    context.report(1, 1)
    context.log(f"Done: one adapter out of {len(parts)}.")
    return {"parts": [asdict(each) for each in order.parts], "rank": order.rank}
