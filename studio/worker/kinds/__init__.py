"""The kinds of questions that a worker answers, one file each; this folder is their registry."""

from studio.registry import discover
from studio.worker.kinds.kind import Kind

KINDS: dict[str, Kind] = discover("studio.worker.kinds", "KIND", Kind)

__all__ = ["KINDS", "Kind"]
