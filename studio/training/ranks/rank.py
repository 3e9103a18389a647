"""One rank's process: carries out its part of the task and leaves how that ended."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.endings import EndingKind, write_ending
from jobs.processes import platform
from jobs.task_process import run
from studio import libraries
from studio.training.ranks.context import PARENT_VARIABLE, Meeting, RankContext, ending_folder

_TASKS = "studio.tasks.train:ON_A_RANK"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m studio.training.ranks.rank`, under torchrun."""
    # First thing, before an import that takes seconds: never outlive torchrun.
    platform.die_with_parent(int(os.environ[PARENT_VARIABLE]))
    parser = argparse.ArgumentParser(prog="python -m studio.training.ranks.rank")
    parser.add_argument("--folder", type=Path, required=True)
    folder: Path = parser.parse_args(arguments).folder
    libraries.settle()
    context = RankContext(Meeting.read(folder), folder, int(os.environ["RANK"]))
    ending = run(_TASKS, "train", context)
    place = ending_folder(folder, context.rank)
    place.mkdir(exist_ok=True)
    write_ending(place, context.attempt, ending)
    sys.stdout.flush()
    sys.stderr.flush()
    # The others may be waiting for this one: nothing may wait for them in turn.
    os._exit(0 if ending.kind in (EndingKind.RETURNED, EndingKind.STOPPED) else 1)


if __name__ == "__main__":
    main()
