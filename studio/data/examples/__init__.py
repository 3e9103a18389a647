"""Examples, the internal form of training data: one kind an objective, one file a kind."""

from studio.data.conversations import Message
from studio.data.examples.building import (
    MINIMUM_ROWS,
    Examples,
    Problem,
    Rejected,
    build,
    problem_in,
    walk,
)
from studio.data.examples.example import Example, ExampleKind, Place, Role
from studio.data.examples.kinds import KINDS

__all__ = [
    "KINDS",
    "MINIMUM_ROWS",
    "Example",
    "ExampleKind",
    "Examples",
    "Message",
    "Place",
    "Problem",
    "Rejected",
    "Role",
    "build",
    "problem_in",
    "walk",
]
