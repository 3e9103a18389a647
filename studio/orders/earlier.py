"""Earlier results: for a method that builds on them, which of a person's finished trainings fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.models import Job
from studio.models.source import ResolvedModel
from studio.settings import Home
from studio.spec import MethodChoice, TrainOrder, TrainSpec

ADAPTER = "adapter"
# Where a person left the choice of earlier results to the program, and what it is without any.
AUTO, WITHOUT = "auto", "random"
_FEWEST = 2


def freeze_earlier(
    spec: TrainSpec, base: ResolvedModel, finished: Callable[[], Iterable[Job]], home: Home
) -> TrainSpec:
    """The spec with "auto" replaced by the folders that it means now: later trainings change nothing.

    `finished` gives the finished trainings.
    """
    settings: Any = spec.method.settings
    if spec.method.method.builds_on is None or settings.earlier != AUTO:
        return spec
    found = tuple(
        str(folder)
        for job in sorted(finished(), key=lambda job: job.id)
        for folder in [home.run(job.id) / ADAPTER]
        if _is_on(base, job) and _fits(folder, spec.method)
    )
    earlier = found if len(found) >= _FEWEST else WITHOUT
    frozen = settings.model_copy(update={"earlier": earlier})
    return replace(spec, method=replace(spec.method, settings=frozen))


def _is_on(base: ResolvedModel, job: Job) -> bool:
    """Whether the training began from this very base."""
    theirs = TrainOrder.parse(job.spec).base
    return (theirs.source, theirs.revision) == (base.source, base.revision)


def _fits(folder: Path, choice: MethodChoice) -> bool:
    """Whether the adapter in `folder` is of the kind and length that the method builds on."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    settings: Any = choice.settings
    found = (config.get("peft_type"), config.get("num_virtual_tokens"))
    return found == (choice.method.builds_on, settings.virtual_tokens)
