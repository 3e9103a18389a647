"""The task `find_rate`: a short training on the user's data whose rate rises, for the rate it suggests."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

from jobs.context import NeedsAPerson, Stopped, TaskContext
from jobs.progress import read_metrics
from studio.errors import StudioError
from studio.spec import TrainOrder
from studio.tasks import TASKS
from studio.training import rate_test


def find_rate(context: TaskContext) -> dict[str, Any]:
    """`{"points": [[rate, loss]], "suggested", "words"}`; the weights that came of it are thrown away.

    Raises StudioError where the training failed before it said anything.
    """
    order = TrainOrder.parse(context.spec)
    context.spec = replace(order, spec=rate_test.as_test(order.spec)).to_json()
    try:
        TASKS["train"](context)
    except (Stopped, NeedsAPerson):
        raise
    except StudioError as error:
        # A rate that is too high ends the training: that is what was to be found.
        if len(_found(context).points) < rate_test.LEAST_POINTS:
            raise
        context.log(f"The test ends here: {error.words}")
    finally:
        for name in ("checkpoints", "adapter", "model"):
            shutil.rmtree(context.folder / name, ignore_errors=True)
    found = _found(context)
    context.log(found.words)
    return found.to_json()


def _found(context: TaskContext) -> rate_test.RateFound:
    lines, _ = read_metrics(context.folder, 0)
    return rate_test.judge(lines)
