"""What happens in the panel of problems: checks that run while the page shows how far, fixes, undo, edits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from studio.checks.survey import Report
from studio.data.progress import Progress
from studio.errors import DataProblem, StudioError
from studio.ui.draft import Draft
from studio.ui.own_data import OwnData
from studio.ui.steps import data_step, preview_part, problems
from studio.ui.waiting import Abandoned, Work, Works

Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]
Keep = Callable[[str, Draft], None]

SETTLED = ("version", "dataset", "dataset_for", "columns_for")
"""The fields of the form that a fix changes."""

_UNTOUCHED = [gr.skip()] * (len(SETTLED) + 3)
_STOPPED = "The checks were stopped. Your rows are as they were."
_NOT_CHANGED = "This was stopped; your rows are as they were."


class Checking:
    """The panel's handlers; `read` and `keep` are the form's. Of a window's runs the newest shows."""

    def __init__(self, data: OwnData, read: Read, keep: Keep) -> None:
        self._data = data
        self._read = read
        self._keep = keep
        self._numbers = itertools.count()
        self._newest: dict[str, int] = {}
        self._works = Works()

    def check(self, *shown: Any) -> Iterator[list[Any]]:
        """Run the checks on what the form holds and show what they found."""
        draft_id, draft = self._read(shown)
        yield from self._checked(draft_id, draft, self._begin(draft_id))

    def mend(self, event: gr.EventData, *shown: Any) -> Iterator[list[Any]]:
        """A button of the list: a fix, the way back, an end to what is being done, or once more."""
        draft_id, draft = self._read(shown)
        check, _, fix = str(event.chosen).partition(":")
        if check == problems.STOP:
            self._works.stop(draft_id)
            yield [*problems.unchanged(), *_UNTOUCHED]
        elif check == problems.AGAIN:
            for update in self._checked(draft_id, draft, self._begin(draft_id)):
                yield [*update, *_UNTOUCHED]
        elif check == problems.UNDO:
            yield from self._changed(draft_id, draft, lambda progress: self._data.undo(draft))
        elif check:
            yield from self._changed(
                draft_id, draft, lambda progress: self._data.fix(draft, check, fix, progress)
            )

    def write(self, row: str, column: str, text: str, *shown: Any) -> Iterator[list[Any]]:
        """Write something else into a cell."""
        draft_id, draft = self._read(shown)
        yield from self._changed(
            draft_id,
            draft,
            lambda progress: self._data.write(
                draft, problems.row_number(row), column or "", text or "", progress
            ),
        )

    def drop(self, rows: str, *shown: Any) -> Iterator[list[Any]]:
        """Leave rows out by their numbers."""
        draft_id, draft = self._read(shown)
        yield from self._changed(
            draft_id,
            draft,
            lambda progress: self._data.leave_out(draft, problems.row_numbers(rows), progress),
        )

    def cell(self, row: str, column: str, *shown: Any) -> Any:
        """What stands in the cell that was named; nothing where it is not named yet."""
        _, draft = self._read(shown)
        if not (row or "").strip() or not column or not draft.data_file:
            return gr.skip()
        try:
            return self._data.cell(draft, problems.row_number(row), column)
        except StudioError:
            return ""

    def _begin(self, draft_id: str) -> int:
        number = next(self._numbers)
        self._newest[draft_id] = number
        return number

    def _changed(
        self, draft_id: str, draft: Draft, change: Callable[[Progress], Draft]
    ) -> Iterator[list[Any]]:
        """Change the data, show it, and check it anew; where that does not go, say why."""
        run = self._begin(draft_id)
        work = Work(change)
        for step in self._works.steps(draft_id, work):
            yield [*problems.working(*step), *_UNTOUCHED]
        try:
            draft = work.value()
            found = self._data.found(draft)
        except (StudioError, Abandoned) as error:
            words = _NOT_CHANGED if isinstance(error, Abandoned) else error.words
            for update in self._checked(draft_id, draft, run, words):
                yield [*update, *_UNTOUCHED]
            return
        self._keep(draft_id, draft)
        settled = [
            *(getattr(draft, name) for name in SETTLED),
            data_step.findings_html(found),
            preview_part.preview_html(found),
            "",
        ]
        for update in self._checked(draft_id, draft, run):
            # What the form was settled on is said once: later the person may have gone on.
            yield [*update, *settled]
            settled = _UNTOUCHED

    def _checked(
        self, draft_id: str, draft: Draft, run: int, trouble: str = ""
    ) -> Iterator[list[Any]]:
        """Updates of the panel until everything was found; once a newer run began, one that changes nothing.

        That one is needed: Gradio shows what a handler said last once more when it ends, and an older
        run may end after a newer one has said all.
        """
        looking = Work(lambda progress: self._looked(draft, progress))
        for step in self._works.steps(draft_id, looking):
            if self._newest.get(draft_id) != run:
                yield problems.unchanged()
                return
            yield problems.working(*step)
        try:
            report = looking.value()
        except (StudioError, Abandoned) as error:
            words = _STOPPED if isinstance(error, Abandoned) else error.words
            is_newest = self._newest.get(draft_id) == run
            yield problems.ended(words) if is_newest else problems.unchanged()
            return
        if self._newest.get(draft_id) != run:
            yield problems.unchanged()
            return
        if report is None:
            yield problems.hidden()
            return
        history = self._data.history(draft)
        columns = self._data.found(draft).table.columns
        found = problems.shown(report, history, columns, trouble)
        yield found
        # The model worker may first have to start; what is known is shown meanwhile.
        lengths = Work(lambda progress: self._data.lengths(draft, progress))
        for step in self._works.steps(draft_id, lengths):
            if self._newest.get(draft_id) != run:
                yield problems.unchanged()
                return
            yield problems.counting(found, *step)
        try:
            more = lengths.value()
        except Abandoned:
            more = None
        if self._newest.get(draft_id) != run:
            yield problems.unchanged()
        elif more is not None and more.found:
            yield problems.shown(report.with_more(more), history, columns, trouble)
        else:
            yield found

    def _looked(self, draft: Draft, progress: Progress) -> Report | None:
        """What the checks find; None where there is nothing to check, which the step says itself."""
        if not draft.data_file or self._data.is_held_back(draft):
            return None
        try:
            found = self._data.found(draft, progress)
        except DataProblem:
            return None
        return self._data.report(draft, progress) if found.mapping.roles else None
