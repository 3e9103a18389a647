"""Samples: which cases of a test with many run by default; the long tests leave none out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.samples import sampled

ROOT = Path(__file__).resolve().parent.parent
CASES = """
import pytest

@pytest.mark.parametrize("case", [*range(20), pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.some(3)
def test_it(case: int) -> None:
    pass
"""

ROWS = [f"row {number}" for number in range(30)]
COLUMNS = [f"column {number}" for number in range(22)]


def test_every_pair_is_there_and_each_row_and_column_is_in_the_sample() -> None:
    found = sampled(ROWS, COLUMNS, each=2)

    assert {each.values for each in found} == {(row, column) for row in ROWS for column in COLUMNS}
    default = [each.values for each in found if not each.marks]
    assert len(default) == 2 * len(ROWS)
    assert {row for row, _ in default} == set(ROWS)
    assert {column for _, column in default} == set(COLUMNS)


def test_a_test_of_many_cases_runs_some_by_default_others_by_another_seed_all_when_asked(
    tmp_path: Path,
) -> None:
    place = tmp_path / "tests"
    place.mkdir()
    shutil.copy(Path(__file__).with_name("conftest.py"), place)
    (place / "test_it.py").write_text(CASES, encoding="utf-8")

    drawn = {seed: chosen(place, seed, "not long") for seed in (0, 1)}

    assert [len(each) for each in drawn.values()] == [3, 3]
    assert drawn[0] == chosen(place, 0, "not long")
    assert drawn[0] != drawn[1]
    # The one that is long by its own mark is not among those that are drawn from.
    assert not any("[20]" in name for each in drawn.values() for name in each)
    assert len(chosen(place, 0, "")) == 21


def chosen(place: Path, seed: int, marks: str) -> list[str]:
    """The names of the tests that would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", marks, str(place)]
    command += [
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(place),
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "STUDIO_TEST_SEED": str(seed), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]
