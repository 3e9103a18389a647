"""What the queue finds by name: one file a task; a task's module is imported when it is run."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from jobs.context import NeedsAPerson, ProcessKilled, Stopped, Task, TaskContext
from jobs.task_process import DETAILS
from studio import libraries
from studio.failures import diagnose

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
        task: Task = getattr(_module(f"{__name__}.{name}"), name)
        return explained(task)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _module(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    with libraries.importing():
        return importlib.import_module(name)


def explained(task: Task) -> Task:
    """The task, whose errors carry their failure card to the result file."""

    @functools.wraps(task)
    def run(context: TaskContext) -> dict[str, Any] | None:
        try:
            return task(context)
        except (Stopped, NeedsAPerson, ProcessKilled):
            raise
        except Exception as error:
            _explain(error, context)
            raise

    return run


def _explain(error: Exception, context: TaskContext) -> None:
    code, words = getattr(error, "code", "crash"), getattr(error, "words", None)
    log = "".join(traceback.format_exception(error))
    card = diagnose(
        code, words or f"{type(error).__name__}: {error}", log, context.spec.get("spec")
    )
    setattr(error, DETAILS, {"card": card.as_json()})


TASKS: Mapping[str, Task] = _Tasks()
