"""What was predicted of finished runs and what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.library import Library
from studio.library.residuals import NEWEST, Residual
from studio.settings import Home

RUN = Residual(1, "processor", "fp32", "starter", "lora", 1_000, 1_100, 60.0, 66.0)


def test_the_newest_runs_of_a_machine_come_first_and_old_ones_no_longer_count(
    tmp_path: Path,
) -> None:
    ticks = iter(range(1_000))
    residuals = Library(Home(tmp_path), clock=lambda: next(ticks)).residuals
    for number in range(NEWEST + 2):
        residuals.keep(replace(RUN, job_id=number))
    residuals.keep(replace(RUN, job_id=99, machine="another"))

    found = residuals.of_machine("processor")

    assert [each.job_id for each in found[:2]] == [NEWEST + 1, NEWEST]
    assert len(found) == NEWEST
    assert residuals.of_machine("nowhere") == []


def test_a_run_that_was_resumed_counts_once(tmp_path: Path) -> None:
    residuals = Library(Home(tmp_path)).residuals
    residuals.keep(RUN)
    residuals.keep(replace(RUN, measured_seconds=70.0, measured_bytes=None))

    assert residuals.of_machine("processor") == [
        replace(RUN, measured_seconds=70.0, measured_bytes=None)
    ]
