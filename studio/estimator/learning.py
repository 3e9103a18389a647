"""Learning from runs: how far off this machine's estimates were, and the next one corrected by that."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.estimator.duration import Duration
from studio.estimator.estimate import Estimate, Memory
from studio.library.residuals import Residual

# Runs of about this size tell something: what a small one adds beside its tensors a large one does not.
_SIZE_APART = 2.0
# The error that is expected at least, with few runs and with several: a machine is not always alike.
_FEW = 3
_LEAST_SPREAD = {True: 0.3, False: 0.15}
# The newest runs may not have met the worst.
_MARGIN = 1.25


@dataclass(frozen=True)
class Learned:
    """An estimate as corrected, as it was computed, and of how many runs that was learnt.

    `memory_error` and `time_error` are shares, lowest and highest: what those runs measured over what
    was computed, less one.
    """

    estimate: Estimate
    computed: Estimate
    memory_runs: int
    memory_error: tuple[float, float] | None
    time_runs: int
    time_error: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """The document of the command `estimate`."""
        computed = self.computed.duration
        return {
            **self.estimate.to_json(),
            "learned": {
                "memory_runs": self.memory_runs,
                "memory_error": self.memory_error,
                "time_runs": self.time_runs,
                "time_error": self.time_error,
                "computed_bytes": self.computed.memory.peak_bytes,
                "computed_seconds": computed.seconds if computed else None,
                "computed_cpu_seconds": computed.cpu_seconds if computed else None,
                "words": self.words,
            },
        }

    @property
    def words(self) -> str:
        """How right such figures were here, in a sentence; empty before the first run."""
        said = []
        if self.memory_error is not None:
            runs = _runs(self.memory_runs, "of about this size ")
            said.append(f"{runs} here needed {_span(self.memory_error)} memory than computed")
        if self.time_error is not None:
            said.append(f"{_runs(self.time_runs)} here took {_span(self.time_error)} time")
        if not said:
            return ""
        return f"{'; '.join(said)}. The figures above are corrected by that."


def learn(computed: Estimate, base: str, precision: str, residuals: Sequence[Residual]) -> Learned:
    """`computed` corrected by what the runs of this machine, the latest first, told.

    `base` is the model's source, `precision` the name of its numbers. The verdict stays as it was.
    """
    memory, memory_runs, memory_error = _memory(computed.memory, residuals)
    duration, time_runs, time_error = _duration(computed.duration, base, precision, residuals)
    corrected = replace(computed, memory=memory, duration=duration)
    return Learned(corrected, computed, memory_runs, memory_error, time_runs, time_error)


def _memory(
    memory: Memory, residuals: Sequence[Residual]
) -> tuple[Memory, int, tuple[float, float] | None]:
    """Shifted by what runs of about this size needed beside what was computed."""
    pairs = [
        (each.predicted_bytes, each.measured_bytes)
        for each in residuals
        if each.predicted_bytes
        and each.measured_bytes
        and 1 / _SIZE_APART < each.predicted_bytes / memory.peak_bytes < _SIZE_APART
    ]
    if not pairs:
        return memory, 0, None
    errors = [measured - predicted for predicted, measured in pairs]
    # One run alone is believed by half: what it met may have been chance.
    shift = int(statistics.median(errors) * len(errors) / (len(errors) + 1))
    shift = max(shift, -memory.parts["overhead"])
    left = max(abs(error - shift) for error in errors)
    below, above = memory.peak_bytes - memory.low_bytes, memory.high_bytes - memory.peak_bytes
    if len(errors) >= _FEW:
        below, above = (min(known, int(left * _MARGIN)) for known in (below, above))
    else:
        below, above = max(below, left), max(above, left)
    peak = memory.peak_bytes + shift
    corrected = replace(
        memory,
        peak_bytes=peak,
        # The tensors themselves are computed, not learnt.
        low_bytes=max(memory.tensor_bytes, peak - below),
        high_bytes=max(peak + above, memory.tensor_bytes),
        parts={**memory.parts, "overhead": memory.parts["overhead"] + shift},
    )
    shares = [measured / predicted - 1 for predicted, measured in pairs]
    return corrected, len(pairs), (min(shares), max(shares))


def _duration(
    duration: Duration | None, base: str, precision: str, residuals: Sequence[Residual]
) -> tuple[Duration | None, int, tuple[float, float] | None]:
    """Multiplied by what runs of this base, else of any base, took of what was computed."""
    if duration is None:
        return None, 0, None
    known = [
        (each.base, math.log(each.measured_seconds / each.predicted_seconds))
        for each in residuals
        if each.predicted_seconds and each.measured_seconds and each.precision == precision
    ]
    same = [ratio for source, ratio in known if source == base]
    ratios = same or [ratio for _, ratio in known]
    if not ratios:
        return duration, 0, None
    shift = statistics.median(ratios) * len(ratios) / (len(ratios) + 1)
    least = _LEAST_SPREAD[len(ratios) < _FEW or not same]
    spread = max(least, _MARGIN * max(abs(ratio - shift) for ratio in ratios))
    corrected = duration.times(math.exp(shift), math.exp(-spread), math.exp(spread))
    return corrected, len(ratios), (math.expm1(min(ratios)), math.expm1(max(ratios)))


def _runs(count: int, which: str = "") -> str:
    return f"{count} finished training{'' if count == 1 else 's'} {which}".strip()


def _span(error: tuple[float, float]) -> str:
    """`3 % less to 6 % more`; `6 % more` where both are alike."""
    low, high = (_share(each) for each in error)
    return low if low == high else f"{low} to {high}"


def _share(error: float) -> str:
    return f"{abs(error):.0%} {'less' if error < 0 else 'more'}".replace("%", " %")
