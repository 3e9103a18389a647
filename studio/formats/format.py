"""What every export format declares about itself: words and settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pydantic


class FormatSettings(pydantic.BaseModel):
    """The base of every format's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Weights:
    """What an export's size follows from: bytes that were trained and that the whole model has."""

    trained_bytes: int
    whole_bytes: int


@dataclass(frozen=True)
class Format:
    """A form in which a trained model leaves the studio.

    `bytes_of` tells the size of an export with its usual settings; None where it is not known before.
    """

    name: str
    title: str
    sentence: str
    opens_with: str
    settings: type[FormatSettings]
    needs_adapter: bool
    # Whether what was trained must become part of the model's weights.
    merges: bool = False
    bytes_of: Callable[[Weights], int | None] = lambda weights: None
