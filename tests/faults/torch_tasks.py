"""A task that needs torch: two ranks under torchrun, each with two workers that load its data."""

from __future__ import annotations

import subprocess
import sys
import time

from jobs.context import TaskContext

RANK = """
import sys, time
from pathlib import Path
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __len__(self): return 1_000_000
    def __getitem__(self, index):
        time.sleep(0.01)
        return torch.zeros(1)

if __name__ == "__main__":
    dist.init_process_group("gloo")
    for number, row in enumerate(DataLoader(Rows(), num_workers=2)):
        dist.all_reduce(row)
        if number == 3:
            Path(sys.argv[1], f"ready-{dist.get_rank()}").touch()
"""


def ranks(context: TaskContext) -> None:
    """Trains nothing on two ranks until it is ended; deaf to being asked to stop."""
    script = context.folder / "rank.py"
    script.write_text(RANK)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    process = subprocess.Popen([*launcher, str(script), str(context.folder)])
    while not all((context.folder / f"ready-{rank}").exists() for rank in (0, 1)):
        assert process.poll() is None, "torchrun ended"
        time.sleep(0.1)
    context.report(1, 1)
    process.wait()


TASKS = {"ranks": ranks}
