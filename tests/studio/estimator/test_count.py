"""Counts without weights equal those of the model that is really built."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from studio.errors import AskedWrongly
from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.count import count
from studio.methods import METHODS
from studio.spec import MethodChoice, TrainSpec
from studio.training import adapters
from studio.training.adapters import Counts
from tests.studio.estimator.configurations import CONFIGURATIONS, NOT_CAUSAL, make_folder


def choice(method: Any) -> MethodChoice:
    """The method of a spec."""
    return TrainSpec.parse({"method": method}).method


ARCHITECTURES = sorted(set(CONFIGURATIONS) - NOT_CAUSAL)
PAIRS = [(name, method) for name in ARCHITECTURES for method in sorted(METHODS)]
# Each method and each architecture comes up; which with which, the seed says.
SAMPLE = [
    (ARCHITECTURES[place % len(ARCHITECTURES)], method)
    for place, method in enumerate(random.Random(0).sample(sorted(METHODS), len(METHODS)))
]


def pairs() -> list[Any]:
    """All pairs, those outside the sample marked as long."""
    return [pytest.param(*pair, marks=() if pair in SAMPLE else pytest.mark.long) for pair in PAIRS]


@pytest.mark.parametrize(("name", "method"), pairs())
def test_counts_are_those_of_the_real_model(name: str, method: str, tmp_path: Path) -> None:
    folder = make_folder(name, tmp_path)
    real = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))

    expected = counted_or_refused(lambda: adapters.attach(real, choice(method), seed=0))

    assert counted_or_refused(lambda: blueprint(folder, plan(method)).model) == expected


def counted_or_refused(attached: Callable[[], nn.Module]) -> Counts | str:
    """The counts of a model with its method, or the words of the refusal."""
    try:
        return adapters.count(attached())
    except AskedWrongly as refusal:
        return refusal.words


def plan(method: str) -> Plan:
    """A plan in single precision."""
    return Plan(choice(method), torch.float32, "auto", checkpoints_activations=False)


def test_lora_adds_rank_times_both_widths_of_each_layer(tmp_path: Path) -> None:
    """Three layers of width 64 with 4 heads and 2 of keys, inner width 160, rank 2."""
    folder = make_folder("llama", tmp_path)
    shapes = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 160), (64, 160), (160, 64)]

    counts = count(folder, choice({"name": "lora", "rank": 2}))

    assert counts.trainable == 3 * sum(2 * (wide + high) for wide, high in shapes)


def test_tied_weights_count_once(tmp_path: Path) -> None:
    apart = count(make_folder("llama", tmp_path / "apart"), choice("full"))
    tied = count(make_folder("llama, tied", tmp_path / "tied"), choice("full"))

    assert apart.total - tied.total == 512 * 64
