"""Checkpoints: everything a run needs to go on exactly where it was, written whole and verified."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from jobs import durable
from studio.errors import StudioError
from studio.training.adapters import trainable
from studio.training.fitting import Fit
from studio.training.randomness import random_states, restore_random_states
from studio.training.ranks import ALONE, Ranks
from studio.training.room import DISK_ERRORS
from studio.training.scaling import Scaling
from studio.training.sharding import spread_like, whole
from studio.training.spikes import Spikes
from studio.training.stopping import HeldOut
from studio.training.tuners.tuner import State

HASHES = "hashes.json"
POSITION = "position.json"
# Only where the method keeps something beside its weights.
METHOD = "method.safetensors"
FILES = frozenset({"weights.safetensors", "optimizer.safetensors", "random.safetensors", POSITION})


@dataclass(frozen=True)
class Position:
    """Where a run stands: the optimizer steps done, figures that later steps add to, and what it learnt
    of the memory (`fit`, None before anything was)."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    fit: Fit | None = None
    spikes: Spikes = field(default_factory=Spikes)
    held_out: HeldOut = field(default_factory=HeldOut)
    scaling: Scaling | None = None

    @property
    def is_best(self) -> bool:
        """Whether the held-out loss was measured here, and never lower."""
        return self.step > 0 and self.held_out.best_step == self.step

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Position:
        """The position in a checkpoint's document; an earlier version's knew only the first figures."""
        fit, scaling = document.get("fit"), document.get("scaling")
        spikes = dict(document.get("spikes", {}))
        spikes["losses"] = tuple(spikes.get("losses", ()))
        figures = {name: document[name] for name in ("step", "tokens", "seconds")}
        return cls(
            **figures,
            fit=Fit(**fit) if fit else None,
            spikes=Spikes(**spikes),
            held_out=HeldOut(**document.get("held_out", {})),
            scaling=Scaling(**scaling) if scaling else None,
        )


def save(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: Position,
    *,
    method: State | None = None,
    keep: int,
    limit_bytes: int | None = None,
    spare_step: int | None = None,
    ranks: Ranks = ALONE,
) -> Path:
    """Write a checkpoint below `folder`, then remove all but the newest `keep`. Gives its path.

    Of those kept, the oldest go where all together take more than `limit_bytes`; the newest stays, and
    so does the one after `spare_step`, the best so far.
    Holds the trained weights, the optimizer's state, what the `method` must keep beside them, all random
    states and the position; each file's hash is kept, so that a damaged checkpoint is found when it is
    wanted. No pickle. The first of the `ranks` writes it, whole whatever each of them holds; all have to
    call this.
    """
    path = _path(folder, position.step)
    if ranks.first_says(path.exists()):
        return path
    if position.fit is not None:
        fit = functools.reduce(Fit.at_most, ranks.gather(position.fit))
        position = replace(position, fit=fit)
    content = _Content(
        {name: _whole_on_cpu(value) for name, value in trainable(model)},
        *_optimizer_state(optimizer),
        _by_rank(ranks.gather(random_states())),
        method or State(),
        position,
    )
    failure: Exception | None = None
    if ranks.is_first:
        try:
            content.write(path)
            _prune(folder, keep, limit_bytes, spare_step)
        except DISK_ERRORS as error:
            failure = error
    failure = ranks.first_says(failure)
    if failure is not None:
        raise failure
    return path


@dataclass(frozen=True)
class _Content:
    """What a checkpoint holds, all of it on the CPU."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    plain: dict[str, Any]
    random: dict[str, Tensor]
    method: State
    position: Position

    def write(self, path: Path) -> None:
        with durable.new_folder(path) as new:
            safetensors.torch.save_file(self.weights, new / "weights.safetensors")
            safetensors.torch.save_file(self.optimizer, new / "optimizer.safetensors")
            safetensors.torch.save_file(self.random, new / "random.safetensors")
            if self.method.tensors:
                held = {
                    name: _whole_on_cpu(each).clone() for name, each in self.method.tensors.items()
                }
                safetensors.torch.save_file(held, new / METHOD)
            values = {"method": self.method.values} if self.method.values else {}
            durable.write_json(new / POSITION, {**asdict(self.position), **self.plain, **values})
            hashes = {file.name: _sha256(file) for file in new.iterdir()}
            durable.write_json(new / HASHES, hashes)


@dataclass(frozen=True)
class Saved:
    """An undamaged checkpoint. It may have been written by more or fewer ranks than go on with it, as
    long as a step takes the same rows."""

    path: Path
    ranks: Ranks = ALONE

    @property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.path / POSITION).read_text(encoding="utf-8"))
        return document

    def method_state(self) -> State:
        """What the method kept beside its weights."""
        file = self.path / METHOD
        tensors = safetensors.torch.load_file(file) if file.is_file() else {}
        return State(tensors, self._document.get("method", {}))

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> Position:
        """Put weights, optimizer and random states back; gives the position."""
        document = self._document
        _restore_weights(self.path, model)
        _restore_optimizer(optimizer, self.path, document)
        states = safetensors.torch.load_file(self.path / "random.safetensors")
        own = _of_rank(states, self.ranks.rank)
        if own:
            restore_random_states(own)
        return Position.read(document)


def newest(folder: Path, ranks: Ranks = ALONE) -> Saved | None:
    """The newest undamaged checkpoint below `folder`; None when there is nothing to go on from.

    Damaged ones are set aside under a name that says so, by the first of the `ranks`.
    """
    path = ranks.first_says(_newest(folder) if ranks.is_first else None)
    return None if path is None else Saved(path, ranks)


def _newest(folder: Path) -> Path | None:
    for unfinished in folder.glob(".step-*.partial"):
        shutil.rmtree(unfinished, ignore_errors=True)
    for path in reversed(_paths(folder)):
        if _is_whole(path):
            return path
        path.rename(path.with_name(f"damaged-{path.name}"))
    return None


def restore(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Position | None:
    """Put the newest undamaged checkpoint below `folder` into `model` and `optimizer`, if there is one."""
    saved = newest(folder)
    return None if saved is None else saved.restore(model, optimizer)


def restore_weights(folder: Path, step: int, model: nn.Module) -> None:
    """Put the weights of the checkpoint after `step` into `model`, and nothing else.

    Raises StudioError when that checkpoint is gone or damaged.
    """
    path = _path(folder, step)
    if not _is_whole(path):
        raise StudioError(
            f"The best state of this run, after step {step}, cannot be read any more ({path}). "
            "Start the training anew.",
            code="checkpoint",
        )
    _restore_weights(path, model)


def _restore_weights(path: Path, model: nn.Module) -> None:
    weights = safetensors.torch.load_file(path / "weights.safetensors")
    with torch.no_grad():
        for name, value in trainable(model):
            value.copy_(spread_like(weights[name], value))


def _by_rank(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The first rank's states under their own names, the others' as `rank1.cpu`."""
    return {
        f"rank{rank}.{name}" if rank else name: state
        for rank, own in enumerate(states)
        for name, state in own.items()
    }


def _of_rank(states: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """One rank's states; none where the checkpoint was written by fewer."""
    before = f"rank{rank}." if rank else ""
    return {
        name.removeprefix(before): state
        for name, state in states.items()
        if (name.startswith(before) if rank else not name.startswith("rank"))
    }


def _whole_on_cpu(value: Tensor) -> Tensor:
    return whole(value.detach()).contiguous().cpu()


def _prune(folder: Path, keep: int, limit_bytes: int | None, spare_step: int | None) -> None:
    """Remove what is too old, takes too much room, or was found damaged: a whole newer one stands."""
    kept = _paths(folder)[-keep:]
    while limit_bytes is not None and len(kept) > 1 and sum(map(_bytes, kept)) > limit_bytes:
        kept = kept[1:]
    if spare_step is not None:
        kept.append(_path(folder, spare_step))
    for old in (*_paths(folder), *folder.glob("damaged-*")):
        if old not in kept:
            shutil.rmtree(old, ignore_errors=True)


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())


def _path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}"


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"))


def _is_whole(path: Path) -> bool:
    try:
        hashes = json.loads((path / HASHES).read_text(encoding="utf-8"))
        return hashes.keys() >= FILES and all(
            _sha256(path / name) == wanted for name, wanted in hashes.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state as tensors named `parameter.key`, and what of it and of the groups is plain values."""
    document = optimizer.state_dict()
    state = dict(named(document["state"]))
    # Copies: 8-bit optimizers share one table among all parameters, which a file may not.
    tensors = {
        name: whole(value.detach()).cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
        if isinstance(value, Tensor)
    }
    numbers = {name: value for name, value in state.items() if isinstance(value, int | float)}
    return tensors, {"groups": document["param_groups"], "optimizer": numbers}


def named(values: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted names; bitsandbytes wraps what it keeps in 8 bits in a mapping of its own."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from named(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, path: Path, document: Mapping[str, Any]
) -> None:
    state: dict[int, dict[str, Any]] = {}
    tensors = safetensors.torch.load_file(path / "optimizer.safetensors")
    for name, value in {**tensors, **document.get("optimizer", {})}.items():
        parameter, *outer, key = name.split(".")
        place = state.setdefault(int(parameter), {})
        for part in outer:
            place = place.setdefault(part, {})
        place[key] = value
    known = [value for group in optimizer.param_groups for value in group["params"]]
    for number, values in state.items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                values[name] = spread_like(value, known[number])
    optimizer.load_state_dict({"state": state, "param_groups": document["groups"]})
