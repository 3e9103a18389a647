"""Verification catches what can go wrong with an export: each sabotage must fail, an honest one pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from studio.settings import Home
from studio.verification.comparison import compare
from tests.studio.verification.exports import export

CASES = [
    ("adapter", {}),
    ("merged", {}),
    ("merged", {"dtype": "bf16"}),
    ("merged", {"dtype": "fp16"}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_an_honest_export_is_verified(
    trained_home: Home,
    tiny_model: Path,
    reference: Path,
    tmp_path: Path,
    name: str,
    settings: dict[str, str],
) -> None:
    verdict = compare(
        export(trained_home, name, tmp_path / "out", **settings), tiny_model, "float32", reference
    )

    assert verdict.verified, verdict.words
    assert verdict.difference is not None
    assert (verdict.difference.to_base or 0) >= 10


def flip_a_tensor(folder: Path, base: Path) -> None:
    """One layer's weights with the wrong sign."""
    for file in folder.glob("*.safetensors"):
        tensors = safetensors.torch.load_file(file)
        for name in tensors:
            # Of an adapter only one matrix: with both signs turned the product is the same.
            if "v_proj" in name and "layers.1" in name and "lora_A" not in name:
                tensors[name] = -tensors[name]
        safetensors.torch.save_file(tensors, file, {"format": "pt"})


def drop_a_shard(folder: Path, base: Path) -> None:
    """A file that did not arrive."""
    max(folder.glob("*.safetensors")).unlink()


def put_the_base_in_place(folder: Path, base: Path) -> None:
    """The merge that never happened: the base model under the export's name."""
    for file in folder.glob("model*"):
        file.unlink()
    shutil.copy(base / "model.safetensors", folder / "model.safetensors")


def use_a_wrong_template(folder: Path, base: Path) -> None:
    """A tokenizer whose template marks turns differently."""
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|im_start|>", "### "))


def give_nan(folder: Path, base: Path) -> None:
    """Weights that are no numbers."""
    for file in folder.glob("*.safetensors"):
        tensors = safetensors.torch.load_file(file)
        tensors = {name: torch.full_like(value, float("nan")) for name, value in tensors.items()}
        safetensors.torch.save_file(tensors, file, {"format": "pt"})


SABOTAGES = [flip_a_tensor, drop_a_shard, put_the_base_in_place, use_a_wrong_template, give_nan]


@pytest.mark.parametrize("sabotage", SABOTAGES)
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_sabotaged_merge_fails(
    trained_home: Home,
    tiny_model: Path,
    reference: Path,
    tmp_path: Path,
    sabotage: Callable[[Path, Path], None],
    dtype: str,
) -> None:
    out = export(trained_home, "merged", tmp_path / "out", dtype=dtype, shard_gigabytes=0.00006)
    sabotage(out, tiny_model)

    verdict = compare(out, tiny_model, "float32", reference)

    assert not verdict.verified
    assert verdict.words


@pytest.mark.parametrize("sabotage", [flip_a_tensor, drop_a_shard, use_a_wrong_template, give_nan])
def test_a_sabotaged_adapter_fails(
    trained_home: Home,
    tiny_model: Path,
    reference: Path,
    tmp_path: Path,
    sabotage: Callable[[Path, Path], None],
) -> None:
    out = export(trained_home, "adapter", tmp_path / "out")
    sabotage(out, tiny_model)

    assert not compare(out, tiny_model, "float32", reference).verified


def test_an_adapter_of_zeros_is_said_to_be_the_base_model(
    trained_home: Home, tiny_model: Path, reference: Path, tmp_path: Path
) -> None:
    out = export(trained_home, "adapter", tmp_path / "out")
    file = out / "adapter_model.safetensors"
    tensors = safetensors.torch.load_file(file)
    zeros = {name: torch.zeros_like(value) for name, value in tensors.items()}
    safetensors.torch.save_file(zeros, file, {"format": "pt"})

    verdict = compare(out, tiny_model, "float32", reference)

    assert not verdict.verified
    assert "base model lies nearer" in verdict.words
