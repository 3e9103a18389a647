"""Verification catches what can go wrong with an export: each sabotage must fail, an honest one pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from studio.exporters import EXPORTERS
from studio.formats import FORMATS
from studio.inference.opened import open_run, trained_folder
from studio.settings import Home
from studio.verification.bounds import Verdict
from studio.verification.comparison import compare
from studio.verification.fresh import verify
from studio.verification.reference import choose_rows, write_reference

CASES = [
    ("adapter", {}),
    ("merged", {}),
    ("merged", {"dtype": "bf16"}),
    ("merged", {"dtype": "fp16"}),
]


@pytest.fixture(scope="module")
def reference(trained_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What run 1 and its base answer."""
    folder = tmp_path_factory.mktemp("reference")
    write_reference(open_run(trained_home.run(1)), choose_rows([], []), folder)
    return folder


def export(home: Home, name: str, folder: Path, **settings: object) -> Path:
    """An honest export of run 1."""
    run = home.run(1)
    folder.mkdir()
    chosen = FORMATS[name].settings.model_validate(settings)
    EXPORTERS[name](open_run(run), trained_folder(run), chosen, folder)
    return folder


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


def test_the_fresh_process_gives_the_same_verdict(
    trained_home: Home, tiny_model: Path, reference: Path, tmp_path: Path
) -> None:
    out = export(trained_home, "merged", tmp_path / "out")

    verdict = verify(out, tiny_model, "float32", reference)

    assert verdict == compare(out, tiny_model, "float32", reference)
    assert verdict == Verdict.from_json(json.loads((reference / "verdict.json").read_text()))


def test_a_fresh_process_that_dies_verifies_nothing(tmp_path: Path, reference: Path) -> None:
    verdict = verify(tmp_path / "out", tmp_path, "float32", tmp_path / "no reference here")

    assert not verdict.verified
    assert "could not be checked" in verdict.words
