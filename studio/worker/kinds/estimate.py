"""The kind `estimate`: what a training needs, from the model's configuration and the encoded rows."""

from __future__ import annotations

from typing import Any

from studio.spec import TrainSpec
from studio.worker.answering import estimated
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, spec: dict[str, Any], memory_bytes: int | None) -> dict[str, Any]:
    """The document of the command `estimate`."""
    return estimated(bench, TrainSpec.parse(spec), memory_bytes).to_json()


KIND = Kind("model", answer)
