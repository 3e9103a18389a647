"""What a training uses of its device while it runs: memory, and how busy the device is."""

from __future__ import annotations

import time

import psutil
import torch


class Meter:
    """Reads the use of one device by this process, since the reading before."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._cores = len(self._process.cpu_affinity()) if psutil.LINUX else psutil.cpu_count() or 1

    def read(self) -> dict[str, float]:
        """`memory_bytes` held now, and `device_percent`: of all cores, or of the GPU's time; on the CPU
        also the `cpu_seconds` that this process has computed since it began.

        A GPU's share is left out where the driver's own library is not installed.
        """
        if self._device.type != "cuda":
            percent = self._process.cpu_percent() / self._cores
            return {
                "memory_bytes": self._process.memory_info().rss,
                "device_percent": round(min(100.0, percent), 1),
                "cpu_seconds": round(time.process_time(), 3),
            }
        held: dict[str, float] = {"memory_bytes": torch.cuda.memory_allocated(self._device)}
        try:
            return {**held, "device_percent": torch.cuda.utilization(self._device)}
        except (ModuleNotFoundError, RuntimeError):
            return held
