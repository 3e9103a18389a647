"""The kind `soon`: what of an estimate is there at once, long before its memory is simulated."""

from __future__ import annotations

from typing import Any

from studio.spec import TrainSpec
from studio.worker.answering import soon
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """The document of the command `estimate`, or only its `parameters`."""
    return soon(bench, TrainSpec.parse(spec))


KIND = Kind("model", answer)
