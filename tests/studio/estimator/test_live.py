"""What an operation holds while it goes on, beside what torch's profiler sees of the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from studio.estimator.live import LiveStorages

HALF, WHOLE, TRUE = torch.bfloat16, torch.float32, torch.bool


def really_held(operation: Callable[[], Tensor]) -> int:
    """Bytes at the highest of one operation, by the allocator's events."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        operation()
    events = profiler.profiler.kineto_results.events()  # type: ignore[union-attr]
    held = highest = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes() if event.name() == "[memory]" else 0
        highest = max(highest, held)
    return highest


@pytest.mark.parametrize("name", ["mul", "add", "div", "mul_", "add_", "div_"])
@pytest.mark.parametrize("types", [(WHOLE, HALF), (WHOLE, TRUE), (WHOLE, WHOLE), (HALF, WHOLE)])
def test_operands_of_two_types_are_copied_to_one_first(
    name: str, types: tuple[torch.dtype, torch.dtype]
) -> None:
    one, other = torch.ones(300, 200, dtype=types[0]), torch.ones(200, dtype=types[1])
    pretended = one.to("meta"), other.to("meta")
    operation: Callable[[Tensor, Tensor], Tensor] = getattr(torch.Tensor, name)
    live = LiveStorages()
    live.hold(pretended[0], "weights")
    with live:
        operation(*pretended)

    assert live.peak.bytes - one.nbytes == really_held(lambda: operation(one, other))
