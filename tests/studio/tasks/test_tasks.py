"""The task table: found by name, imported when run."""

import subprocess
import sys

import pytest

from studio.tasks import TASKS


def test_the_table_lists_every_task_and_no_other() -> None:
    assert set(TASKS) == {"answers", "convert", "export", "fetch", "train"}
    assert TASKS["train"].__name__ == "train"
    assert len(TASKS) == 5
    with pytest.raises(KeyError):
        TASKS["trane"]


def test_the_table_itself_and_fetching_wait_for_no_torch() -> None:
    code = (
        "import sys; from studio.tasks import TASKS; TASKS['fetch'];"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
