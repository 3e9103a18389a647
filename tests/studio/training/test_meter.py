"""What a training uses of its device."""

from __future__ import annotations

import time

import torch

from studio.training.meter import Meter


def test_a_busy_process_shows_its_memory_and_its_share_of_the_cores() -> None:
    meter = Meter(torch.device("cpu"))
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends:
        sum(range(1000))

    reading = meter.read()

    assert reading["memory_bytes"] > 10**7
    assert 0 < reading["device_percent"] <= 100
