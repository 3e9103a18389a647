"""An estimate as a worker gives it: of the rows that it keeps, for this machine, corrected by its runs."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import closing
from dataclasses import replace
from typing import Any

from studio.devices import Device, machine
from studio.estimator.deep import NotSoon
from studio.estimator.estimate import counts_on, estimate, precision_on, verdict_on
from studio.estimator.learning import Learned, learn
from studio.library import Library
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.rows import encoded_rows, settled

# Of which data and bases an estimate was given: their rows are read and encoded, the machine is probed.
_WARM: set[Hashable] = set()


def estimated(
    bench: Bench, spec: TrainSpec, memory_bytes: int | None, *, may_simulate: bool = True
) -> Learned:
    """The estimate of a spec. Raises as `estimate` does."""
    parsed, _ = settled(bench, spec)
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
        may_simulate=may_simulate,
    )
    with closing(Library(bench.home)) as library:
        residuals = library.residuals.of_machine(device.words)
    learned = learn(found, base.resolved.source, precision_on(parsed, device), residuals)
    _WARM.add(_warmth(spec))
    return with_verdict(learned, device, memory_bytes)


def soon(bench: Bench, spec: TrainSpec) -> dict[str, Any]:
    """The estimate where nothing must be simulated or read for it; else its `parameters` alone."""
    if _warmth(spec) in _WARM:
        try:
            return estimated(bench, spec, None, may_simulate=False).to_json()
        except NotSoon:
            pass
    parsed, _ = settled(bench, spec)
    base = bench.base(parsed.model.source, parsed.model.revision)
    device = machine(bench.home.folder).device_for(parsed.training.devices)
    counts = counts_on(parsed, base.place, device)
    return {"parameters": {"trainable": counts.trainable, "total": counts.total}}


def _warmth(spec: TrainSpec) -> Hashable:
    document = spec.to_json()
    return tuple(str(document[section]) for section in ("model", "data", "objective"))


def with_verdict(learned: Learned, device: Device, memory_bytes: int | None) -> Learned:
    """The verdict on the corrected figures."""
    if memory_bytes is not None:
        device = replace(device, free_bytes=memory_bytes, total_bytes=memory_bytes)
    verdict = verdict_on(learned.estimate.memory, device, is_real=memory_bytes is None)
    return replace(learned, estimate=replace(learned.estimate, verdict=verdict))
