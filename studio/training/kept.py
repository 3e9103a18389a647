"""The examples of a queued spec: read from its kept dataset, split as it was frozen."""

from __future__ import annotations

from studio.data.examples import build
from studio.data.split import Split
from studio.errors import DataProblem
from studio.library import Library
from studio.spec import DataChoice


def kept_split(library: Library, choice: DataChoice, objective: str) -> Split:
    """Training and held-out examples. Raises DataProblem when the dataset is gone or was changed."""
    if choice.dataset is None or not choice.columns:
        raise DataProblem("This spec was not queued: it names no kept dataset.", code="spec")
    built = build(library.open(choice.dataset), choice.columns, objective)
    return library.versions.split(
        built.examples, choice.dataset, choice.held_out, choice.seed, choice.split
    )
