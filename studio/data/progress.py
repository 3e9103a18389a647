"""What is told while something takes long."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Told the share done, 0 to 1, and what is being done; what it raises ends that."""


def silent(share: float, words: str) -> None:
    """Progress that nobody wants to hear of."""
