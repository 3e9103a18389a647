"""TrainOrder: a spec with what was resolved when it was queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio.spec.train import TrainSpec

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
"""What an adapter is made of on the disk, as PEFT saves it."""


@dataclass(frozen=True)
class Earlier:
    """The adapter of an earlier training, kept under its `revision` in the data home.

    `weight` is its share where several are combined.
    """

    run: int
    title: str
    revision: str
    weight: float = 1.0


@dataclass(frozen=True)
class Base:
    """The base model that an order resolved to: `folder` holds (or will hold, once fetched) its files.

    The adapters in `beneath` are merged into it, in this order, before anything is trained.
    """

    source: str
    revision: str
    folder: str
    title: str
    licence: str | None
    beneath: tuple[Earlier, ...] = ()

    def is_of(self, other: Base) -> bool:
        """Whether both are the same model, whatever is merged into it."""
        return (self.source, self.revision) == (other.source, other.revision)

    def is_same(self, other: Base) -> bool:
        """Whether an adapter that was trained on the one can be used on the other."""
        merged, theirs = ([each.revision for each in base.beneath] for base in (self, other))
        return self.is_of(other) and merged == theirs


@dataclass(frozen=True)
class TrainOrder:
    """A spec with what was resolved when it was queued: what the trainer gets, and export later reads.

    `start` is the adapter that learns on. Where several were combined instead of anything being trained,
    `parts` are they, with their weights, and `rank` is what the sum was reduced to.
    """

    spec: TrainSpec
    base: Base
    predicted: dict[str, Any] | None = None
    start: Earlier | None = None
    parts: tuple[Earlier, ...] = ()
    rank: int | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> TrainOrder:
        """The order in a queue row or a run's folder."""
        base = dict(document["base"])
        start = document.get("start")
        return cls(
            TrainSpec.parse(document["spec"]),
            Base(**{**base, "beneath": _earlier(base.get("beneath", ()))}),
            document.get("predicted"),
            Earlier(**start) if start else None,
            _earlier(document.get("parts", ())),
            document.get("rank"),
        )

    def to_json(self) -> dict[str, Any]:
        """The order as JSON data."""
        return {
            "spec": self.spec.to_json(),
            "base": asdict(self.base),
            "predicted": self.predicted,
            "start": asdict(self.start) if self.start else None,
            "parts": [asdict(each) for each in self.parts],
            "rank": self.rank,
        }


def _earlier(values: Sequence[Mapping[str, Any]]) -> tuple[Earlier, ...]:
    return tuple(Earlier(**each) for each in values)
