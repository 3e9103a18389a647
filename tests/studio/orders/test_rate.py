"""The rate that a queued training gets where none was given: by method and by size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studio.methods import METHODS
from studio.models.source import resolve
from studio.orders.rate import suited
from studio.settings import Home
from studio.spec import TrainSpec


@pytest.mark.parametrize(
    ("method", "parameters", "rate"),
    [
        ("lora", 135_000_000, 2e-4),
        ("lora", 13_000_000_000, 2e-4),
        ("lora", 70_000_000_000, 1e-4),
        # 2e-5 times the cube root of 7e9 / 135e6 = 3.73, of 7e9 / 1.7e9 = 1.60, and the two ends.
        ("full", 135_000_000, 7.5e-5),
        ("full", 1_700_000_000, 3.2e-5),
        ("full", 7_000_000_000, 2e-5),
        ("full", 70_000_000_000, 1e-5),
        ("full", 10_000, 8e-5),
    ],
)
def test_larger_models_take_smaller_steps(method: str, parameters: int, rate: float) -> None:
    assert METHODS[method].rate_for(parameters) == pytest.approx(rate)


def test_a_rate_left_out_is_filled_in_and_a_given_one_stays(
    tiny_model: Path, tmp_path: Path
) -> None:
    resolved = resolve(str(tiny_model), None, Home(tmp_path).prepare())
    open_rate = TrainSpec.parse({"method": "full"})
    given = TrainSpec.parse({"method": "full", "training": {"learning_rate": 2e-5}})

    assert suited(open_rate, resolved).training.learning_rate == 8e-5
    assert suited(given, resolved) == given
    # Once queued it is written out, and stays what it was.
    again = TrainSpec.parse(suited(open_rate, resolved).to_json())
    assert suited(again, resolved).training.learning_rate == 8e-5


def test_a_base_that_is_not_here_yet_gets_the_rate_for_a_middling_size(
    tiny_model: Path, tmp_path: Path
) -> None:
    resolved = resolve(str(tiny_model), None, Home(tmp_path).prepare())

    later = replace(resolved, folder=None, gguf=None)

    assert suited(TrainSpec.parse({"method": "full"}), later).training.learning_rate == 2e-5
