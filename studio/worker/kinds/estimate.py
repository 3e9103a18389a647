"""The kind `estimate`: what a training needs, from the model's configuration and the encoded rows."""

from __future__ import annotations

from typing import Any

from studio.devices import machine
from studio.estimator.estimate import estimate
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import encoded_rows, settled


def answer(bench: Bench, spec: dict[str, Any], memory_bytes: int | None) -> dict[str, Any]:
    """The document of the command `estimate`."""
    parsed, _ = settled(bench, TrainSpec.parse(spec))
    base = bench.base(parsed.model.source, parsed.model.revision)
    found = estimate(
        parsed,
        base.place,
        encoded_rows(bench, parsed, base),
        machine(bench.home.folder),
        home=bench.home.folder,
        idle_process_bytes=bench.idle_process_bytes,
        memory_bytes=memory_bytes,
    )
    return found.to_json()


KIND = Kind("model", answer)
