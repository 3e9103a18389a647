"""The group of ranks: which part of the work is whose, and how their sums become one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
import torch.distributed as dist
from torch import Tensor, nn

from studio.errors import StudioError

Row = TypeVar("Row")
Value = TypeVar("Value")

# Gradients travel in pieces of this size: large enough to be worth a message, small beside a model.
_BUCKET_BYTES = 2**25


@dataclass(frozen=True)
class Ranks:
    """This process's number among `count` that train together; alone it is 0 of 1.

    Every method that speaks to the others has to be called by all of them, in the same order.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes files and speaks to people."""
        return self.rank == 0

    def require(self, wanted: int) -> None:
        """Raises StudioError unless so many processes train together, each of which answers."""
        found = self.count
        if found == wanted and found > 1:
            found = int(self.sums(1.0)[0]) if dist.is_initialized() else 1
        if found != wanted:
            raise StudioError(
                f"{wanted} processes were to train together (training.processes), but {found} "
                f"{'does' if found == 1 else 'do'}: their gradients would not be those that were asked "
                "for. Try again; if it happens again, set training.processes to 1.",
                code="world_size",
            )

    def share(self, rows: Sequence[Row]) -> Sequence[Row]:
        """This rank's part of `rows`: equal parts behind one another, none where rows are few."""
        begin, end = (len(rows) * at // self.count for at in (self.rank, self.rank + 1))
        return rows[begin:end]

    def sums(self, *numbers: float) -> list[float]:
        """Each number summed over all ranks."""
        return self.sum(torch.tensor(numbers, dtype=torch.float64)).tolist()

    def sum(self, values: Tensor) -> Tensor:
        """A tensor on the CPU summed over all ranks."""
        if self.count == 1:
            return values
        total = values.clone()
        dist.all_reduce(total)
        return total

    def most(self, number: int) -> int:
        """The largest of the ranks' numbers."""
        return max(self.gather(number))

    def gather(self, value: Value) -> list[Value]:
        """Every rank's value, in their order."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def first_says(self, value: Value) -> Value:
        """The first rank's value: what depends on a clock, a disk or a person is decided once."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Let each gradient be the sum over all ranks; what none of them has stays None."""
        if self.count == 1:
            return
        known = list(parameters)
        there = torch.tensor([value.grad is not None for value in known], dtype=torch.float64)
        for value, found in zip(known, self.sum(there).tolist(), strict=True):
            if found and value.grad is None:
                value.grad = torch.zeros_like(value)
        for bucket in _buckets([value.grad for value in known if value.grad is not None]):
            together = torch.cat([gradient.flatten() for gradient in bucket])
            dist.all_reduce(together)
            sizes = [gradient.numel() for gradient in bucket]
            for gradient, part in zip(bucket, together.split(sizes), strict=True):
                gradient.copy_(part.view_as(gradient))

    def refuse_strays(self, parameters: Iterable[tuple[str, Tensor]]) -> None:
        """Raises StudioError where a replica's numbers are not, bit for bit, those of the first."""
        if self.count == 1:
            return
        mine = {name: _fingerprint(value) for name, value in parameters}
        for rank, other in enumerate(self.gather(mine)):
            strays = [name for name in mine if other.get(name) != mine[name]]
            if strays or other.keys() != mine.keys():
                raise StudioError(
                    f"The weights of process {rank + 1} of {self.count} are not those of the others any "
                    f"more ({next(iter(strays), 'other weights train there')}), so the result could not be "
                    "trusted. Try again: it goes on from its last checkpoint. If it happens again, set "
                    "training.processes to 1.",
                    code="strayed",
                )


ALONE = Ranks()
"""One process that trains by itself."""


@contextmanager
def joined(rank: int, count: int, device: torch.device, meeting: Path) -> Iterator[Ranks]:
    """This process as one of `count` on this machine; they find each other by the file `meeting`.

    No port is opened to other machines. GPUs speak by NCCL, all else by gloo.
    """
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, _loopback())
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(
        backend, init_method=meeting.absolute().as_uri(), rank=rank, world_size=count
    )
    yield Ranks(dist.get_rank(), dist.get_world_size())
    # Not after an error: the others may never come to say goodbye.
    dist.destroy_process_group()


def launched() -> tuple[int, int]:
    """This process's number and how many there are, as torchrun says it; 0 of 1 without torchrun."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def _loopback() -> str:
    """The network interface that no other machine sees."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return str(name)
    return "lo"


def _buckets(gradients: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Gradients of one kind in pieces, in their order."""
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        if bucket and (size > _BUCKET_BYTES or gradient.dtype is not bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(gradient)
        size += gradient.numel() * gradient.element_size()
    if bucket:
        yield bucket


def _fingerprint(value: Tensor) -> int:
    """A number that a single changed bit changes."""
    return int(torch.hash_tensor(value.detach()).item())
