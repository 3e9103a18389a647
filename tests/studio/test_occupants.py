"""Who holds the memory, by name."""

from __future__ import annotations

import subprocess
import sys

from studio import occupants
from studio.occupants import Occupant, largest, program_name, read_nvidia_programs

TABLE = """/usr/bin/python3.11, 4096
C:\\Program Files\\Odd, Name\\game.exe, 2048
/usr/bin/python3.11, 1024
[Not Found], [N/A]
"""


def test_the_processes_of_one_program_count_together_and_the_largest_comes_first() -> None:
    found = largest(read_nvidia_programs(TABLE))

    assert found == (Occupant("python3.11", 5120 * 2**20), Occupant("game", 2048 * 2**20))
    assert found[0].words == "python3.11 5.4 GB"


def test_programs_that_hold_little_are_not_named() -> None:
    assert largest([("clock", 10_000_000)] * 3) == ()


def test_the_studio_s_own_processes_are_called_by_what_they_do() -> None:
    command = ["python", "-m", "jobs.task_process", "--job=3"]

    assert program_name("python", command) == "a job of Whetstone"
    assert program_name("python", ["python", "-m"]) == "python"
    assert program_name("", []) == "a program"


def test_a_program_that_holds_a_lot_of_main_memory_is_found() -> None:
    code = "held = b'x' * 400_000_000; print(len(held), flush=True); input()"
    started = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    started.stdout.readline()
    try:
        occupants._look.cache_clear()
        sizes = [size for _, size in occupants._in_main_memory()]
    finally:
        started.kill()
        started.wait()

    assert any(size >= 400_000_000 for size in sizes)


def test_a_card_that_nobody_can_tell_of_is_held_by_nobody() -> None:
    assert occupants.held_by("cuda:99") == ""
