"""What an operation holds while it goes on, beside what torch's profiler sees of the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from studio.estimator.live import LiveStorages
from studio.estimator.passing import _is_by_onednn, passing_bytes

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


@pytest.mark.parametrize("types", [(HALF, WHOLE, HALF), (HALF, HALF, WHOLE), (WHOLE, WHOLE, HALF)])
def test_a_result_that_is_written_in_another_type_is_made_beside_it_first(
    types: tuple[torch.dtype, torch.dtype, torch.dtype],
) -> None:
    one, other, out = (torch.ones(300, 200, dtype=dtype) for dtype in types)

    said = passing_bytes(torch.ops.aten.mul, (one, other), {"out": out})

    assert said == really_held(lambda: torch.mul(one, other, out=out))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("name", ["mm", "addmm", "bmm"])
def test_what_a_product_holds_in_passing_is_never_less_than_was_said(
    name: str, dtype: torch.dtype
) -> None:
    shapes = {"mm": [(96, 640), (640, 512)], "bmm": [(4, 96, 64), (4, 64, 512)]}
    shapes["addmm"] = [(512,), *shapes["mm"]]
    real = [torch.ones(shape, dtype=dtype) for shape in shapes[name]]
    pretended = [each.to("meta") for each in real]
    operation: Callable[..., Tensor] = getattr(torch, name)
    live = LiveStorages()
    for each in pretended:
        live.hold(each, "weights")
    with live:
        made = operation(*pretended)

    said = live.peak.bytes - sum(each.nbytes for each in real)
    held = really_held(lambda: operation(*real))
    assert said >= held >= made.nbytes
    if not _is_by_onednn(dtype):
        assert said == made.nbytes
