"""Data files for tests of readers: written, read, refused, and damaged at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from studio.data.readers import read
from studio.data.table import Table
from studio.errors import DataProblem

fuzzed = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def table_of(path: Path, content: str | bytes) -> Table:
    """Write the file and read it."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


def words_for(path: Path, content: str | bytes) -> str:
    """Write the file, and the words with which it is refused."""
    return refusal(lambda: table_of(path, content))


def refusal(act: Callable[[], object]) -> str:
    """The words with which reading is refused."""
    with pytest.raises(DataProblem) as caught:
        act()
    return caught.value.words


def read_or_refuse(path: Path, content: str | bytes) -> None:
    """Write the file; it must be a table that agrees with itself, or refused with its name."""
    try:
        table = table_of(path, content)
    except DataProblem as problem:
        words = problem.words
    else:
        words = path.name
        assert len(table.rows) == len(table.lines) == len(table.numbers) > 0
        assert {column for row in table.rows for column in row} <= set(table.columns)
    assert path.name in words


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """`content` with a few bytes replaced, taken out or put in."""
    places = st.integers(0, len(content) - 1)
    changes = st.lists(st.tuples(places, st.integers(0, 2), st.binary(max_size=2)), max_size=4)
    return changes.map(lambda chosen: _changed(content, chosen))


def _changed(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, removed, inserted in changes:
        content = content[:place] + inserted + content[place + removed :]
    return content
