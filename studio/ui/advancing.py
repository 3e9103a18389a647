"""Next, Back and Start: a step is checked while the page shows how far that is, and left once it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from jobs.errors import QueueError, StoreBusy
from studio.data.progress import Progress, silent
from studio.errors import AskedWrongly, StudioError
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.reading import Reading
from studio.ui.steps import data_step, method_step, model_step, review_step, step
from studio.ui.steps.step import DATA, METHOD, MODEL, REVIEW, note_html, problem_html
from studio.ui.waiting import Abandoned, Step, Work, Works

Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]

_LOOKING_STOPPED = (
    "This was stopped. Choose Next once more to have the rows looked at for this goal."
)
_START_STOPPED = "This was stopped; nothing was put into the queue."


class Advancing:
    """The handlers; `read` is the form's. Stop ends what a window's newest of them does."""

    def __init__(self, backstage: Backstage, reading: Reading, read: Read) -> None:
        self._backstage = backstage
        self._data = backstage.own_data
        self._reading = reading
        self._read = read
        self._works = Works()

    def advance(self, number: int) -> Callable[..., list[Any]]:
        """The handler of the Next of a step without rows: on to the next, or what is missing in words."""

        def advancing(*shown: Any) -> list[Any]:
            draft_id, draft = self._read(shown)
            words = self.missing(number, draft)
            if words:
                return [gr.skip(), problem_html(words), *[gr.skip()] * 3]
            return [self._move(draft_id, draft, number + 1), gr.skip(), *self._review(draft)]

        return advancing

    def leave_data(self, *shown: Any) -> Iterator[list[Any]]:
        """The handler of the data's Next: its file is read in and looked at for the goal first."""
        draft_id, draft = self._read(shown)
        began = time.time()
        here = [gr.skip()] * 3
        draft = yield from told(
            self._reading.read(draft_id, draft),
            lambda how_far: [gr.skip(), *data_step.busy("Reading the file", how_far), *here],
        )
        work = Work(lambda progress: self.missing(DATA, draft, progress))
        is_slow = False
        for how_far in self._works.steps(draft_id, work):
            is_slow = True
            said = data_step.busy("Looking at the rows for this goal", how_far)
            yield [gr.skip(), *said, *here]
        try:
            words = work.value()
        except Abandoned:
            words = _LOOKING_STOPPED
        except StudioError as error:
            words = error.words
        if self._has_another_file(draft_id, draft, began):
            # Its findings stand there by now.
            yield [gr.skip()] * 6
            return
        _, button = found = data_step.findings_shown(draft, self._data)
        if words:
            yield [gr.skip(), problem_html(words), button, *here]
            return
        moved = self._move(draft_id, draft, METHOD)
        yield [moved, *(found if is_slow else [gr.skip()] * 2), *self._review(draft)]

    def go_back(self, number: int) -> Callable[..., Any]:
        """The handler of a step's Back."""

        def going_back(*shown: Any) -> Any:
            return self._move(*self._read(shown), number - 1)

        return going_back

    def start(self, *shown: Any) -> Iterator[list[Any]]:
        """Check every step, keep the rows, queue the training, and give the job's number to go to.

        It goes on where the window is closed meanwhile: the person has asked for it.
        """
        draft_id, draft = self._read(shown)
        if not self._data.is_known(draft):
            draft = yield from told(self._reading.read(draft_id, draft), review_step.busy)
        work = Work(lambda progress: self._queued(draft_id, draft, progress), goes_on=True)
        for how_far in self._works.steps(draft_id, work):
            yield review_step.busy(how_far)
        try:
            yield review_step.idle("", str(work.value()))
        except Abandoned:
            yield review_step.idle(note_html(_START_STOPPED))
        except (StudioError, QueueError) as error:
            yield review_step.idle(problem_html(error.words))

    def stop(self, *shown: Any) -> None:
        """End what Next or Start is doing; before anything is in the queue, nothing of it stays."""
        draft_id, _ = self._read(shown)
        if not self._works.stop(draft_id):
            self._reading.stop(draft_id)

    def missing(self, number: int, draft: Draft, on_progress: Progress = silent) -> str:
        """Why a step is not done yet, in words; empty when it is."""
        home = self._backstage.home
        if number == MODEL:
            return model_step.missing(draft, home)
        if number == DATA:
            missing = data_step.missing(draft, self._data, on_progress)
            return missing or model_step.unsuited(draft, home)
        return method_step.missing(draft) or self._cannot_go_on(draft)

    def _cannot_go_on(self, draft: Draft) -> str:
        """Why the earlier training cannot be gone on from, in words; empty where it can."""
        if not draft.adapter:
            return ""
        try:
            self._backstage.orders.refuse_adapter(draft.to_spec())
        except (StudioError, QueueError) as error:
            return error.words
        return ""

    def first_missing(self, draft: Draft, on_progress: Progress = silent) -> str:
        """The first step that is not done yet, and why; empty when all are."""
        for number in (MODEL, DATA, METHOD):
            words = self.missing(number, draft, on_progress)
            if words:
                return f"{step.TITLES[number]}: {words}"
        return ""

    def _queued(self, draft_id: str, draft: Draft, on_progress: Progress) -> int:
        words = self.first_missing(draft, on_progress)
        if words:
            raise AskedWrongly(words)
        spec = replace(draft.to_spec(), name=draft.title)
        job = self._backstage.orders.train(spec, on_progress=on_progress)
        done = replace(draft, step=REVIEW, started=job.id)
        self._backstage.library.save_draft(draft_id, done.to_json())
        return job.id

    def _move(self, draft_id: str, draft: Draft, number: int) -> Any:
        if draft_id:
            kept = replace(draft, step=number).to_json()
            self._backstage.library.save_draft(draft_id, kept)
        return gr.Walkthrough(selected=number)

    def _has_another_file(self, draft_id: str, draft: Draft, since: float) -> bool:
        """Whether the window was given another file, or none, since that time (Unix seconds)."""
        try:
            row = self._backstage.library.draft(draft_id) if draft_id else None
        except StoreBusy:
            return False
        if row is None or row.updated_at < since:
            return False
        return Draft.from_json(row.value).data_file != draft.data_file

    def _review(self, draft: Draft) -> list[Any]:
        return review_step.shown(draft, self._data)


def told(
    reading: Generator[Step, None, Draft], update: Callable[[Step], list[Any]]
) -> Generator[list[Any], None, Draft]:
    """An update for each step of a reading; gives what the reading gives."""
    while True:
        try:
            how_far = next(reading)
        except StopIteration as done:
            draft: Draft = done.value
            return draft
        yield update(how_far)
