"""What a run writes, told without values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from studio.estimator.blueprint import Plan
from studio.estimator.deep import DeepModel
from studio.estimator.files import written
from studio.spec import TrainSpec
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import make_folder

FP32 = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)


def spec(**values: Any) -> TrainSpec:
    """A checked spec."""
    return TrainSpec.parse(values)


def test_a_checkpoint_holds_the_weights_and_adamw_s_two_numbers_each(tmp_path: Path) -> None:
    model = DeepModel.of(make_folder("llama", tmp_path), Plan.of(spec(method="full"), FP32))
    counts, tensors = model.counts(), len(list(model.whole_blueprint().model.parameters()))

    files = model.written(spec(method="full"))

    # Names and shapes stand beside the values; AdamW counts its steps for each tensor.
    assert 0 < files.weights - 4 * counts.trainable < 200 * tensors
    assert 0 < files.optimizer - 8 * counts.trainable < 400 * tensors
    assert files.method == 0
    assert files.result == files.weights


def test_an_optimizer_of_8_bits_writes_a_byte_for_each_of_its_two_numbers(tmp_path: Path) -> None:
    asked = spec(method="full", training={"optimizer": "adamw_8bit"})
    model = DeepModel.of(make_folder("llama", tmp_path), Plan.of(asked, FP32))
    weights = [weight.numel() for weight in model.whole_blueprint().model.parameters()]
    # Tensors of fewer numbers keep 32 bits; a scale of 4 bytes stands for 256 numbers.
    large = sum(count for count in weights if count >= 4096)
    small = sum(weights) - large

    files = model.written(asked)

    assert large > small
    least = 2 * large + 8 * small + 2 * large // 256 * 4
    assert 0 < files.optimizer - least < 2000 * len(weights)


def test_what_a_method_keeps_beside_its_weights_is_a_part_of_its_checkpoints(
    tmp_path: Path,
) -> None:
    model = DeepModel.of(make_folder("llama", tmp_path), Plan.of(spec(method="adalora"), FP32))

    files = model.written(spec(method="adalora"))

    assert files.method > 3 * 4 * model.counts().trainable
    assert files.result < files.weights


def test_what_is_written_of_a_deep_model_is_told_by_a_few_layers(tmp_path: Path) -> None:
    model = DeepModel.of(make_folder("llama", tmp_path, 12), Plan.of(spec(), FP32))

    told, whole = model.written(spec()), written(model.whole_blueprint(), spec())

    assert model.depth is not None
    assert abs(told.checkpoint - whole.checkpoint) <= 0.001 * whole.checkpoint
