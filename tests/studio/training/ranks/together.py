"""Several processes that train together, without torchrun: forked from one that has torch loaded already."""

from __future__ import annotations

import multiprocessing
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from studio.training.ranks import Ranks, joined

_PATIENCE_S = 300.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["studio.training.loop", "tests.studio.training.setups"])

Work = Callable[..., Any]
"""Module-level: `work(ranks, *given)`; what it gives must be picklable."""


def together(folder: Path, count: int, work: Work, *given: Any) -> list[Any]:
    """What `work` gave on each of `count` ranks."""
    place = folder / uuid.uuid4().hex
    place.mkdir(parents=True)
    members = [
        _context.Process(target=_member, args=(place, rank, count, work, given))
        for rank in range(count)
    ]
    for member in members:
        member.start()
    for member in members:
        member.join(_PATIENCE_S)
        member.kill()
    assert [member.exitcode for member in members] == [0] * count
    return [pickle.loads((place / str(rank)).read_bytes()) for rank in range(count)]  # noqa: S301 - ours


def _member(place: Path, rank: int, count: int, work: Work, given: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    with joined(rank, count, torch.device("cpu"), place / "store") as ranks:
        (place / str(rank)).write_bytes(pickle.dumps(work(ranks, *given)))
        # Nobody leaves while another still speaks.
        ranks.gather(None)


def alone(work: Work, *given: Any) -> Any:
    """What `work` gives in this process, alone."""
    return work(Ranks(), *given)
