"""The exporters, one file each, the function of its format's name; this folder is their registry."""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from studio.registry import discover

Exporter = Callable[..., Any]

# Each module holds the function of its own name: `exporters/merged.py` defines `merged`.
EXPORTERS: dict[str, FunctionType] = discover("studio.exporters", "EXPORTER", FunctionType)
