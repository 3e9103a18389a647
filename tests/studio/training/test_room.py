"""Disk space, looked at before it is short."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from studio.training.room import (
    DISK_ERRORS,
    SPARE_BYTES,
    DiskRoom,
    is_full_disk,
    shortage_words,
)
from tests.disks import fill, mounted


def test_a_run_needs_its_next_checkpoint_and_its_result_and_some_to_spare(tmp_path: Path) -> None:
    room = DiskRoom(tmp_path / "not there yet", nn.Linear(10, 10, bias=False))

    assert room.needs_bytes == 4 * 400 + SPARE_BYTES
    assert room.is_short(SPARE_BYTES)
    assert not room.is_short(SPARE_BYTES + 1600)


def test_the_disk_is_looked_at_now_and_then_only(tmp_path: Path) -> None:
    room = DiskRoom(tmp_path, nn.Linear(2, 2))
    room.needs_bytes = 10**18

    assert "Make some room, then resume it" in str(room.shortage())
    assert room.shortage() is None


def test_a_full_disk_is_known_however_it_is_told(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as disk:
        fill(disk)
        for write in (
            lambda: (disk / "a").write_bytes(b"0" * 4096),
            lambda: save_file({"a": torch.zeros(4096)}, disk / "b"),
        ):
            with pytest.raises(DISK_ERRORS) as caught:
                write()
            assert is_full_disk(caught.value)
    assert not is_full_disk(FileNotFoundError(2, "no such file"))


def test_the_words_say_what_was_found_and_what_is_needed(tmp_path: Path) -> None:
    words = shortage_words(tmp_path, 12_000_000, 90_000_000)

    assert "12 MB are free" in words
    assert "needs 90 MB" in words
