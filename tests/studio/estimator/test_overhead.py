"""Overhead: on a processor the program and the holes in its heap, on a GPU a range that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from studio.devices import Device
from studio.estimator.blueprint import Plan
from studio.estimator.live import PARTS, Peak
from studio.estimator.overhead import (
    HEAP_SHARE,
    LARGE_BYTES,
    MADE_SHARE,
    WARM_PROCESS_BYTES,
    Passing,
    overhead,
)
from studio.models.architecture import Architecture
from studio.spec import TrainSpec
from studio.training.loading import Numbers

PROCESSOR = Device("cpu:0", "cpu", 16 * 10**9, 16 * 10**9, "processor")
GPU = Device("cuda:0", "cuda", 16 * 10**9, 16 * 10**9, "a GPU")
STARTER = Architecture("llama", 30, 576, 9, 3, 1536, 49_152, tied=True, max_length=8192)
NUMBERS = Numbers("fp32", torch.float32, None, "cpu")
IDLE, PLACES = 400_000_000, 360


def plan(**training: Any) -> Plan:
    return Plan.of(TrainSpec.parse(training), NUMBERS)


def peak(activations: int) -> Peak:
    parts = dict.fromkeys(PARTS, 0) | {"activations": activations, "weights": 500_000_000}
    return Peak(sum(parts.values()), "backward", parts)


def test_of_what_is_there_at_the_peak_and_what_was_made_anew_a_share_stays_as_holes() -> None:
    whole = Passing.of(STARTER, plan(), PLACES)
    anew = Passing.of(STARTER, plan(training={"gradient_checkpointing": True}), PLACES)
    kept, made_anew = peak(600_000_000), peak(70_000_000)

    assert whole == Passing()
    assert 400_000_000 < anew.recomputed < 800_000_000
    for passing, at in ((whole, kept), (anew, made_anew)):
        found = overhead(PROCESSOR, at, IDLE, passing)
        holes = int(HEAP_SHARE * (at.parts["activations"] + passing.recomputed))
        assert found.bytes == IDLE + WARM_PROCESS_BYTES + holes
        assert found.less_bytes == found.more_bytes == holes


def test_a_quantised_layers_weights_leave_holes_unless_they_are_large() -> None:
    small = Passing.of(STARTER, plan(method="qlora"), PLACES)
    large = Passing.of(replace(STARTER, hidden=4096, intermediate=14_336), plan(method="qlora"), 1)

    assert LARGE_BYTES < 4 * 4096 * 14_336
    assert (large.made, small.recomputed) == (0, 0)
    # 106 million numbers in linear layers, by the configuration's shape a little more.
    assert 425_000_000 < small.made < 500_000_000
    bare = overhead(PROCESSOR, peak(0), IDLE, Passing()).bytes
    assert overhead(PROCESSOR, peak(0), IDLE, small).bytes - bare == int(MADE_SHARE * small.made)


def test_on_a_gpu_neither_counts() -> None:
    found = overhead(GPU, peak(10**9), IDLE, Passing(10**9, 10**9))

    assert found == overhead(GPU, peak(10**9), None, Passing())
