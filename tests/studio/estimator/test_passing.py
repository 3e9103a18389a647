"""What an operation holds while it goes on, beside what torch's profiler sees of the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from studio.estimator.live import LiveStorages
from studio.estimator.passing import _is_by_onednn, passing_bounds

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

    said = passing_bounds(torch.ops.aten.mul, (one, other), {"out": out})

    assert said == (really_held(lambda: torch.mul(one, other, out=out)),)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("name", ["mm", "addmm", "bmm"])
def test_what_a_product_holds_in_passing_is_never_more_than_was_said(
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


def products_told_too_low() -> list[tuple[Any, ...]]:
    """Products of many shapes, the smaller ones three at once too, with either side turned, that hold more than
    was said; what holds most first."""
    found = []
    types = [dtype for dtype in (HALF, torch.float16) if _is_by_onednn(dtype)]
    for shape, count, dtype, *turned in product(SHAPES, (1, 3), types, *2 * [(False, True)]):
        rows, inner, columns = shape
        if count * rows * inner * columns > 2**33:
            continue
        left, right = (
            torch.ones(count, *size[::-1], dtype=dtype).mT
            if turn
            else torch.ones(count, *size, dtype=dtype)
            for size, turn in zip(((rows, inner), (inner, columns)), turned, strict=True)
        )
        each = torch.ops.aten.bmm if count > 1 else torch.ops.aten.mm
        given = (left, right) if count > 1 else (left[0], right[0])
        held = really_held(partial(each, *given)) - count * rows * columns * dtype.itemsize
        found.append((held, min(passing_bounds(each, given)), shape, count, dtype, turned))
    return sorted(
        (each for each in found if each[0] > each[1]), reverse=True, key=lambda each: each[0]
    )


# Rows, inner, columns.
SHAPES = [
    *((100, 512, 100), (512, 1536, 64), (96, 64, 2048), (8, 1024, 33), (2048, 8, 2048), (1, 1, 1)),
    *((96, 8192, 1), (200, 512, 25), (153, 33, 64), (312, 1000, 8), (512, 32, 64)),
    *((4096, 2048, 640), (512, 576, 8192), (512, 8192, 576), (2048, 2048, 2048)),
]


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("instructions", ["DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE"])
@pytest.mark.some(1)
def test_nor_is_it_on_a_processor_that_can_do_less(instructions: str, threads: str) -> None:
    """oneDNN is kept to older instructions; what torch says of the processor is set to the same."""
    program = (
        "import torch\n"
        "from tests.studio.estimator.test_passing import products_told_too_low\n"
        f"if {instructions!r} != 'DEFAULT': torch.cpu._is_amx_tile_supported = lambda: False\n"
        f"if {instructions!r} == 'AVX512_CORE': torch.cpu._is_avx512_bf16_supported = lambda: False\n"
        "print('too low:', products_told_too_low())"
    )
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": instructions, "OMP_NUM_THREADS": threads}

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "too low: []"
