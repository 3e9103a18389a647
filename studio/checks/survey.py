"""A survey: every check over a whole file in one pass, with its progress, told as a report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio import checks
from studio.checks.batch import Batch, Tokens, batches
from studio.checks.check import EXCERPTS, Check, Circumstances, Cost, Finding, excerpt
from studio.data.examples import MINIMUM_ROWS
from studio.data.progress import Progress, silent
from studio.data.table import Row

Encode = Callable[[Batch], Sequence[Tokens]]
"""Counts a batch's examples in tokens; handed in, since only the model worker has a tokenizer."""

ALL: tuple[Cost, ...] = ("cheap", "dear", "tokens")
_ROWS_LISTED = 1_000
_ROWS_NAMED = 8
_FINDING_SHARE = 0.7
"""How much of the whole the pass over the rows is taken for; the rest is what checks do at its end."""


@dataclass(frozen=True)
class Found:
    """A check with what it found; `words` name the rows as the person's file numbers them."""

    check: Check
    finding: Finding
    words: str
    numbers: tuple[int, ...]

    def __reduce__(self) -> tuple[Callable[..., Found], tuple[Any, ...]]:
        """To another process goes the check's name: its functions are there already."""
        return _found_again, (self.check.name, self.finding, self.words, self.numbers)

    @property
    def count(self) -> int:
        """In how many rows."""
        return len(self.finding.rows)

    def as_json(self) -> dict[str, Any]:
        """`{"check", "count", "rows", "words"}` and what else the page shows."""
        return {
            "check": self.check.name,
            "count": self.count,
            "rows": list(self.numbers),
            "words": self.words,
            "title": self.check.title,
            "why": self.check.why,
            "weight": self.check.weight,
            "examples": [each.text for each in self.finding.excerpts],
            "fixes": [{"name": fix.name, "title": fix.title} for fix in self.check.fixes],
        }


def _found_again(check: str, finding: Finding, words: str, numbers: tuple[int, ...]) -> Found:
    return Found(checks.CHECKS[check], finding, words, numbers)


@dataclass(frozen=True)
class Report:
    """What all checks found in `rows` rows, of which `usable` can be trained on."""

    rows: int
    usable: int
    found: tuple[Found, ...]
    needs_look: int

    @property
    def ready(self) -> int:
        """Rows that can be trained on and in which nothing was found that needs a look."""
        return self.rows - self.needs_look

    def with_more(self, other: Report) -> Report:
        """This report and what other checks found in the same rows."""
        found = (*self.found, *other.found)
        return Report(self.rows, self.usable, found, _union(found, self.rows))

    @property
    def verdict(self) -> str:
        """One sentence: `412 of 430 rows are ready; 18 need a look.`"""
        if not self.needs_look and self.usable < MINIMUM_ROWS:
            # Whether so few are enough is said beside it.
            which = "the one row" if self.rows == 1 else f"the {self.rows:,} rows"
            return f"Nothing in {which} needs a look."
        if not self.needs_look:
            return f"All {self.rows:,} rows are ready."
        left = self.needs_look
        return f"{self.ready:,} of {self.rows:,} rows are ready; {left:,} need{'s' * (left == 1)} a look."


def survey(
    rows: Sequence[Row],
    circumstances: Circumstances,
    *,
    numbers: Sequence[int] | None = None,
    lines: Sequence[int] | None = None,
    costs: Collection[Cost] = ALL,
    encode: Encode | None = None,
    on_progress: Progress = silent,
) -> Report:
    """Run the checks of these costs over all rows; those that need tokens only with `encode`.

    `numbers` and `lines` are the rows' own in their file. `on_progress` is called with the share done
    (0 to 1) and what is being done; what it raises ends the survey.
    """
    chosen = [
        check
        for check in checks.CHECKS.values()
        if check.cost in costs
        and (check.cost != "tokens" or encode)
        and circumstances.objective not in check.not_for
    ]
    at_end = _Share(on_progress)
    begun = [(check, check.begin(replace(circumstances, on_progress=at_end))) for check in chosen]
    count = usable = 0
    for batch in batches(rows, circumstances.roles, circumstances.objective):
        if encode:
            batch.tokens = encode(batch)
        for _, finder in begun:
            finder.look(batch)
        count += len(batch.rows)
        usable += len(batch.places)
        on_progress(
            _FINDING_SHARE * count / max(count, len(rows)), f"Row {count:,} of {len(rows):,}"
        )
    found = []
    for place, (check, finder) in enumerate(begun):
        at_end.stage(place, len(begun), check.title)
        finding = finder.found()
        if finding is not None:
            found.append(_told(check, finding, rows, circumstances, numbers, lines))
    on_progress(1.0, "Done")
    return Report(count, usable, tuple(found), _union(found, count))


class _Share:
    """Turns a check's own progress at the end of the pass into the survey's."""

    def __init__(self, on_progress: Progress) -> None:
        self._on_progress = on_progress
        self._begin = self._reach = 0.0
        self._words = ""

    def stage(self, place: int, of: int, words: str) -> None:
        """Another check is asked for its finding."""
        self._reach = (1 - _FINDING_SHARE) / of
        self._begin, self._words = _FINDING_SHARE + place * self._reach, words
        self(0.0)

    def __call__(self, share: float) -> None:
        self._on_progress(self._begin + share * self._reach, self._words)


def _told(
    check: Check,
    finding: Finding,
    rows: Sequence[Row],
    circumstances: Circumstances,
    numbers: Sequence[int] | None,
    lines: Sequence[int] | None,
) -> Found:
    """The finding with its rows named, and with examples where the check gave none."""
    listed = [int(row) for row in finding.rows[:_ROWS_LISTED]]
    named = tuple(int(numbers[row]) if numbers is not None else row + 1 for row in listed)
    words = finding.words
    if listed:
        count = len(finding.rows)
        where = f"Row{'s' * (count > 1)} {_enumerated(named, count)}"
        of_file = [int(lines[row]) for row in listed] if lines is not None else list(named)
        # Rows of several files count their lines anew: those say nothing without the file.
        is_one_file = all(one < other for one, other in pairwise(of_file))
        if of_file != list(named) and is_one_file:
            where += f" (line{'s' * (count > 1)} {_enumerated(of_file, count)} of the file)"
        words = f"{where}: {words}."
    if not finding.excerpts and listed:
        finding = replace(
            finding,
            excerpts=tuple(
                excerpt(row, text)
                for row in listed[:EXCERPTS]
                for text in Batch(
                    row, [rows[row]], circumstances.roles, circumstances.objective
                ).texts
            ),
        )
    return Found(check, finding, words, named)


def _enumerated(numbers: Sequence[int], count: int) -> str:
    """`5`, `5 and 9`, `5, 9 and 12`, or the first few and how many more there are of `count`."""
    names = [f"{number:,}" for number in numbers[:_ROWS_NAMED]]
    if count > len(names):
        return f"{', '.join(names)} and {count - len(names):,} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _union(found: Iterable[Found], count: int) -> int:
    """How many rows stand in at least one finding that needs a look."""
    is_found: NDArray[np.bool_] = np.zeros(count, bool)
    for each in found:
        if each.check.weight != "note" and each.count:
            is_found[np.asarray(each.finding.rows, np.int64)] = True
    return int(is_found.sum())
