"""The whole model with the adapter merged in, as a folder of safetensors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from studio.formats.format import Format, FormatSettings


class Settings(FormatSettings):
    """What can be set for merged weights."""

    dtype: Literal["same", "fp32", "bf16", "fp16"] = Field(
        "same",
        title="Number format",
        description="How each weight is stored: as it was trained, or in 16 bits (half the size).",
        json_schema_extra={"unit": "", "cost": "disk", "level": "basic"},
    )
    shard_gigabytes: float = Field(
        5.0,
        gt=0,
        le=1000,
        title="Largest file",
        description="The weights are cut into files of at most this size.",
        json_schema_extra={"unit": "GB", "cost": "", "level": "advanced"},
    )


FORMAT = Format(
    name="merged",
    title="Whole model (merged)",
    sentence="One folder that holds the finished model; nothing else is needed to use it.",
    opens_with="transformers, vLLM, text-generation-inference and most converters",
    settings=Settings,
    needs_adapter=False,
    merges=True,
    bytes_of=lambda weights: weights.whole_bytes,
)
