"""Checkpoints: whole or not at all, and a damaged one is found out."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.training import checkpoints, optimizers
from studio.training.adapters import trainable
from studio.training.checkpoints import Position
from studio.training.fitting import Fit
from tests.studio.training.setups import setup


def saved(
    model: Path, folder: Path, steps: list[int], keep: int = 5, limit_bytes: int | None = None
) -> list[Path]:
    """Checkpoints at steps, the trained weights filled with each step's number."""
    ready = setup(model, folder)
    optimizer = optimizers.build(ready.model, ready.spec)
    paths = []
    for step in steps:
        with torch.no_grad():
            for _, value in trainable(ready.model):
                value.fill_(step)
        position = Position(step, tokens=step * 10)
        paths.append(
            checkpoints.save(
                folder, ready.model, optimizer, position, keep=keep, limit_bytes=limit_bytes
            )
        )
    return paths


def restored(model: Path, folder: Path) -> tuple[Position | None, float]:
    """Where a fresh run would go on, and the weights' value there."""
    ready = setup(model, folder)
    optimizer = optimizers.build(ready.model, ready.spec)
    position = checkpoints.restore(folder, ready.model, optimizer)
    return position, float(next(trainable(ready.model))[1].detach().flatten()[0])


def test_the_newest_is_gone_on_from_and_old_ones_are_removed(
    tiny_model: Path, tmp_path: Path
) -> None:
    saved(tiny_model, tmp_path, [1, 2, 3], keep=2)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]
    assert restored(tiny_model, tmp_path) == (Position(3, tokens=30), 3.0)


def test_a_damaged_one_is_set_aside_and_the_one_before_is_used(
    tiny_model: Path, tmp_path: Path
) -> None:
    newest = saved(tiny_model, tmp_path, [1, 2])[-1]
    weights = newest / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert restored(tiny_model, tmp_path) == (Position(1, tokens=10), 1.0)
    assert (tmp_path / "damaged-step-00000002").is_dir()


def test_a_half_written_one_is_no_checkpoint_and_is_cleared_away(
    tiny_model: Path, tmp_path: Path
) -> None:
    newest = saved(tiny_model, tmp_path, [1, 2])[-1]
    newest.rename(tmp_path / ".step-00000002.abc.partial")

    assert restored(tiny_model, tmp_path)[0] == Position(1, tokens=10)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_one_without_a_file_it_must_have_is_damaged(tiny_model: Path, tmp_path: Path) -> None:
    newest = saved(tiny_model, tmp_path, [1, 2])[-1]
    (newest / "hashes.json").write_text("{}")

    assert restored(tiny_model, tmp_path)[0] == Position(1, tokens=10)


def test_all_together_take_no_more_disk_than_allowed_but_the_newest_stays(
    tiny_model: Path, tmp_path: Path
) -> None:
    first, _ = saved(tiny_model, tmp_path, [1, 2])
    one = sum(file.stat().st_size for file in first.iterdir())

    saved(tiny_model, tmp_path, [3], limit_bytes=2 * one + 2_000)
    two = sorted(path.name for path in tmp_path.iterdir())
    saved(tiny_model, tmp_path, [4], limit_bytes=1)

    assert two == ["step-00000002", "step-00000003"]
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_a_damaged_one_goes_once_a_newer_one_stands(tiny_model: Path, tmp_path: Path) -> None:
    newest = saved(tiny_model, tmp_path, [1, 2])[-1]
    (newest / "weights.safetensors").unlink()
    restored(tiny_model, tmp_path)
    saved(tiny_model, tmp_path, [3])

    assert not list(tmp_path.glob("damaged-*"))


def test_what_was_learnt_of_the_memory_is_kept_with_the_place(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path)
    optimizer = optimizers.build(ready.model, ready.spec)
    position = Position(1, 10, 0.5, Fit(2, recomputes=True))
    checkpoints.save(tmp_path, ready.model, optimizer, position, keep=1)

    assert checkpoints.restore(tmp_path, ready.model, optimizer) == position


def test_without_any_a_run_begins_at_the_start(tiny_model: Path, tmp_path: Path) -> None:
    assert restored(tiny_model, tmp_path / "none")[0] is None


def test_no_checkpoint_holds_a_pickle(tiny_model: Path, tmp_path: Path) -> None:
    (path,) = saved(tiny_model, tmp_path, [1])

    assert {file.suffix for file in path.iterdir()} == {".safetensors", ".json"}
