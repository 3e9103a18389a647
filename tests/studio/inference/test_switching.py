"""Switching: runs of one base take turns in one loaded model, and each answers exactly as by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.inference import switching
from studio.inference.opened import open_run
from studio.inference.switching import Switching
from studio.settings import Home
from tests.studio.runs import train_run

IDS = torch.tensor([[4, 5, 6, 7]])
METHODS: list[Any] = [
    {"name": "lora", "rank": 4},
    {"name": "lora", "rank": 8, "targets": "attention"},
    {"name": "prompt_tuning", "virtual_tokens": 4},
    {"name": "prompt_tuning", "virtual_tokens": 6},
    "ia3",
    "houlsby",
    "llama_adapter",
    "bitfit",
    "full",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_csv: Path) -> Home:
    """A training of each kind, of one base, and one of another."""
    from tests import tiny

    folder = tmp_path_factory.mktemp("switching") / "home"
    for number, method in enumerate(METHODS, start=1):
        train_run(folder, number, tiny_model, rows_csv, method, max_steps=3)
    other = tiny.make_model(tmp_path_factory.mktemp("other") / "tiny", seed=5)
    return train_run(folder, 50, other, rows_csv, max_steps=3).home


def logits(opened: Any) -> tuple[Tensor, Tensor]:
    """With the adapter and without."""
    with torch.inference_mode():
        tuned = opened.model(IDS).logits
        with opened.base() as base:
            return tuned, base(IDS).logits


@pytest.mark.parametrize("most", [16, 1])
@pytest.mark.some(1)
def test_each_run_has_its_own_logits_exactly_and_the_base_is_loaded_once(
    home: Home, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switching, "MOST", most)
    one, switched = {}, Switching()
    for number in range(1, len(METHODS)):
        one[number] = logits(open_run(home.run(number)))

    for number in [1, 2, 3, 1, 4, 5, 6, 2, 7, 8, 1, 3, 4, 2]:
        found = logits(switched.open(home.run(number)))
        assert all(map(torch.equal, found, one[number])), METHODS[number - 1]
    assert switched.bases_loaded == 1


def test_another_base_and_a_whole_model_take_the_place_of_the_one_before(home: Home) -> None:
    switched = Switching()

    for number in (1, 50, len(METHODS), 1):
        expected = logits(open_run(home.run(number)))
        assert all(map(torch.equal, logits(switched.open(home.run(number))), expected))
    assert switched.bases_loaded == 3
