"""Overhead: the memory that a training process takes beside its tensors."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from studio.devices import Device
from studio.estimator.blueprint import Plan
from studio.estimator.live import Peak
from studio.estimator.microbatch import Cost
from studio.models.architecture import Architecture

# Resident memory of a process that has imported torch, transformers and peft and done nothing:
# 416 MB with torch 2.13 for the CPU on Linux. Used where the worker has not measured its own.
IDLE_PROCESS_BYTES = 416_000_000
# What follows is of ten runs of the starter model (`bench estimate memory --only process`).
# What a run adds to that: code pages, buffers of the matrix library, rows, tokenizer, the optimizer's
# Python side.
WARM_PROCESS_BYTES = 150_000_000
# What comes and goes in a step leaves holes in the C library's heap, between things that stay: as a share
# of the bytes that are there at the peak and of those that checkpointing lets go to make them anew.
HEAP_SHARE = 0.44
# And as a share of the weights that quantised layers make for a moment.
MADE_SHARE = 0.65
# A block from this size on is the system's own in glibc, and leaves no hole.
LARGE_BYTES = 32 * 2**20
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


@dataclass(frozen=True)
class Passing:
    """Bytes that a step takes and lets go before its peak: `recomputed` by layers that are computed anew,
    `made` by quantised layers for their weights."""

    recomputed: int = 0
    made: int = 0

    @classmethod
    def of(cls, shape: Architecture, plan: Plan, places: int) -> Passing:
        """By the model's shape alone, roughly; weights are made as fp32 numbers."""
        shares = (plan.recomputed_share, 0.0)
        kept, all_of_it = (Cost.of_model(shape, share).place for share in shares)
        matrix = 4 * shape.hidden * shape.intermediate
        makes = plan.held.quantization != "none" and matrix < LARGE_BYTES
        return cls(
            recomputed=int((all_of_it - kept) * places),
            made=shape.layers * (3 * matrix + 16 * shape.hidden**2) if makes else 0,
        )


def idle_bytes() -> int:
    """Resident memory of this process now: called once, right after the imports."""
    return int(psutil.Process().memory_info().rss)


def overhead(
    device: Device, peak: Peak, idle_process_bytes: int | None, passing: Passing
) -> Overhead:
    """On the CPU the process itself; on a GPU its context and what the allocator cannot use."""
    if device.kind == "cpu":
        held = peak.parts["activations"] + peak.parts["loss"]
        holes = int(HEAP_SHARE * (held + passing.recomputed) + MADE_SHARE * passing.made)
        process = (idle_process_bytes or IDLE_PROCESS_BYTES) + WARM_PROCESS_BYTES
        return Overhead(process + holes, holes, holes)
    fragments = int(peak.bytes * CUDA_FRAGMENTATION_SHARE)
    return Overhead(
        CUDA_CONTEXT_BYTES, CUDA_CONTEXT_BYTES // 2, CUDA_CONTEXT_BYTES // 2 + fragments
    )
