"""Counts without weights equal those of the model that is really built."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoConfig

from studio.errors import AskedWrongly
from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.count import count
from studio.methods import METHODS
from studio.spec import TrainSpec
from studio.training import adapters, quantized
from studio.training.heads import Head
from tests.studio.estimator.configurations import CONFIGURATIONS, make_folder

# Deep enough that a few layers tell of all, in most architectures.
DEPTH = 8
# What is built there: a model that reads, one that reads and writes.
GOALS: dict[str, Any] = {
    "bert": {"name": "classification", "labels": ["a", "b", "c"]},
    "t5": "seq2seq",
}


def spec_of(method: Any, **sections: Any) -> TrainSpec:
    """A spec of this method."""
    return TrainSpec.parse({"method": method, **sections})


def counted(spec: TrainSpec, folder: Path) -> adapters.Counts:
    """The parameters of the model that is really built, with values."""
    head = Head.of(spec.objective)
    config = AutoConfig.from_pretrained(folder)
    config.update(head.config)
    real = quantized.hold(head.kind.builder.from_config(config), spec.model, torch.float32)
    return adapters.count(adapters.attach(real, spec.method, seed=0, head=head))


def outcome(found: Any) -> Any:
    """What a call gives, or in which words it refuses."""
    try:
        return found()
    except AskedWrongly as error:
        return str(error)


ARCHITECTURES = sorted(CONFIGURATIONS)
PAIRS = [(name, method) for name in ARCHITECTURES for method in sorted(METHODS)]
# Each method and each architecture comes up; which with which, the seed says.
SAMPLE = [
    (ARCHITECTURES[place % len(ARCHITECTURES)], method)
    for place, method in enumerate(random.Random(0).sample(sorted(METHODS), len(METHODS)))
]


@pytest.mark.parametrize(
    ("name", "method"),
    [pair if pair in SAMPLE else pytest.param(*pair, marks=pytest.mark.long) for pair in PAIRS],
)
@pytest.mark.some(20)
def test_counts_are_those_of_the_real_model(name: str, method: str, tmp_path: Path) -> None:
    folder = make_folder(name, tmp_path, DEPTH)
    spec = spec_of(method, objective=GOALS.get(name, "chat"))

    expected = outcome(lambda: counted(spec, folder))

    assert outcome(lambda: count(folder, spec)) == expected


@pytest.mark.parametrize(
    "method",
    [
        name if name in ("lora", "qlora") else pytest.param(name, marks=pytest.mark.long)
        for name, method in sorted(METHODS.items())
        if "nf4" in method.quantizations and method.family != "full"
    ],
)
@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_quantised_base_counts_as_many_numbers_as_it_stands_for(
    method: str, kind: Any, tmp_path: Path
) -> None:
    folder = make_folder("llama", tmp_path, DEPTH)
    spec = spec_of(method, model={"quantization": kind})

    expected = outcome(lambda: counted(spec, folder))

    assert outcome(lambda: count(folder, spec)) == expected
    assert isinstance(expected, str) or expected.total > counted(spec_of("full"), folder).total


def test_lora_adds_rank_times_both_widths_of_each_layer(tmp_path: Path) -> None:
    """Three layers of width 64 with 4 heads and 2 of keys, inner width 160, rank 2."""
    folder = make_folder("llama", tmp_path)
    shapes = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 160), (64, 160), (160, 64)]

    counts = count(folder, spec_of({"name": "lora", "rank": 2}))

    assert counts.trainable == 3 * sum(2 * (wide + high) for wide, high in shapes)


def test_tied_weights_count_once(tmp_path: Path) -> None:
    apart = count(make_folder("llama", tmp_path / "apart"), spec_of("full"))
    tied = count(make_folder("llama, tied", tmp_path / "tied"), spec_of("full"))

    assert apart.total - tied.total == 512 * 64


# Sizes as published; what the layers are made of is what decides, so no weights are needed.
LARGE: dict[str, tuple[str, dict[str, Any], int]] = {
    "405B": (
        "LlamaConfig",
        {
            "vocab_size": 128_256,
            "hidden_size": 16_384,
            "intermediate_size": 53_248,
            "num_hidden_layers": 126,
            "num_attention_heads": 128,
            "num_key_value_heads": 8,
        },
        405_853_388_800,
    ),
    "235B of experts": (
        "Qwen3MoeConfig",
        {
            "vocab_size": 151_936,
            "hidden_size": 4096,
            "intermediate_size": 12_288,
            "num_hidden_layers": 94,
            "num_attention_heads": 64,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "moe_intermediate_size": 1536,
        },
        235_093_634_560,
    ),
}


@pytest.mark.parametrize("method", [pytest.param("lora", marks=pytest.mark.long), "full"])
@pytest.mark.parametrize("size", sorted(LARGE))
def test_counts_at_full_size_are_those_of_the_whole_model_without_values(
    size: str, method: str, tmp_path: Path
) -> None:

    kind, values, parameters = LARGE[size]
    getattr(transformers, kind)(**values).save_pretrained(tmp_path)
    plan = Plan(spec_of(method).method, torch.float32, "auto")

    found = count(tmp_path, spec_of(method))

    if method == "full":
        assert found.total == found.trainable == parameters
    else:
        assert found == adapters.count(blueprint(tmp_path, plan).model)
        assert found.total - found.trainable == parameters
