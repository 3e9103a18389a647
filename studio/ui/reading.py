"""A window's file is read in while the page shows how far that is; a person may stop it and begin again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple

from studio.errors import DataProblem, StudioError
from studio.ui.draft import Draft
from studio.ui.own_data import OwnData
from studio.ui.waiting import Abandoned, Step, Work

STOPPED = "Reading was stopped; nothing of the file was kept. Choose another one, or read it again."


class _Going(NamedTuple):
    """What is being read for a window."""

    draft: Draft
    work: Work[Draft]


class Reading:
    """One a page server; of each window the newest reading."""

    def __init__(self, data: OwnData) -> None:
        self._data = data
        self._works: dict[str, _Going] = {}

    def read(self, draft_id: str, draft: Draft) -> Generator[Step, None, Draft]:
        """Steps until the draft's file is read in; gives the draft with the goal that was recognised.

        What is being read for the window already is not begun a second time. Raises nothing that a person
        can cause: what keeps the file from being read is held with the data, which says so whenever it is
        asked.
        """
        if not draft.data_file or self._data.is_held_back(draft):
            return draft
        going = self._works.get(draft_id)
        if going is None or going.work.is_abandoned or _what(going.draft) != _what(draft):
            going = _Going(draft, Work(lambda progress: self._data.read(draft, progress)))
            self._works[draft_id] = going
        is_slow = False
        for step in going.work.steps():
            is_slow = True
            yield step
        try:
            read = going.work.value()
            self._data.let_go(draft)  # where it was stopped when all was done
            return replace(draft, objective=read.objective, objective_for=read.objective_for)
        except Abandoned:
            self._data.hold_back(draft, StudioError(STOPPED, code="stopped"))
        except StudioError as error:
            # What was quickly found may be as quickly found again: it may be mended meanwhile.
            if is_slow or not isinstance(error, DataProblem):
                self._data.hold_back(draft, error)
        finally:
            if self._works.get(draft_id) is going:
                del self._works[draft_id]
        return draft

    def stop(self, draft_id: str) -> None:
        """End what is being read for a window; nobody else begins to read it meanwhile."""
        if draft_id in self._works:
            draft, work = self._works[draft_id]
            self._data.hold_back(draft, StudioError(STOPPED, code="stopped"))
            work.stop()

    def pass_over(self, draft_id: str, draft: Draft) -> None:
        """End what is being read for a window, where the person has chosen another file."""
        if draft_id in self._works and self._works[draft_id].draft.data_file != draft.data_file:
            self._works[draft_id].work.stop()


def _what(draft: Draft) -> tuple[object, ...]:
    """What is read, and as what: for equal ones one reading is enough."""
    settled = draft.objective_for == draft.data_file
    columns = tuple(sorted((draft.chosen_columns or {}).items()))
    goal = draft.objective if settled else ""
    return draft.data_file, draft.chosen_part, goal, columns, draft.version
