"""What happens when advice is asked for: the answers, a person's own rows, and what fits this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import AskedWrongly, StudioError
from studio.methods.advice import Advice, Need, advise
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.draft import Draft
from studio.ui.steps import picker_part
from studio.ui.steps.step import Fields
from studio.ui.wiring import QUIET, WITH_PROGRESS

Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]
# Who types on would else have every figure compared.
_SETTLES_S = 0.4
_COMPARING = "Comparing it with what is free on this machine …"


class Advising:
    """The advice's handlers; `read` is the form's. Of a window's questions the newest is answered.

    The worker is asked only once a person asks for advice: nobody else waits for its figures.
    """

    def __init__(self, backstage: Backstage, read: Read) -> None:
        self._backstage = backstage
        self._read = read
        self._numbers = itertools.count()
        self._newest: dict[str, int] = {}

    def wire(
        self, fields: Fields, draft_id: Any, known: Sequence[Any], part: picker_part.Picker
    ) -> None:
        """Once the rows are `known` their number is filled in and a method marked; whoever asks for help, or
        answers anew, gets what fits."""
        inputs = [*part.asked, part.rows, draft_id, *fields.inputs]
        filled = [part.examples, part.rows, *part.advised]
        for each in known:
            each.then(spoken(self.counted), inputs, filled, **QUIET)
        opened = part.accordion.expand(spoken(self.counted), inputs, filled, **QUIET)
        asked = [part.matters.input, part.tasks.input, part.examples.input, opened.then]
        for trigger in asked:
            trigger(
                spoken(self.compared),
                inputs,
                part.advised,
                # Not "always_last": a newer question ends the older one.
                trigger_mode="multiple",
                **WITH_PROGRESS,
            )

    def counted(
        self, examples: float | None, matters: Any, tasks: Any, rows: Any, *shown: Any
    ) -> Any:
        """The number of examples, where the form's rows are others than before, and the advice for it."""
        _, draft = self._read(shown)
        own = self._rows(draft)
        if not own or own == rows:
            advice = advise(int(examples or 1), matters, tasks)
            return [gr.skip(), gr.skip(), *picker_part.advised(advice)]
        return [own, own, *picker_part.advised(advise(own, matters, tasks))]

    def compared(
        self, examples: float | None, matters: Any, tasks: Any, rows: Any, *shown: Any
    ) -> Iterator[list[Any]]:
        """The advice by the answers at once, and then what of it fits here."""
        draft_id, draft = self._read(shown)
        number = self._newest[draft_id] = next(self._numbers)
        asked = int(examples or 1), matters, tasks
        first = advise(*asked)
        if not draft.model_source:
            yield picker_part.advised(first)
            return
        yield picker_part.advised(first, _COMPARING)
        time.sleep(_SETTLES_S)
        if self._newest[draft_id] == number:
            first = advise(*asked, lambda each: self._need(each, draft_id, draft))
        # Gradio shows what was said last once more: an older question must not say anything then.
        is_newest = self._newest[draft_id] == number
        yield picker_part.advised(first) if is_newest else [gr.skip()] * 3

    def _rows(self, draft: Draft) -> int:
        """How many rows the form's file has; 0 while that is not known."""
        data = self._backstage.own_data
        if not draft.data_file or not data.is_known(draft):
            return 0
        try:
            return len(data.found(draft).table.rows)
        except StudioError:
            return 0

    def _need(self, advice: Advice, draft_id: str, draft: Draft) -> Need | None:
        """What the form would need with the advice taken; None where that cannot be told."""
        settings = {**draft.settings.get(advice.method, {}), **advice.settings}
        asked = replace(
            draft,
            method=advice.method,
            settings={advice.method: settings},
            training={**draft.training, **advice.training},
            quantization=advice.quantization,
        )
        asked = self._backstage.own_data.without_unread(asked)
        try:
            found = self._backstage.model_worker.estimate(
                asked.to_spec(), lane=f"{draft_id} advice"
            )
        except AskedWrongly as error:
            return Need(refused=" ".join(each.words for each in error.fields) or error.words)
        except StudioError:
            return None
        verdict = found["verdict"]
        return Need(verdict["needs_bytes"], verdict["free_bytes"])
