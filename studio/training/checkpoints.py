"""Checkpoints: everything a run needs to go on exactly where it was, written whole and verified."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from jobs import durable
from studio.training.adapters import trainable

HASHES = "hashes.json"


@dataclass(frozen=True)
class Position:
    """Where a run stands: the optimizer steps done, and figures that later steps add to."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def save(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    *,
    keep: int,
) -> Path:
    """Write a checkpoint below `folder`, then remove all but the newest `keep`. Gives its path.

    Holds the trained weights, the optimizer's state, all random states and the position; each file's
    hash is kept, so that a damaged checkpoint is found when it is wanted. No pickle.
    """
    path = folder / f"step-{position.step:08d}"
    durable.clear_leftovers(path)
    if path.exists():
        return path
    with durable.new_folder(path) as new:
        weights = {name: value.detach().contiguous().cpu() for name, value in trainable(model)}
        safetensors.torch.save_file(weights, new / "weights.safetensors")
        state, groups = _optimizer_state(optimizer)
        safetensors.torch.save_file(state, new / "optimizer.safetensors")
        safetensors.torch.save_file(_random_states(), new / "random.safetensors")
        document = {
            "step": position.step,
            "tokens": position.tokens,
            "seconds": position.seconds,
            "groups": groups,
        }
        durable.write_json(new / "position.json", document)
        durable.write_json(new / HASHES, {file.name: _sha256(file) for file in new.iterdir()})
    for old in _paths(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def restore(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Position | None:
    """Put the newest undamaged checkpoint below `folder` into `model` and `optimizer`.

    Damaged ones are set aside under a name that says so. None when there is nothing to go on from.
    """
    for path in reversed(_paths(folder)):
        if not _is_whole(path):
            path.rename(path.with_name(f"damaged-{path.name}"))
            continue
        document = json.loads((path / "position.json").read_text(encoding="utf-8"))
        weights = safetensors.torch.load_file(path / "weights.safetensors")
        with torch.no_grad():
            for name, value in trainable(model):
                value.copy_(weights[name])
        _restore_optimizer(optimizer, path, document["groups"])
        _restore_random_states(safetensors.torch.load_file(path / "random.safetensors"))
        return Position(document["step"], document["tokens"], document["seconds"])
    return None


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))


def _is_whole(path: Path) -> bool:
    try:
        hashes = json.loads((path / HASHES).read_text(encoding="utf-8"))
        return all(_sha256(path / name) == wanted for name, wanted in hashes.items())
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], list[Any]]:
    """The state as tensors named `parameter.key`, and the groups' plain values."""
    document = optimizer.state_dict()
    tensors = {
        f"{parameter}.{key}": value.detach().contiguous().cpu()
        for parameter, entry in document["state"].items()
        for key, value in entry.items()
        if isinstance(value, Tensor)
    }
    return tensors, document["param_groups"]


def _restore_optimizer(optimizer: torch.optim.Optimizer, path: Path, groups: list[Any]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in safetensors.torch.load_file(path / "optimizer.safetensors").items():
        parameter, _, key = name.partition(".")
        state.setdefault(int(parameter), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _random_states() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {
            f"cuda:{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())
        }
    return states


def _restore_random_states(states: dict[str, Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            if f"cuda:{index}" in states:
                torch.cuda.set_rng_state(states[f"cuda:{index}"], index)
