"""Intake: the form's file is read in while the page shows how far, recognised, and corrected by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from studio.ui.advancing import Advancing, told
from studio.ui.backstage import Backstage
from studio.ui.checking import SETTLED
from studio.ui.draft import Draft
from studio.ui.reading import Reading
from studio.ui.steps import data_step, review_step

Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]
Keep = Callable[[str, Draft], None]


class Intake:
    """The handlers; `read` and `keep` are the form's, and what `advancing` does is stopped with the reading."""

    def __init__(
        self, backstage: Backstage, reading: Reading, advancing: Advancing, read: Read, keep: Keep
    ) -> None:
        self._backstage = backstage
        self._data = backstage.own_data
        self._reading = reading
        self._advancing = advancing
        self._read = read
        self._keep = keep

    def read_opened(self, *shown: Any) -> Iterator[list[Any]]:
        """What an opened page's file holds, where that is not known yet: it may take a while."""
        draft_id, draft = self._read(shown)
        if not draft.data_file or self._data.is_known(draft):
            yield [*data_step.unchanged(), *[gr.skip()] * 3]
            return
        draft = self._as_kept(draft_id, draft)
        for update in self._read_in(draft_id, draft):
            yield [*update, *[gr.skip()] * 3]
        draft = self._as_kept(draft_id, draft)
        yield [*data_step.shown(draft, self._data), *review_step.shown(draft, self._data)]

    def data_changed(self, *shown: Any) -> Iterator[list[Any]]:
        """Another file: its findings; goal and columns are recognised anew."""
        draft_id, draft = self._read(shown)
        yield from self._read_in(draft_id, self._as_kept(draft_id, draft))

    def stop_or_read_again(self, *shown: Any) -> Iterator[list[Any]]:
        """What is being read is stopped; what was stopped, or failed, is read once more."""
        draft_id, draft = self._read(shown)
        if not self._data.is_held_back(draft):
            self._advancing.stop(*shown)
            yield data_step.unchanged()
            return
        self._data.let_go(draft)
        yield from self._read_in(draft_id, draft)

    def pass_over(self, *shown: Any) -> None:
        """What is being read for this window is given up, if it is another file by now."""
        self._reading.pass_over(*self._read(shown))

    def _read_in(self, draft_id: str, draft: Draft) -> Iterator[list[Any]]:
        """Updates of the data's step while the file is read in, at last what was found in it."""
        reading = self._reading.read(draft_id, draft)
        self._keep(draft_id, draft)
        read = yield from told(reading, data_step.reading)
        self._keep(draft_id, self._meanwhile(draft_id, draft, read))
        yield data_step.shown(read, self._data)

    def _meanwhile(self, draft_id: str, before: Draft, read: Draft) -> Draft:
        """The draft that was read in, with what the person changed of the rest meanwhile."""
        try:
            row = self._backstage.library.draft(draft_id) if draft_id else None
        except StoreBusy:
            row = None
        kept = Draft.from_json(row.value) if row is not None else before
        if kept.data_file != read.data_file:
            return kept
        return replace(kept, objective=read.objective, objective_for=read.objective_for)

    def _as_kept(self, draft_id: str, draft: Draft) -> Draft:
        """The draft with what was chosen for its file, where the window is only being opened.

        The file's control changes then too, and the columns' may not show their choice yet.
        """
        row = self._backstage.library.draft(draft_id) if draft_id else None
        kept = Draft.from_json(row.value) if row is not None else None
        if kept is None or kept.data_file != draft.data_file:
            return draft
        names = ("objective", "objective_for", "columns", *SETTLED)
        return replace(draft, **{name: getattr(kept, name) for name in names})

    def goal_chosen(self, *shown: Any) -> Iterator[list[Any]]:
        """A goal chosen by hand: it holds for this file, and the columns are recognised for it."""
        draft_id, draft = self._read(shown)
        yield from self._read_in(draft_id, replace(draft, objective_for=draft.data_file))

    def part_chosen(self, *shown: Any) -> Iterator[list[Any]]:
        """A sheet or other part chosen by hand: it holds for this file from now on."""
        draft_id, draft = self._read(shown)
        draft = replace(draft, part_for=draft.data_file)
        for update in self._read_in(draft_id, draft):
            yield [draft.part_for, *update]

    def roles_chosen(self, *shown: Any) -> Iterator[list[Any]]:
        """A column chosen by hand: it holds for this file from now on."""
        draft_id, draft = self._read(shown)
        draft = replace(draft, columns_for=draft.mapped)
        self._keep(draft_id, draft)
        for update in self._read_in(draft_id, draft):
            _, _, findings, _, preview, *_, reading, _ = update
            yield [draft.columns_for, findings, preview, reading]
