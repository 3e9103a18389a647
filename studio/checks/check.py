"""What every check declares about itself, what it finds, and how what it found is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from studio.checks.batch import Batch
from studio.data.table import Row

Weight = Literal["left out", "look", "note"]
"""`left out`: such rows are not trained on. `look`: they are, but need a look. `note`: worth knowing."""

Cost = Literal["cheap", "dear", "tokens"]
"""`cheap`: goes along with reading. `dear`: takes a pass of its own. `tokens`: needs the model's tokenizer."""

EXCERPTS = 3
EXCERPT_CHARACTERS = 160


@dataclass(frozen=True)
class Excerpt:
    """One row in which something was found, and the piece of text that shows it."""

    row: int
    text: str


@dataclass(frozen=True)
class Finding:
    """What a check found: the rows (from 0, ascending), a sentence about them, examples.

    `data` is what a fix needs beyond the rows, as JSON.
    """

    rows: Sequence[int] | NDArray[np.int64]
    words: str
    excerpts: tuple[Excerpt, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


class Finder(Protocol):
    """One run of a check over a file: sees every batch in order, then says what it found."""

    def look(self, batch: Batch) -> None:
        """Take note of a batch."""

    def found(self) -> Finding | None:
        """What was found in all batches; None where nothing was."""


@dataclass(frozen=True)
class Circumstances:
    """What a check may need to know beside the rows.

    `held_out` tells of each row whether it is held out; `folder` is where large work may lie while
    it is done; `longest` is the longest row in tokens that training takes.
    """

    roles: Mapping[str, str]
    objective: str = "chat"
    held_out: Callable[[int], bool] | None = None
    longest: int | None = None
    folder: Path | None = None
    on_progress: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class Fix:
    """A way to mend the rows of a finding: `change` gives the row as it should be, None leaves it out.

    `change` is a function of a module (or `partial` of one): fixes are applied by another process.
    """

    name: str
    title: str
    change: Callable[[Row, Mapping[str, str], Mapping[str, Any]], Row | None]
    rows: str = ""
    """Where not all rows of the finding are meant: the entry of its `data` that lists them."""


@dataclass(frozen=True)
class Check:
    """One check. `title` names the finding on the page, `why` says why it matters."""

    name: str
    title: str
    why: str
    begin: Callable[[Circumstances], Finder]
    weight: Weight = "look"
    cost: Cost = "cheap"
    fixes: tuple[Fix, ...] = ()
    not_for: frozenset[str] = frozenset()
    """The objectives in whose rows this is no fault."""


def _leave_out(row: Row, roles: Mapping[str, str], data: Mapping[str, Any]) -> Row | None:
    return None


LEAVE_OUT = Fix("leave_out", "Leave these rows out", _leave_out)


def excerpt(row: int, text: str, around: int = 0) -> Excerpt:
    """The piece of a row's text about the character `around`, in one line."""
    begin = max(0, around - EXCERPT_CHARACTERS // 3)
    piece = " ".join(text[begin : begin + EXCERPT_CHARACTERS].split())
    before = "…" if begin else ""
    return Excerpt(row, before + piece + ("…" if begin + EXCERPT_CHARACTERS < len(text) else ""))
