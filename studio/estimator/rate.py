"""This machine's rate: floating-point operations a second, measured once by a matrix product, then kept."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from jobs.durable import write_json
from studio.training.loading import DTYPES

FILE_NAME = "rates.json"
# A probe is short enough not to be noticed, and repeated so that another program's moment does not count.
_PROBE_S = 0.25
_MOST_OPERATIONS = 4e9
_TIMEOUT_S = 120.0


def rate(
    home: Path, device_kind: str, precision: str, widths: tuple[int, int, int]
) -> float | None:
    """Operations a second of a product `(a, b) @ (b, c)` with `widths` (a, b, c); None if it failed.

    Kept in the home by device, precision, threads and the widths rounded to powers of two.
    """
    rounded = [1 << max(4, (width - 1).bit_length()) for width in widths]
    key = " ".join(
        map(str, (device_kind, precision, torch.__version__, torch.get_num_threads(), *rounded))
    )
    kept = _kept(home)
    if key not in kept:
        measured = _probe_elsewhere(device_kind, precision, widths)
        if measured is None:
            return None
        kept[key] = measured
        write_json(home / FILE_NAME, kept)
    return kept[key]


def _kept(home: Path) -> dict[str, float]:
    try:
        kept = json.loads((home / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _probe_elsewhere(
    device_kind: str, precision: str, widths: tuple[int, int, int]
) -> float | None:
    """On a GPU in a process of its own: a worker that once used it would hold its memory for ever."""
    if device_kind == "cpu":
        return probe(device_kind, precision, widths)
    command = [sys.executable, "-m", __name__, device_kind, precision, *map(str, widths)]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
        return float(answer.stdout.split()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def probe(device_kind: str, precision: str, widths: tuple[int, int, int]) -> float:
    """The best of several products, each of at most four billion operations."""
    rows, inner, columns = widths
    rows = max(16, min(rows, int(_MOST_OPERATIONS / (2 * inner * columns))))
    left = torch.ones((rows, inner), dtype=DTYPES[precision], device=device_kind)
    right = torch.ones((columns, inner), dtype=DTYPES[precision], device=device_kind)
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < _PROBE_S:
        start = time.perf_counter()
        product = torch.nn.functional.linear(left, right)
        product[0, 0].item()  # waits until a GPU is done
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows * inner * columns / best


if __name__ == "__main__":
    print(probe(sys.argv[1], sys.argv[2], (int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))))
