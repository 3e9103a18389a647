"""What the queue finds by name: one file a task; a task's module is imported when it is run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from jobs.context import Task
from studio import libraries

libraries.be_quiet()


class _Tasks(Mapping[str, Task]):
    """Each module of this folder holds the task of its own name: `tasks/train.py` defines `train`.

    Imported on use: fetching a model must not wait for torch.
    """

    def __init__(self) -> None:
        self._names = [entry.name for entry in pkgutil.iter_modules(__path__)]

    def __getitem__(self, name: str) -> Task:
        if name not in self._names:
            raise KeyError(name)
        task: Task = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        return task

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


TASKS: Mapping[str, Task] = _Tasks()
