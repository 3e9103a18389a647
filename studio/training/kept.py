"""What a queued order stands on: its kept dataset, split as it was frozen, and its base."""

from __future__ import annotations

from dataclasses import replace

from studio.data.examples import build
from studio.data.split import Split
from studio.errors import DataProblem, StudioError
from studio.library import Library
from studio.models.source import resolve
from studio.settings import Home
from studio.spec import Base, DataChoice


def kept_split(library: Library, choice: DataChoice, objective: str) -> Split:
    """Training and held-out examples. Raises DataProblem when the dataset is gone or was changed."""
    if choice.dataset is None or not choice.columns:
        raise DataProblem("This spec was not queued: it names no kept dataset.", code="spec")
    built = build(library.open(choice.dataset), choice.columns, objective)
    return library.versions.split(
        built.examples, choice.dataset, choice.held_out, choice.seed, choice.split
    )


def kept_base(base: Base, home: Home) -> Base:
    """The base of a queued order where it lies now. Raises ModelProblem where it was changed since, and
    StudioError where it is gone."""
    resolved = resolve(base.source, base.revision, home)
    if resolved.folder is None:
        raise StudioError(
            f"The model '{base.title}' is not in {home.models} any more. Start the run anew: "
            "the model is then prepared again.",
            code="model_missing",
        )
    licence = resolved.licence or base.licence  # of the Hub's models known once they are here
    return replace(base, folder=str(resolved.folder), licence=licence)
