"""Counts without weights equal those of the model that is really built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from studio.errors import AskedWrongly
from studio.estimator.count import count
from studio.methods import METHODS
from studio.spec import MethodChoice, TrainSpec
from studio.training import adapters
from tests.studio.estimator.configurations import CONFIGURATIONS, NOT_CAUSAL, make_folder


def choice(method: Any) -> MethodChoice:
    """The method of a spec."""
    return TrainSpec.parse({"method": method}).method


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("name", sorted(set(CONFIGURATIONS) - NOT_CAUSAL))
def test_counts_are_those_of_the_real_model(name: str, method: str, tmp_path: Path) -> None:
    folder = make_folder(name, tmp_path)
    real = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))

    try:
        expected = adapters.count(adapters.attach(real, choice(method), seed=0))
    except AskedWrongly as error:
        with pytest.raises(AskedWrongly, match=re.escape(str(error))):
            count(folder, choice(method))
        return

    assert count(folder, choice(method)) == expected


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
