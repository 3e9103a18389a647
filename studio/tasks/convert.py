"""The task `convert`: a GGUF file becomes a folder of safetensors that can be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.context import TaskContext
from studio.models.convert import convert_gguf
from studio.models.origin import Origin


def convert(context: TaskContext) -> dict[str, Any]:
    """Convert `gguf` into the folder `target`."""
    spec = context.spec
    target = Path(spec["target"])
    convert_gguf(Path(spec["gguf"]), target, origin=Origin(**spec["origin"]), log=context.log)
    return {"folder": str(target)}
