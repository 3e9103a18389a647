"""Overhead: the memory that a training process takes beside its tensors."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from studio.devices import Device
from studio.estimator.live import Peak

# Resident memory of a process that has imported torch, transformers and peft and done nothing:
# 416 MB with torch 2.13 for the CPU on Linux. Used where the worker has not measured its own.
IDLE_PROCESS_BYTES = 416_000_000
# What a step adds to that: code pages, buffers of the matrix library, tokenizer, optimizer's Python
# side. Resident peaks of 4 real runs of the starter model: 0.3 GB.
WARM_PROCESS_BYTES = 300_000_000
# What comes and goes in a step leaves holes in the C library's heap: of the bytes that come and go,
# between nothing and six tenths more stay resident (same 4 runs).
HEAP_SHARE = 0.3
# On a GPU nothing was measured by us. A CUDA context takes 0.3 to 0.6 GB and cuBLAS up to 32 MiB
# (as others report); the caching allocator rounds and fragments, usually by a few per cent.
CUDA_CONTEXT_BYTES = 500_000_000
CUDA_FRAGMENTATION_SHARE = 0.10


@dataclass(frozen=True)
class Overhead:
    """Bytes beside the tensors: as likely as not, `less_bytes` fewer at best, `more_bytes` more at worst."""

    bytes: int
    less_bytes: int
    more_bytes: int


def idle_bytes() -> int:
    """Resident memory of this process now: called once, right after the imports."""
    return int(psutil.Process().memory_info().rss)


def overhead(device: Device, peak: Peak, idle_process_bytes: int | None) -> Overhead:
    """On the CPU the process itself; on a GPU its context and what the allocator cannot use."""
    if device.kind == "cpu":
        holes = int(HEAP_SHARE * (peak.parts["activations"] + peak.parts["loss"]))
        process = (idle_process_bytes or IDLE_PROCESS_BYTES) + WARM_PROCESS_BYTES
        return Overhead(process + holes, holes, holes)
    fragments = int(peak.bytes * CUDA_FRAGMENTATION_SHARE)
    return Overhead(
        CUDA_CONTEXT_BYTES, CUDA_CONTEXT_BYTES // 2, CUDA_CONTEXT_BYTES // 2 + fragments
    )
