"""The estimate: what a spec needs on a machine, put together from counts, memory, time and disk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from studio.devices import Device, Machine
from studio.estimator.blueprint import Plan
from studio.estimator.certainty import DOUBT, certainty
from studio.estimator.deep import DeepModel
from studio.estimator.disk import Disk, disk, tokenizer_bytes
from studio.estimator.duration import Duration
from studio.estimator.files import Written
from studio.estimator.forecasting import Asked, forecast
from studio.estimator.live import PARTS, Moment
from studio.estimator.memory import StepCost, roughly
from studio.estimator.microbatch import Cost, RunShape, run_shape, unknown_run
from studio.estimator.overhead import Overhead, Passing, overhead
from studio.estimator.surfaces import CANNOT_BE_SIMULATED
from studio.estimator.verdict import Verdict, judge
from studio.methods.method import Certainty
from studio.models.architecture import from_config
from studio.objectives import Encoded
from studio.occupants import occupants
from studio.spec import TrainSpec
from studio.training.adapters import Counts
from studio.training.batching import PACKABLE
from studio.training.encoding import arrange
from studio.training.loading import Numbers, Precision, choose_numbers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """The rows of a spec encoded at full length: those to train on and those held out.

    They are cut and combined as the spec says when the estimate is made.
    """

    training: Sequence[Encoded]
    held_out: Sequence[Encoded]


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak and what they are for (`parts` add up to `peak_bytes`), at which moment.

    `tensor_bytes` is the peak without the process around it: the figure that `certainty` is about.
    The range covers what the process adds as well.
    """

    peak_bytes: int
    low_bytes: int
    high_bytes: int
    tensor_bytes: int
    certainty: Certainty
    moment: Moment
    parts: dict[str, int]

    def __post_init__(self) -> None:
        assert sum(self.parts.values()) == self.peak_bytes, "the parts must add up to the peak"

    def to_json(self) -> dict[str, Any]:
        """The memory of the contract."""
        return {
            "peak_bytes": self.peak_bytes,
            "low_bytes": self.low_bytes,
            "high_bytes": self.high_bytes,
            "tensor_bytes": self.tensor_bytes,
            "certainty": self.certainty,
            "moment": self.moment,
            "parts": self.parts,
        }


@dataclass(frozen=True)
class Estimate:
    """What a training needs, before it is started."""

    counts: Counts
    run: RunShape
    memory: Memory
    duration: Duration | None
    disk: Disk
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """The document of the command `estimate`."""
        batch = self.run.largest
        return {
            "parameters": {"trainable": self.counts.trainable, "total": self.counts.total},
            "shape": {
                "rows": batch.rows,
                "tokens": batch.tokens,
                "trained_tokens": batch.trained_tokens,
                "is_measured": self.run.is_measured,
                "is_packed": batch.is_packed,
            },
            "run": {
                "rows": self.run.rows,
                "tokens": self.run.tokens,
                "trained_tokens": self.run.trained_tokens,
                "steps": self.run.steps,
            },
            "memory": self.memory.to_json(),
            "time": self.duration.to_json() if self.duration else None,
            "disk": self.disk.to_json(),
            "verdict": self.verdict.to_json(),
            "plan": None,
        }


def estimate(
    spec: TrainSpec,
    source: Path,
    rows: Rows | None,
    machine: Machine,
    *,
    home: Path | None = None,
    idle_process_bytes: int | None = None,
    memory_bytes: int | None = None,
    may_simulate: bool = True,
) -> Estimate:
    """The estimate of `spec` for the base in `source` (a folder with a config.json, or a .gguf file).

    Without `rows` every row is taken to fill `max_length`. Without `home`, where the machine's rate
    is kept, there is no time. `memory_bytes` is judged against instead of what is free now.
    Raises ModelProblem or AskedWrongly where the model or the method cannot be built, and NotSoon where
    a step must be simulated and `may_simulate` is False.
    """
    device = machine.device_for(spec.training.devices)
    if memory_bytes is not None:
        device = replace(device, free_bytes=memory_bytes, total_bytes=memory_bytes)
    if device.kind == "cpu":
        device = _share_of(device, spec.training.processes)
    numbers = numbers_on(spec, device)
    plan = Plan.of(spec, numbers)
    model = DeepModel.of(source, plan)
    shape = from_config(model.config.to_dict(), source)
    cost = Cost.of_model(shape, plan.recomputed_share)
    run = _run(spec, model, rows, cost)
    step = _step(model, spec, run, numbers, cost, may_simulate=may_simulate)
    proven = certainty(spec, model.config.model_type, numbers.name, device)
    certain: Certainty = proven if step.is_simulated else "not estimated"
    passing = Passing.of(shape, plan, run.largest.places)
    beside = overhead(device, step.peak, idle_process_bytes, passing)
    memory = _memory(step, certain, beside)
    counts = model.counts()
    lower = _layer_cache_bytes(spec, model, run, shape.hidden * numbers.weights.itemsize)
    on_disk = disk(
        _written(model, spec, counts),
        spec,
        model.base_numbers() * numbers.weights.itemsize,
        machine.disk_free_bytes,
        layer_cache_bytes=lower,
        tokenizer_bytes=tokenizer_bytes(source, shape.vocab),
    )
    asked = Asked(spec, model, run, numbers, counts.total, on_disk)
    return Estimate(
        counts=counts,
        run=run,
        memory=memory,
        duration=forecast(asked, home, device, step.flops, may_trace=may_simulate)
        if home
        else None,
        disk=on_disk,
        verdict=verdict_on(memory, device, is_real=memory_bytes is None),
    )


def counts_on(spec: TrainSpec, source: Path, device: Device) -> Counts:
    """The parameter counts of the estimate alone. Raises as `estimate` does."""
    return DeepModel.of(source, Plan.of(spec, numbers_on(spec, device))).counts()


def _share_of(device: Device, processes: int) -> Device:
    """What each of several processes on the processor can have of its memory; GPUs they have alone."""
    free, total = (size // processes for size in (device.free_bytes, device.total_bytes))
    return replace(device, free_bytes=free, total_bytes=total)


def verdict_on(memory: Memory, device: Device, *, is_real: bool) -> Verdict:
    """Judged against what is free; where that is scarce, and real, with who holds the rest."""
    found = judge(memory.peak_bytes, memory.high_bytes, device)
    if found.level == "room" or not is_real:
        return found
    return judge(memory.peak_bytes, memory.high_bytes, device, occupants(device.name))


def _layer_cache_bytes(spec: TrainSpec, model: DeepModel, run: RunShape, bytes_a_token: int) -> int:
    """What the trainer will keep of the layers below the first trained one; 0 where it keeps nothing."""
    keeps = run.largest.is_packed and spec.objective.objective.layout == "tokens"
    if not keeps or not model.skips_layers:
        return 0
    wanted = (run.tokens + run.held_out_tokens) * bytes_a_token
    return wanted if wanted <= spec.training.layer_cache_bytes else 0


def _step(
    model: DeepModel,
    spec: TrainSpec,
    run: RunShape,
    numbers: Numbers,
    cost: Cost,
    *,
    may_simulate: bool,
) -> StepCost:
    """Simulated; where an architecture does what cannot be done without values, roughly."""
    try:
        return model.step_cost(spec, run.largest, numbers, may_simulate=may_simulate)
    except CANNOT_BE_SIMULATED as error:
        logger.warning("%s cannot be simulated: %s", model.config.model_type, error)
        return roughly(model.whole_blueprint(), spec, run.largest, cost)


def _written(model: DeepModel, spec: TrainSpec, counts: Counts) -> Written:
    """By an update without values; where that cannot be, by the parameters that train."""
    try:
        return model.written(spec)
    except CANNOT_BE_SIMULATED as error:
        logger.warning("what %s writes is told roughly: %s", spec.method.name, error)
        return Written.roughly(counts, spec)


def numbers_on(spec: TrainSpec, device: Device) -> Numbers:
    """As the trainer chooses them, without waking a GPU: one that is there is taken to compute in bf16.

    The arithmetic is simulated on the CPU, whose list of operations in low precision is alike.
    """
    choice: Precision = spec.training.precision
    if choice == "auto":
        choice = "bf16" if device.kind == "cuda" else "fp32"
    trains_weights = spec.method.method.family == "full"
    return choose_numbers(choice, torch.device("cpu"), trains_weights=trains_weights)


def precision_on(spec: TrainSpec, device: Device) -> str:
    """The name of the numbers that the trainer will compute in there."""
    return numbers_on(spec, device).name


def _run(spec: TrainSpec, model: DeepModel, rows: Rows | None, cost: Cost) -> RunShape:
    choice, length = spec.objective, spec.training.max_length
    may_pack = spec.may_pack and choice.objective.layout in PACKABLE
    packed = may_pack and model.blueprint.takes_positions
    training = arrange(rows.training, choice, length) if rows else []
    if rows is None or not training:
        return unknown_run(spec.training, choice, packed=packed)
    held_out = arrange(rows.held_out, choice, length)
    layout = choice.objective.layout
    return run_shape(training, held_out, spec.training, cost, packed=packed, layout=layout)


def _memory(step: StepCost, certain: Certainty, beside: Overhead) -> Memory:
    parts: dict[str, int] = {name: step.peak.parts[name] for name in PARTS}
    parts["overhead"] += beside.bytes
    peak = step.peak.bytes + beside.bytes
    doubt = int(step.peak.bytes * DOUBT[certain])
    return Memory(
        peak_bytes=peak,
        low_bytes=peak - beside.less_bytes - doubt,
        high_bytes=peak + beside.more_bytes + doubt,
        tensor_bytes=step.peak.bytes,
        certainty=certain,
        moment=step.peak.moment,
        parts=parts,
    )
