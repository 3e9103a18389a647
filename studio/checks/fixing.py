"""Mending: the rows of a finding changed or left out, all others as they were, kept as a new version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from studio.checks.check import Finding, Fix
from studio.data.columns import ColumnMapping
from studio.data.examples import Rejected, walk
from studio.data.progress import Progress, silent
from studio.data.split import group_of
from studio.data.table import Record, Row, Source, Table
from studio.errors import AskedWrongly
from studio.library import Library, Version
from studio.settings import Home


class Kept(NamedTuple):
    """A row that stays: which it was before the fix (from 0), and what it holds now."""

    before: int
    row: Row
    is_changed: bool = False


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
            yield Kept(place, changed, changed != row)


@dataclass(frozen=True)
class Subject:
    """What is mended: a version of a dataset, its table, and what its columns mean."""

    version: Version
    table: Table
    mapping: ColumnMapping


def mend(
    library: Library,
    subject: Subject,
    check: str,
    finding: Finding,
    fix: Fix,
    on_progress: Progress = silent,
) -> Version:
    """Apply a fix and keep the outcome as a new version, with a note of what was done.

    Groups that were ever held out keep that when a fix changes their question. Raises AskedWrongly
    where no row would be left, StudioError where there is no room.
    """
    table, mapping = subject.table, subject.mapping
    held_out = library.versions.held_out(subject.version.hash)
    moved: set[bytes] = set()
    counts = Counter[str]()

    def records() -> Iterator[Record]:
        counts.clear()
        for kept in fixed(table.rows, finding, fix, mapping.roles):
            counts["kept"] += 1
            if kept.is_changed:
                counts["changed"] += 1
                if held_out:
                    moved.update(_moved(table.rows[kept.before], kept.row, mapping, held_out))
            yield Record(kept.row, table.lines[kept.before], table.numbers[kept.before])
        if not counts["kept"]:
            raise AskedWrongly("This would leave no row. Nothing was changed.", code="no_rows")

    total = len(table.rows)
    dataset = library.keep(
        Source(table.path, table.format, records, table.columns),
        progress=lambda done: on_progress(done / total, "Writing the rows"),
    )
    if moved:
        library.versions.hold_out(subject.version.hash, moved)
    left_out = total - counts["kept"]
    done = [
        f"{count:,} row{'s' * (count != 1)} {what}"
        for count, what in ((counts["changed"], "changed"), (left_out, "left out"))
        if count
    ]
    words = f"{fix.title}: {' and '.join(done) or 'nothing was to be changed'}."
    rows = {"changed": counts["changed"], "left_out": left_out}
    note = {"check": check, "fix": fix.name, "rows": rows, "words": words}
    return library.versions.add(subject.version, dataset.hash, note)


def mend_at(
    home: Home,
    subject: Subject,
    check: str,
    finding: Finding,
    fix: Fix,
    on_progress: Progress = silent,
) -> Version:
    """`mend` for a process that holds no library of its own."""
    with closing(Library(home)) as library:
        return mend(library, subject, check, finding, fix, on_progress)


def writing(column: str, value: str) -> Fix:
    """The fix by hand that writes something else into one cell."""
    return Fix("write", f"'{column}' written anew", partial(_written, column, value))


def _written(
    column: str, value: str, row: Row, roles: Mapping[str, str], data: Mapping[str, Any]
) -> Row:
    return {**row, column: value}


def _moved(
    before: Row, after: Row, mapping: ColumnMapping, held_out: frozenset[bytes]
) -> Iterator[bytes]:
    """The group that a row came into, where the one that it left was held out."""
    old, new = walk([before, after], mapping.roles, mapping.objective)
    if isinstance(old, Rejected) or isinstance(new, Rejected) or group_of(old) not in held_out:
        return
    yield group_of(new)
