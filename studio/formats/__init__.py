"""The export formats, one file each; this folder is their registry (`studio.exporters` writes them)."""

from studio.formats.format import Format, FormatSettings, Weights
from studio.registry import discover

FORMATS: dict[str, Format] = discover("studio.formats", "FORMAT", Format)

__all__ = ["FORMATS", "Format", "FormatSettings", "Weights"]
