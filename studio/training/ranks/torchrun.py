"""The process below the task's that starts the ranks by torchrun, and says which of them failed."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs import durable
from jobs.processes import platform
from studio import libraries
from studio.training.ranks.context import PARENT_VARIABLE, Meeting, failures_file

_RANK = "studio.training.ranks.rank"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the ranks of the meeting in a folder to their end; exit 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m studio.training.ranks.torchrun")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args(arguments)
    # Before the import of torch, which takes seconds.
    platform.die_with_parent(options.parent)
    libraries.settle()
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    # What torchrun's agent says for itself needs no port; the ranks meet by a file.
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    sys.exit(_run(options.folder, Meeting.read(options.folder).count))


def _run(folder: Path, count: int) -> int:
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # Told in our own words, by the task's process.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    options = run.get_args_parser().parse_args(
        [
            "--nnodes=1",
            f"--nproc-per-node={count}",
            "--max-restarts=0",
            "--rdzv-backend=c10d",
            "--rdzv-conf=store_type=file",
            f"--rdzv-endpoint={(folder / 'rendezvous').absolute()}",
            "--rdzv-id=ranks",
            "--local-addr=127.0.0.1",
            "--module",
            _RANK,
            f"--folder={folder}",
        ]
    )
    try:
        run.run(options)
    except ChildFailedError as error:
        failures = [
            {"rank": rank, "exit_code": failure.exitcode}
            for rank, failure in sorted(error.failures.items())
        ]
        durable.write_json(failures_file(folder), {"failures": failures})
        return 1
    return 0


if __name__ == "__main__":
    main()
