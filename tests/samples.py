"""Samples of large tables of tests: every row and every column in the default tests, the rest long ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(rows: Iterable[str], columns: Iterable[str], *, each: int) -> list[Any]:
    """Every (row, column) as a test's parameters; all but `each` of every row are long tests.

    Which ones depends on the names' order alone, and goes round all columns.
    """
    left, right = sorted(rows), sorted(columns)
    found = []
    for at, row in enumerate(left):
        # 7 shares no divisor with tables of a usual size, so neighbours do not sample alike.
        chosen = {right[(at + 7 * turn) % len(right)] for turn in range(each)}
        for column in right:
            marks = () if column in chosen else pytest.mark.long
            found.append(pytest.param(row, column, marks=marks))
    return found
