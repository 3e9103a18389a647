"""Many processes claim from one queue at once: no job twice, none lost, no lock told to anyone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobs.errors import StoreBusy
from jobs.store import Store
from tests.faults.invariants import check_file
from tests.jobs.claimers import claim_all, mistakes, put


@pytest.mark.parametrize(
    "count", [1000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)
def test_eight_processes_finish_every_job_once_while_a_page_looks_on(
    memory_folder: Path, count: int
) -> None:
    database = memory_folder / "studio.db"
    put(Store(database), count)
    page, over, refused = Store(database, patience_s=1.0), threading.Event(), []

    def look() -> None:
        while not over.wait(0.5):
            try:
                page.jobs(limit=100)
            except StoreBusy as error:  # a page then keeps what it shows
                refused.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    claimed = claim_all(database, 8)
    over.set()
    looking.join()

    assert set(mistakes(database, count, claimed).values()) == {0}
    assert sum(bool(each.jobs) for each in claimed) > 1
    check_file(str(database))
