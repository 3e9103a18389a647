"""Loading: safetensors only, and a precision that suits the device."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from studio.errors import ModelProblem
from studio.training import loading

CPU = torch.device("cpu")


def test_auto_is_fp32_on_a_processor() -> None:
    numbers = loading.choose_numbers("auto", CPU, trains_weights=False)

    assert (numbers.name, numbers.weights, numbers.autocast) == ("fp32", torch.float32, None)


def test_weights_that_train_stay_fp32_while_a_frozen_base_is_held_in_bf16() -> None:
    assert loading.choose_numbers("bf16", CPU, trains_weights=True).weights is torch.float32
    assert loading.choose_numbers("bf16", CPU, trains_weights=False).weights is torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused_with_a_way_out() -> None:
    with pytest.raises(ModelProblem, match="Choose 'auto' or 'cpu'"):
        loading.choose_device("cuda")


def test_a_folder_without_a_tokenizer_is_said_to_be_so(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(tiny_model / name, tmp_path / name)

    with pytest.raises(ModelProblem, match=r"tokenizer\.json"):
        loading.load_tokenizer(tmp_path)


def test_pickle_weights_are_never_loaded(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_model / "config.json", tmp_path / "config.json")
    torch.save({}, tmp_path / "pytorch_model.bin")

    with pytest.raises(ModelProblem):
        loading.load_base(tmp_path, torch.float32)


def test_a_format_that_the_device_cannot_compute_in_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "computes_in", lambda dtype, device: False)

    with pytest.raises(ModelProblem, match="cannot compute in fp16"):
        loading.choose_numbers("fp16", torch.device("cpu"), trains_weights=False)
    assert loading.choose_numbers("auto", torch.device("cpu"), trains_weights=False).name == "fp32"
