"""The models at hand: the starter, and what was converted or fetched into the data home."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from studio.errors import ModelProblem
from studio.models import starter
from studio.models.describe import describe
from studio.models.origin import read_origin
from studio.models.source import resolve
from studio.settings import Home


@dataclass(frozen=True)
class ModelEntry:
    """One line of the command `models`; `source` is what goes into a spec's `model.source`."""

    name: str
    source: str
    parameters: int
    bytes: int
    licence: str | None

    def as_json(self) -> dict[str, Any]:
        """The entry in the contract's words."""
        return asdict(self)


def known_models(home: Home) -> list[ModelEntry]:
    """The starter first, then the complete models of the data home by name; broken ones are left out.

    `bytes` is what the weights take on the disk: of a starter not yet converted, its .gguf file.
    """
    entries = _starter(home)
    for folder in sorted(home.models.glob("*")):
        origin = read_origin(folder)
        if origin is None or origin.source == starter.SOURCE:
            continue
        try:
            model = describe(folder)
        except ModelProblem:
            continue
        entries.append(
            ModelEntry(origin.title, origin.source, model.parameters, model.bytes, origin.licence)
        )
    return entries


def _starter(home: Home) -> list[ModelEntry]:
    """The starter's entry; none where its package is missing."""
    try:
        model = resolve(starter.SOURCE, None, home)
        described = describe(model.folder or model.gguf or model.target)
    except ModelProblem:
        return []
    return [
        ModelEntry(model.title, model.source, described.parameters, described.bytes, model.licence)
    ]
