"""The kinds of example that there are, found by listing this folder."""

from __future__ import annotations

from studio.data.examples.example import ExampleKind
from studio.registry import discover

KINDS: dict[str, ExampleKind] = discover("studio.data.examples", "KIND", ExampleKind)
