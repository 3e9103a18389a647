"""Applying a fix: the rows of a finding changed or left out, all others as they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from studio.checks.check import Finding, Fix
from studio.data.table import Row


class Kept(NamedTuple):
    """A row that stays: which it was before the fix (from 0), and what it holds now."""

    before: int
    row: Row


def fixed(
    rows: Iterable[Row], finding: Finding, fix: Fix, roles: Mapping[str, str]
) -> Iterator[Kept]:
    """The rows after the fix, in order; those that it leaves out are not there."""
    meant = np.sort(np.asarray(finding.data[fix.rows] if fix.rows else finding.rows, np.int64))
    remaining = iter(meant.tolist())
    following = next(remaining, -1)
    for place, row in enumerate(rows):
        if place != following:
            yield Kept(place, row)
            continue
        following = next(remaining, -1)
        changed = fix.change(row, roles, finding.data)
        if changed is not None:
            yield Kept(place, changed)
