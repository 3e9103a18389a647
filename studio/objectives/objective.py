"""What every objective declares about itself: words, roles of columns, and how an example is encoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pydantic


class ObjectiveSettings(pydantic.BaseModel):
    """The base of every objective's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Role:
    """A part that a column can play, e.g. `prompt`; `title` is what the page calls it."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Encoded:
    """One example as the model sees it: `ids (T,)`, and `mask (T,)` with 1 where a token is trained."""

    ids: list[int]
    mask: list[int]


@dataclass(frozen=True)
class Objective:
    """What training aims at. `role_sets` are the combinations of roles that can be trained on.

    `encode(example, tokenizer, settings)` gives plain lists; it raises DataProblem for an example
    that has no trained token or that the model's template refuses.
    """

    name: str
    title: str
    sentence: str
    roles: tuple[Role, ...]
    role_sets: tuple[frozenset[str], ...]
    settings: type[ObjectiveSettings]
    encode: Callable[[Any, Any, Any], Encoded]
    # name -> what a person reads beside the figure
    metrics: dict[str, str]
