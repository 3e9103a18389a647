"""Overhead: the memory that a training process takes beside its tensors."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from studio.devices import Device

# Resident memory of a process that has imported torch, transformers and peft and done nothing:
# 416 MB with torch 2.13 for the CPU on Linux. Used where the worker has not measured its own.
IDLE_PROCESS_BYTES = 416_000_000
# On a GPU nothing was measured by us. A CUDA context takes 0.3 to 0.6 GB and cuBLAS up to 32 MiB
# (as others report); the caching allocator rounds and fragments, usually by a few per cent.
CUDA_CONTEXT_BYTES = 500_000_000
CUDA_FRAGMENTATION_SHARE = 0.10


@dataclass(frozen=True)
class Overhead:
    """Bytes beside the tensors; `uncertain_bytes` more may be taken."""

    bytes: int
    uncertain_bytes: int


def idle_bytes() -> int:
    """Resident memory of this process now: called once, right after the imports."""
    return int(psutil.Process().memory_info().rss)


def overhead(device: Device, tensor_bytes: int, idle_process_bytes: int | None) -> Overhead:
    """On the CPU the process itself; on a GPU its context and what the allocator cannot use."""
    if device.kind == "cpu":
        return Overhead(idle_process_bytes or IDLE_PROCESS_BYTES, 0)
    return Overhead(CUDA_CONTEXT_BYTES, int(tensor_bytes * CUDA_FRAGMENTATION_SHARE))
