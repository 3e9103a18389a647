"""The task table: found by name, imported when run."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.context import TaskContext
from studio.tasks import TASKS, explained


def test_the_table_lists_every_task_and_no_other() -> None:
    assert set(TASKS) == {"answers", "combine", "convert", "export", "fetch", "find_rate", "train"}
    assert TASKS["train"].__name__ == "train"
    assert len(TASKS) == 7
    with pytest.raises(KeyError):
        TASKS["trane"]


def test_an_error_carries_its_failure_card_to_the_result_file(tmp_path: Path) -> None:
    def broken(context: TaskContext) -> None:
        raise RuntimeError("CUDA driver version is insufficient for CUDA runtime version")

    with pytest.raises(RuntimeError) as raised:
        explained(broken)(TaskContext(1, {}, tmp_path))

    card = raised.value.details["card"]  # type: ignore[attr-defined]
    assert "driver" in card["title"]
    assert "insufficient" in card["line"]
    assert card["words"]


def test_the_table_itself_and_fetching_wait_for_no_torch() -> None:
    code = (
        "import sys; from studio.tasks import TASKS; TASKS['fetch'];"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
