"""What happens when the form changes: the live figures, the panel, and the settings that make it fit."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.data.progress import Progress
from studio.errors import AskedWrongly, StudioError
from studio.spec import TrainSpec
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.draft import Draft
from studio.ui.figures import counted_html, figures_html
from studio.ui.steps import method_step, needs_part
from studio.ui.steps.needs_part import CHANGED
from studio.ui.steps.step import Fields, problem_html
from studio.ui.waiting import Work
from studio.ui.wiring import QUIET, WITH_PROGRESS, once_settled
from studio.worker.fitting import Fitting, make_it_fit

# The figures on the page are of an earlier form until the new ones are there.
MARK_STALE = """(...values) => {
  document.querySelectorAll('#figures, #needs').forEach(each => each.classList.add('stale'));
  return values;
}"""


@dataclass(frozen=True)
class Shown:
    """The components of the live line: its figures, the counts that come before, whether those are all."""

    figures: Any
    counted: Any
    is_partial: Any


Read = Callable[[tuple[Any, ...]], tuple[str, Draft]]


@dataclass(frozen=True)
class _Newest:
    """What a window's form held when it was asked of last, and whether its figures are there."""

    draft: Draft
    is_answered: bool = False


class Estimating:
    """The handlers of the figures; `read` is the form's. Of a window's requests the newest is answered."""

    def __init__(self, backstage: Backstage, read: Read) -> None:
        self._backstage = backstage
        self._read = read
        self._newest: dict[str, _Newest] = {}

    def wire(
        self, fields: Fields, draft_id: Any, shown: Shown, needs: needs_part.Controls, tried: Any
    ) -> None:
        """The figures follow every change, and then what a trial step says; what does not fit can be made
        to fit, and put back."""
        inputs = [draft_id, *fields.inputs]
        figures = [shown.figures, *needs.shown]
        told = gr.on(
            once_settled(
                [component.change for component in fields.inputs], draft_id, on_opening=True
            ),
            spoken(self.at_once),
            inputs,
            [shown.is_partial, shown.counted, *figures],
            js=MARK_STALE,
            trigger_mode="always_last",
            **QUIET,
        ).then(
            spoken(self.the_rest),
            [shown.is_partial, *inputs],
            figures,
            trigger_mode="always_last",
            **QUIET,
        )
        told.then(spoken(self.trial), inputs, tried, trigger_mode="always_last", **QUIET)
        settings = [fields.components[name] for name in needs_part.CHANGED.values()]
        outputs = [*needs.fitted, *settings]
        needs.fit.click(spoken(self.fit), inputs, outputs, trigger_mode="once", **WITH_PROGRESS)
        needs.back.click(spoken(self.put_back), needs.before, outputs, **QUIET)

    def at_once(self, *shown: Any) -> list[Any]:
        """What is known at once for what the form holds now: all, or the counts while the rest is computed."""
        draft_id, draft = self._read(shown)
        self._newest[draft_id] = _Newest(draft)
        if not draft.model_source:
            return ["", "", figures_html(None), *needs_part.shown(None)]
        worker = self._backstage.model_worker
        found, answer = self._asked(draft_id, draft, lambda spec: worker.soon(spec, lane=draft_id))
        if found is None or "memory" in found:
            return ["", "", *answer]
        return ["partial", counted_html(found), gr.skip(), *needs_part.unchanged()]

    def the_rest(self, is_partial: str, *shown: Any) -> list[Any]:
        """The live line and the panel, where only the counts were known at once."""
        if not is_partial:
            return [gr.skip(), *needs_part.unchanged()]
        draft_id, draft = self._read(shown)
        worker = self._backstage.model_worker
        _, answer = self._asked(draft_id, draft, lambda spec: worker.estimate(spec, lane=draft_id))
        # What the form holds since may have been refused at once, without asking the worker.
        is_newest = self._is_newest(draft_id, draft)
        return answer if is_newest else [gr.skip(), *needs_part.unchanged()]

    def _asked(
        self, draft_id: str, draft: Draft, ask: Callable[[TrainSpec], dict[str, Any]]
    ) -> tuple[dict[str, Any] | None, list[Any]]:
        """What the worker answers (None where it has no answer), and the updates that show it."""
        try:
            # While the file is being read in, the worker must not begin to read it, too.
            found = ask(self._backstage.own_data.without_unread(draft).to_spec())
        except AskedWrongly as error:
            self._answered(draft_id, draft)
            titles = method_step.field_titles(draft)
            lines = [f"{titles.get(each.field, each.field)}: {each.words}" for each in error.fields]
            words = " ".join(lines) or error.words
            return None, [figures_html(None, words), *needs_part.shown(None)]
        except StudioError as error:
            # A later question took this one's place; its answer is on the way.
            if error.code == "superseded":
                return None, [gr.skip(), *needs_part.unchanged()]
            self._answered(draft_id, draft)
            return None, [figures_html(None, error.words), *needs_part.shown(None)]
        if "memory" not in found:
            return found, []
        self._answered(draft_id, draft)
        return found, [figures_html(found), *needs_part.shown(found)]

    def _is_newest(self, draft_id: str, draft: Draft) -> bool:
        """Of a window that a restarted server knows nothing of, what it holds now is."""
        return self._newest.get(draft_id, _Newest(draft)).draft == draft

    def _answered(self, draft_id: str, draft: Draft) -> None:
        if self._is_newest(draft_id, draft):
            self._newest[draft_id] = _Newest(draft, is_answered=True)

    def trial(self, *shown: Any) -> Any:
        """Whether one step on a few of the model's layers works with what the form holds now."""
        draft_id, draft = self._read(shown)
        if not draft.model_source:
            return ""
        if self._newest.get(draft_id) != _Newest(draft, is_answered=True):
            # Its figures are still to come, and a trial asked now would make them wait for it.
            return gr.skip()
        try:
            found = self._backstage.model_worker.trial(draft.to_spec(), lane=draft_id)
        except StudioError as error:
            # What cannot be used at all the settings and the figures say already.
            return gr.skip() if error.code == "superseded" else ""
        return trial_html(found)

    def fit(self, *shown: Any) -> Iterator[list[Any]]:
        """Search the settings that fit, saying how far it is, and put them into the form."""
        draft_id, draft = self._read(shown)
        nothing = [gr.skip()] * len(CHANGED)
        yield [*needs_part.working("Looking for the gentlest settings that fit …"), *nothing]
        spec = draft.to_spec()
        work = Work(lambda progress: self._search(spec, draft_id, progress))
        for step in work.steps():
            yield [*needs_part.working(step.words or "Looking …"), *nothing]
        found = work.value()
        changed = {CHANGED[change.field]: change.after for change in found.changes}
        said = needs_part.planned(found)
        yield [*said, *_put(changed)]
        # Gradio shows what was said last once more: by then the person may have changed it again.
        yield [*said, *nothing]

    def put_back(self, before: str) -> list[Any]:
        """The settings as they were before the plan."""
        return [*needs_part.restored(), *_put(json.loads(before) if before else {})]

    def _search(self, spec: TrainSpec, draft_id: str, progress: Progress) -> Fitting:
        worker, lane = self._backstage.model_worker, f"{draft_id} fit"
        asked = worker.estimate(spec, lane=lane)
        free = asked["verdict"]["free_bytes"]
        lengths = {} if asked["verdict"]["fits"] else worker.lengths(spec, lane=lane)
        return make_it_fit(
            spec,
            lambda each: worker.estimate(each, memory_bytes=free, lane=lane),
            lengths,
            lambda words: progress(0.0, words),
        )


def trial_html(found: Mapping[str, Any]) -> str:
    """What the trial says, beside the method."""
    if found["works"] is False:
        return problem_html(str(found["words"]))
    return f'<p class="quiet" role="status">{html.escape(str(found["words"]))}</p>'


def _put(values: Mapping[str, Any]) -> list[Any]:
    """Updates of the controls that a plan may change; those not named stay."""
    return [values.get(name, gr.skip()) for name in CHANGED.values()]
