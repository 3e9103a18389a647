"""The memory that a training waits for before it starts; what could never start is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.errors import AskedWrongly, FieldProblem
from studio.sizes import size
from studio.spec.places import slots_for
from studio.spec.sections import Training

# The share of a device's memory that is free when nothing else but the system uses it.
_EVER_FREE = 0.9


def needed_bytes(predicted: Mapping[str, Any], training: Training) -> int | None:
    """The memory in bytes to wait for: what a run needs at worst, unless the device never has that much free.

    The likeliest figure then: better to try than to wait for ever for the sake of a margin. Raises
    AskedWrongly where the device has less in all than the run needs at the least: it would wait for ever.
    """
    memory, verdict = predicted.get("memory") or {}, predicted.get("verdict") or {}
    total = verdict.get("total_bytes")
    least, likely, most = (
        _on_the_device(memory, name, training) for name in ("low_bytes", "peak_bytes", "high_bytes")
    )
    if least is not None and total is not None and least > total:
        words = (
            f"It needs at least {size(least)} of memory, and there are {size(total)} in all: it "
            "could never start here. Choose a method that needs less, a smaller batch or shorter rows; "
            "`estimate SPEC --fit`, on the page the offer beside the figures, looks for settings that fit."
        )
        raise AskedWrongly(
            words, code="memory", fields=[FieldProblem("training.batch_size", words)]
        )
    return likely if most is None or most > _EVER_FREE * (total or 0) else most


def _on_the_device(memory: Mapping[str, Any], name: str, training: Training) -> int | None:
    """A figure of one process as all that share a device need it; None where it was not predicted."""
    figure = memory.get(name)
    if figure is None:
        return None
    if training.offload != "none":
        # The layers can wait in the main memory; what they take is most of the weights.
        parts = memory.get("parts", {})
        figure = max(0, figure - parts.get("weights", 0) - parts.get("quantization", 0))
    _, slots = slots_for(training)
    return int(figure) * (training.processes // slots)
