"""This machine's rate: floating-point operations a second, by a short matrix product, the best one kept."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from jobs.durable import write_json
from studio.training.loading import DTYPES

FILE_NAME = "rates.json"
# Short enough not to be noticed; several turns, so that another program's moment does not count.
_PROBE_S, _TURN_S = 0.3, 0.04
# From some hundred rows on, more rows are computed no faster.
_ROWS = 512
_TIMEOUT_S = 120.0


def rate(home: Path, device_kind: str, precision: str, widths: tuple[int, int]) -> float | None:
    """Operations a second of a product `(512, a) @ (a, b)` with `widths` (a, b); None if it failed.

    Probed once a process; the home keeps the best of all, since a busy machine only looks slower.
    """
    key = " ".join(
        map(str, (device_kind, precision, torch.__version__, torch.get_num_threads(), *widths))
    )
    measured = _probed(device_kind, precision, widths)
    kept = _kept(home)
    if measured is not None and measured > kept.get(key, 0.0):
        kept[key] = measured
        # A home that cannot be written to is told of elsewhere; the next process probes again.
        with contextlib.suppress(OSError):
            write_json(home / FILE_NAME, kept)
    return kept.get(key)


def _kept(home: Path) -> dict[str, float]:
    try:
        kept = json.loads((home / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


@functools.cache
def _probed(device_kind: str, precision: str, widths: tuple[int, int]) -> float | None:
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


def probe(device_kind: str, precision: str, widths: tuple[int, int]) -> float:
    """The best of several turns of the same product, each long enough for the clock.

    On the CPU by the time that its threads really ran: a busy machine then hardly looks slower.
    """
    inner, columns = widths
    left = torch.ones((_ROWS, inner), dtype=DTYPES[precision], device=device_kind)
    right = torch.ones((columns, inner), dtype=DTYPES[precision], device=device_kind)
    clock = _threads_clock if device_kind == "cpu" else time.perf_counter
    best, began = 0.0, time.perf_counter()
    while time.perf_counter() - began < _PROBE_S:
        start, products, taken = clock(), 0, 0.0
        while taken < _TURN_S:
            product = torch.nn.functional.linear(left, right)
            product[0, 0].item()  # waits until a GPU is done
            products, taken = products + 1, clock() - start
        best = max(best, products * 2.0 * _ROWS * inner * columns / taken)
    return best


def _threads_clock() -> float:
    return time.process_time() / torch.get_num_threads()


if __name__ == "__main__":
    _kind, _precision, _inner, _columns = sys.argv[1:]
    print(probe(_kind, _precision, (int(_inner), int(_columns))))
