"""The losses, one file each, named as their objectives; this folder is their registry."""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from studio.registry import discover

Loss = Callable[..., Any]

# Each module holds the function of its own name: `losses/chat.py` defines `chat`.
LOSSES: dict[str, FunctionType] = discover("studio.training.losses", "LOSS", FunctionType)
