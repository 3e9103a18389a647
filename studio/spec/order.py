"""TrainOrder: a spec with what was resolved when it was queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from studio.spec.train import TrainSpec


@dataclass(frozen=True)
class Base:
    """The base model that an order resolved to: `folder` holds (or will hold, once fetched) its files."""

    source: str
    revision: str
    folder: str
    title: str
    licence: str | None


@dataclass(frozen=True)
class TrainOrder:
    """A spec with what was resolved when it was queued: what the trainer gets, and export later reads."""

    spec: TrainSpec
    base: Base
    predicted: dict[str, Any] | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> TrainOrder:
        """The order in a queue row or a run's folder."""
        base = Base(**document["base"])
        return cls(TrainSpec.parse(document["spec"]), base, document.get("predicted"))

    def to_json(self) -> dict[str, Any]:
        """The order as JSON data."""
        return {
            "spec": self.spec.to_json(),
            "base": asdict(self.base),
            "predicted": self.predicted,
        }
