"""A training carried out in the test's own process: the task itself, without the queue around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.context import TaskContext
from studio.library import Library
from studio.models.source import resolve
from studio.orders.freezing import freeze_data
from studio.orders.rate import suited
from studio.settings import Home
from studio.spec import Base, TrainOrder, TrainSpec

QUICK = {"epochs": 2, "learning_rate": 0.02}


@dataclass(frozen=True)
class Run:
    """A run's home, order, folder and result."""

    home: Home
    order: TrainOrder
    folder: Path
    result: dict[str, Any]


def make_order(
    home: Home,
    model: Path,
    data: Path,
    method: Any = "lora",
    objective: Any = "chat",
    **training: Any,
) -> TrainOrder:
    """The order that the desk would make, with `training` over quick settings."""
    return ordered(
        home,
        {
            "name": "Tiny",
            "model": {"source": str(model)},
            "data": {"path": str(data), "held_out": 0.2},
            "method": method,
            "objective": objective,
            "training": {**QUICK, **training},
        },
    )


def ordered(home: Home, document: dict[str, Any]) -> TrainOrder:
    """What the desk makes of a spec whose model is a folder: data and model frozen, the rate filled in."""
    spec = TrainSpec.parse(document)
    library = Library(home)
    spec = freeze_data(spec, library)
    library.close()
    found = resolve(spec.model.source, None, home)
    frozen = spec.model.model_copy(update={"revision": found.revision})
    spec = suited(replace(spec, model=frozen), found)
    base = Base(found.source, found.revision, str(found.folder), found.title, "apache-2.0")
    return TrainOrder(spec, base)


def context(home: Home, job_id: int, spec: dict[str, Any], **values: Any) -> TaskContext:
    """What the task process would hand to a task."""
    folder = home.run(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    return TaskContext(job_id, spec, folder, **values)


def train_run(
    home_folder: Path, job_id: int, model: Path, data: Path, method: Any = "lora", **more: Any
) -> Run:
    """Train to the end."""
    from studio.tasks.train import train

    home = Home(home_folder).prepare()
    order = make_order(home, model, data, method, **more)
    result = train(context(home, job_id, order.to_json()))
    return Run(home, order, home.run(job_id), result)
