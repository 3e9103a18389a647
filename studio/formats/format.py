"""What every export format declares about itself: words and settings."""

from __future__ import annotations

from dataclasses import dataclass

import pydantic


class FormatSettings(pydantic.BaseModel):
    """The base of every format's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Format:
    """A form in which a trained model leaves the studio."""

    name: str
    title: str
    sentence: str
    opens_with: str
    settings: type[FormatSettings]
    needs_adapter: bool
