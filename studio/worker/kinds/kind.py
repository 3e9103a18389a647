"""What every kind of question declares: the role of the worker that answers it, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.worker.protocol import Role


@dataclass(frozen=True)
class Kind:
    """`answer(bench, **arguments)` gives JSON data, or raises StudioError."""

    role: Role
    answer: Callable[..., Any]
