"""The kind `estimate`: what a training needs, from the model's configuration and the encoded rows."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

from studio.devices import Device, machine
from studio.estimator.estimate import estimate, precision_on, verdict_on
from studio.estimator.learning import Learned, learn
from studio.library import Library
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import encoded_rows, settled


def answer(bench: Bench, spec: dict[str, Any], memory_bytes: int | None) -> dict[str, Any]:
    """The document of the command `estimate`."""
    parsed, _ = settled(bench, TrainSpec.parse(spec))
    base = bench.base(parsed.model.source, parsed.model.revision)
    here = machine(bench.home.folder)
    device = here.device_for(parsed.training.devices)
    found = estimate(
        parsed,
        base.place,
        encoded_rows(bench, parsed, base),
        here,
        home=bench.home.folder,
        idle_process_bytes=bench.idle_process_bytes,
        memory_bytes=memory_bytes,
    )
    with closing(Library(bench.home)) as library:
        residuals = library.residuals.of_machine(device.words)
    learned = learn(found, base.resolved.source, precision_on(parsed, device), residuals)
    return with_verdict(learned, device, memory_bytes).to_json()


def with_verdict(learned: Learned, device: Device, memory_bytes: int | None) -> Learned:
    """The verdict on the corrected figures."""
    if memory_bytes is not None:
        device = replace(device, free_bytes=memory_bytes, total_bytes=memory_bytes)
    verdict = verdict_on(learned.estimate.memory, device, is_real=memory_bytes is None)
    return replace(learned, estimate=replace(learned.estimate, verdict=verdict))


KIND = Kind("model", answer)
