"""What happens in the table of methods: each is estimated for the form as it stands, one after the other."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.methods import METHODS
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.draft import Draft
from studio.ui.steps import methods_part
from studio.ui.steps.methods_part import Row
from studio.ui.steps.step import Fields
from studio.ui.wiring import QUIET, WITH_PROGRESS, once_settled

Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]
# Who types on would else have every keystroke compared.
_SETTLES_S = 0.7


class SideBySide:
    """The table's handlers; `read` is the form's. Of a window's runs the newest goes on.

    The worker is asked for one method at a time: the live figures, which a person waits for, pass between.
    """

    def __init__(self, backstage: Backstage, read: Read) -> None:
        self._backstage = backstage
        self._read = read
        self._numbers = itertools.count()
        self._newest: dict[str, int] = {}

    def wire(self, fields: Fields, draft_id: Any, part: methods_part.Controls) -> None:
        """The table is filled while it is open, anew after every change; a row's button chooses."""
        inputs = [part.is_open, draft_id, *fields.inputs]
        part.accordion.expand(lambda: "open", None, part.is_open, **QUIET)
        part.accordion.collapse(lambda: "", None, part.is_open, **QUIET)
        gr.on(
            once_settled(
                [part.is_open.change, *(component.change for component in fields.inputs)], draft_id
            ),
            spoken(self.compare),
            inputs,
            part.table,
            # Not "always_last": a newer run ends the older one.
            trigger_mode="multiple",
            **WITH_PROGRESS,
        )
        method = fields.components["method"]
        part.table.select(spoken(self.choose), None, method, **QUIET)

    def compare(self, is_open: str, *shown: Any) -> Iterator[Any]:
        """Fill the table, where it is open; the chosen method comes first."""
        draft_id, draft = self._read(shown)
        number = self._newest[draft_id] = next(self._numbers)
        if not is_open or not draft.model_source:
            yield gr.skip()
            return
        names = sorted(METHODS, key=lambda name: name != draft.method)
        rows = [Row(name) for name in names]
        time.sleep(_SETTLES_S)
        for place, name in enumerate(names):
            if self._newest.get(draft_id) != number:
                break
            yield methods_part.shown(rows, draft.method)
            rows[place] = self._row(replace(draft, method=name), draft_id)
        # Gradio shows what was said last once more: an older run must not say anything then.
        is_newest = self._newest.get(draft_id) == number
        yield methods_part.shown(rows, draft.method) if is_newest else gr.skip()

    def choose(self, event: gr.EventData) -> Any:
        """A row's button: the form's method."""
        chosen = str(event.chosen)
        return chosen if chosen in METHODS else gr.skip()

    def _row(self, draft: Draft, draft_id: str) -> Row:
        try:
            found = self._backstage.model_worker.estimate(
                self._backstage.own_data.without_unread(draft).to_spec(),
                lane=f"{draft_id} methods",
            )
        except StudioError as error:
            said = " ".join(each.words for each in getattr(error, "fields", ())) or error.words
            return Row(draft.method, problem=said)
        return Row(draft.method, found)
