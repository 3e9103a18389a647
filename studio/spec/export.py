"""ExportSpec: one export as asked for, frozen and checked, JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.formats import FORMATS, Format
from studio.spec.reading import VERSION, Reading


@dataclass(frozen=True)
class ExportSpec:
    """One export, as asked for: which run, which format, where to (`out`, an absolute path)."""

    job: int
    format: str
    settings: Any
    out: str
    version: int = VERSION

    @property
    def format_needs_adapter(self) -> bool:
        """Whether the format is the adapter alone."""
        return FORMATS[self.format].needs_adapter

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> ExportSpec:
        """A checked spec from JSON data. Raises AskedWrongly."""
        reading = Reading()
        name = str(document.get("format", ""))
        chosen: Format | None = reading.known("format", "format", name, FORMATS)
        settings = (
            reading.section("settings", chosen.settings, document.get("settings", {}))
            if chosen
            else None
        )
        reading.raise_problems()
        return cls(int(document["job"]), name, settings, str(document["out"]))

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON data."""
        settings = self.settings.model_dump(mode="json")
        return {
            "version": self.version,
            "job": self.job,
            "format": self.format,
            "settings": settings,
            "out": self.out,
        }
