"""The adapter alone, as PEFT writes it."""

from __future__ import annotations

from studio.formats.format import Format, FormatSettings


class Settings(FormatSettings):
    """The adapter has nothing to set."""


FORMAT = Format(
    name="adapter",
    title="Adapter only",
    sentence="The small file that was trained; it needs the base model beside it to be used.",
    opens_with="PEFT and programs built on it",
    settings=Settings,
    needs_adapter=True,
    bytes_of=lambda weights: weights.trained_bytes,
)
