"""New training: the walkthrough Model, Data, Method, Review, with its figures always in view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from jobs.errors import QueueError, StoreBusy
from studio.errors import StudioError
from studio.ui.advancing import Advancing
from studio.ui.advising import Advising
from studio.ui.backstage import Backstage, upload_folder
from studio.ui.boundary import spoken
from studio.ui.checking import SETTLED, Checking
from studio.ui.draft import Draft, new_id
from studio.ui.estimating import Estimating
from studio.ui.filled import draft_of, field_value
from studio.ui.intake import Intake
from studio.ui.pages.new_training_layout import Layout, lay_out
from studio.ui.pages.page import Page
from studio.ui.reading import Reading
from studio.ui.side_by_side import SideBySide
from studio.ui.steps import (
    data_step,
    earlier_part,
    hub_part,
    method_step,
    model_step,
    rate_part,
    review_step,
    seen_part,
    settings_part,
    source_part,
)
from studio.ui.steps.step import DATA, METHOD, MODEL, REVIEW, Fields, problem_html
from studio.ui.wiring import QUIET, TELLING, WITH_PROGRESS, once_settled, opening

# The draft's id is part of the address: a reload, or a server started anew, shows the same form.
# The curtain goes last: by then every control shows the draft.
OPENED = "(id) => { if (id) history.replaceState(null, '', '/?draft=' + id); return [id, '']; }"
# The fields that say which file it is.
DATA_FIELDS = ("from", "upload", "path", "pasted", "fetched")
GO_TO_JOB = "(id) => { if (id) location.assign('/jobs?job=' + id); return [id]; }"


def build(backstage: Backstage) -> None:
    """Make the page's components and wire them."""
    fields = Fields()
    layout = lay_out(fields)
    form = Form(backstage, fields)
    wire_fields(form, layout)
    wire_earlier(form, layout)
    wire_sources(form, layout)
    left = wire_steps(form, layout)
    wire_rate(form, layout)
    wire_problems(form, layout)
    form.estimating.wire(fields, layout.draft_id, layout.shown, layout.needs, layout.method.tried)
    form.side_by_side.wire(fields, layout.draft_id, layout.methods)
    known = [left, *wire_opening(form, layout)]
    form.advising.wire(fields, layout.draft_id, known, layout.method.picker)


def wire_fields(form: Form, layout: Layout) -> None:
    """Every change is kept and shown; the figures follow it."""
    part = form.fields.components
    inputs = [layout.draft_id, *form.fields.inputs]
    settings = [component for name, component in part.items() if _is_setting(name)]
    model = [part["model_from"], part["model_path"], part["model_hub"]]
    data = [part[f"data_{name}"] for name in DATA_FIELDS]
    for components, handler, outputs, how in (
        (model, form.model_changed, layout.model_shown, QUIET),
        (data, form.intake.data_changed, layout.data_shown, WITH_PROGRESS),
        (
            [*settings, part["held_out"], part["licence"], part["name"]],
            form.settings_changed,
            layout.method_shown,
            QUIET,
        ),
    ):
        done = gr.on(
            once_settled([component.change for component in components], layout.draft_id),
            spoken(handler),
            inputs,
            outputs,
            trigger_mode="always_last",
            **how,
        )
        if components is data:
            done.then(*form.checks(layout), **WITH_PROGRESS)
    kinds = [part[name].change for name in ("model_from", "model_path", "model_hub", "objective")]
    gr.on(
        once_settled(kinds, layout.draft_id, on_opening=True),
        spoken(form.surveyed),
        inputs,
        layout.method.settings.form,
        trigger_mode="always_last",
        **QUIET,
    )
    # By hand only: what the page fills in itself is no choice.
    layout.data.goal.choice.input(
        spoken(form.intake.goal_chosen),
        inputs,
        layout.data_shown,
        trigger_mode="always_last",
        **WITH_PROGRESS,
    ).then(*form.checks(layout), **WITH_PROGRESS)
    for role in layout.data.roles.values():
        chosen = [part["columns_for"], *layout.roles_shown]
        role.input(spoken(form.intake.roles_chosen), inputs, chosen, **WITH_PROGRESS).then(
            *form.checks(layout), **WITH_PROGRESS
        )
    decisive = [part[name].change for name in part if _decides_what_is_seen(name)]
    gr.on(
        once_settled(decisive, layout.draft_id, on_opening=True),
        spoken(form.seen),
        inputs,
        layout.data.seen,
        trigger_mode="always_last",
        **QUIET,
    )


def wire_earlier(form: Form, layout: Layout) -> None:
    """An earlier training chosen by hand brings its method and settings along."""
    part, earlier = form.fields.components, layout.model.earlier
    brought = [part["method"], part["settings"], part["quantization"]]
    gr.on(
        [earlier.run.input, earlier.use.input],
        spoken(form.adapter_chosen),
        [earlier.run, earlier.use, part["settings"]],
        [earlier.use, *brought],
        **QUIET,
    )


def wire_sources(form: Form, layout: Layout) -> None:
    """An upload, pasted cells and a chosen sheet arrive in the form."""
    part = form.fields.components
    inputs = [layout.draft_id, *form.fields.inputs]
    layout.data.part.input(
        spoken(form.intake.part_chosen),
        inputs,
        [part["part_for"], *layout.data_shown],
        **WITH_PROGRESS,
    ).then(*form.checks(layout), **WITH_PROGRESS)
    layout.data.reading.click(
        spoken(form.intake.stop_or_read_again),
        inputs,
        layout.data_shown,
        trigger_mode="multiple",
        **WITH_PROGRESS,
    ).then(*form.checks(layout), **WITH_PROGRESS)
    # Another file is not begun before the one before it was read: that one is given up.
    sources = [part[f"data_{name}"] for name in DATA_FIELDS]
    chosen = once_settled([each.change for each in sources], layout.draft_id)
    gr.on(chosen, form.intake.pass_over, inputs, None, **QUIET)
    layout.data.paste.change(
        spoken(form.pasted),
        layout.data.paste,
        part["data_pasted"],
        trigger_mode="always_last",
        **QUIET,
    )
    hub = layout.data.hub
    fetching = hub.fetch.click(
        spoken(form.fetching),
        hub.name,
        [hub.said, hub.fetched, hub.stop, hub.fetch],
        # Not "once": the window takes a stopped download for a going one for a moment longer.
        trigger_mode="multiple",
        **WITH_PROGRESS,
    )
    hub.stop.click(
        hub_part.stopped, None, [hub.said, hub.stop, hub.fetch], cancels=[fetching], **QUIET
    )
    drop = layout.data.drop
    drop.upload(lambda path: path or "", drop, part["data_upload"], **QUIET)
    drop.clear(lambda: "", None, part["data_upload"], **QUIET)


def wire_steps(form: Form, layout: Layout) -> Any:
    """Next, Back and Start; gives what ends with the data left."""
    inputs = [layout.draft_id, *form.fields.inputs]
    advancing = form.advancing
    for number, forward, problems in (
        (MODEL, layout.model.forward, layout.model.card),
        (METHOD, layout.method.forward, layout.method.problems),
    ):
        outputs = [layout.walkthrough, problems, *layout.review_shown]
        moved = forward.click(spoken(advancing.advance(number)), inputs, outputs, **QUIET)
        if number == MODEL:
            moved.then(*form.checks(layout), **WITH_PROGRESS)
    left = layout.data.forward.click(
        spoken(advancing.leave_data),
        inputs,
        [
            layout.walkthrough,
            layout.data.findings,
            layout.data.reading,
            *layout.review_shown,
        ],
        trigger_mode="once",
        **WITH_PROGRESS,
    )
    for number, back in (
        (DATA, layout.data.back),
        (METHOD, layout.method.back),
        (REVIEW, layout.review.back),
    ):
        back.click(spoken(advancing.go_back(number)), inputs, layout.walkthrough, **QUIET)
    layout.review.start.click(
        spoken(advancing.start),
        inputs,
        layout.start_shown,
        trigger_mode="once",
        **WITH_PROGRESS,
    ).then(None, layout.started, layout.started, js=GO_TO_JOB)
    layout.review.stop.click(spoken(advancing.stop), inputs, None, **QUIET)
    return left


def wire_rate(form: Form, layout: Layout) -> None:
    """The test that finds a learning rate."""
    part = layout.method.rate
    inputs = [layout.draft_id, *form.fields.inputs]
    part.find.click(
        spoken(form.finding_rate), inputs, part.shown, trigger_mode="once", **WITH_PROGRESS
    )


def wire_problems(form: Form, layout: Layout) -> None:
    """What mends the data: the list's buttons, and the changes by hand."""
    panel = layout.data.problems
    inputs = [layout.draft_id, *form.fields.inputs]
    settled = [form.fields.components[name] for name in SETTLED]
    outputs = [*panel.shown, *settled, layout.data.findings, layout.data.preview, panel.done]
    checking = form.checking
    for trigger, handler, asked in (
        (panel.listed.select, checking.mend, []),
        (panel.counting.select, checking.mend, []),
        (panel.write.click, checking.write, [panel.row, panel.column, panel.text]),
        (panel.drop.click, checking.drop, [panel.rows]),
    ):
        # Not "once": a fix is done before its checks have counted the last tokens.
        trigger(
            spoken(handler), [*asked, *inputs], outputs, trigger_mode="multiple", **WITH_PROGRESS
        )
    gr.on(
        [panel.row.change, panel.column.input],
        spoken(checking.cell),
        [panel.row, panel.column, *inputs],
        panel.text,
        **QUIET,
    )


def wire_opening(form: Form, layout: Layout) -> list[Any]:
    """A draft is shown when the page opens, an empty one on Start over; gives what ends with the draft's
    data read."""
    # The window has no id of its own until everything in it is the draft's: what the controls say
    # while they are being filled is not written down.
    outputs = [
        layout.opened_id,
        layout.walkthrough,
        *(form.fields.components[name] for name in form.restored),
        *layout.model_shown,
        *layout.data_shown,
        *layout.method_shown,
        *layout.review_shown,
    ]
    emptied = layout.start_over.click(None, None, layout.draft_id, js="() => ['']")
    read = []
    for filled in (
        gr.on([opening()], spoken(form.open), None, outputs, **TELLING),
        emptied.then(spoken(form.start_over), None, outputs, **QUIET),
    ):
        there = filled.then(None, layout.opened_id, [layout.draft_id, layout.curtain], js=OPENED)
        read.append(
            there.then(
                spoken(form.intake.read_opened),
                [layout.draft_id, *form.fields.inputs],
                [*layout.data_shown, *layout.review_shown],
                **WITH_PROGRESS,
            )
        )
        read[-1].then(*form.checks(layout), **WITH_PROGRESS)
    return read


class Form:
    """Between the window's controls and the draft's row; holds nothing itself."""

    def __init__(self, backstage: Backstage, fields: Fields) -> None:
        self.backstage = backstage
        self.fields = fields
        self.data = backstage.own_data
        self.reading = Reading(self.data)
        self.advancing = Advancing(backstage, self.reading, self.read)
        self.intake = Intake(backstage, self.reading, self.advancing, self.read, self.keep)
        self.checking = Checking(self.data, self.read, self.keep)
        self.estimating = Estimating(backstage, self.read)
        self.side_by_side = SideBySide(backstage, self.read)
        self.advising = Advising(backstage, self.read)

    def checks(self, layout: Layout) -> tuple[Any, list[Any], list[Any]]:
        """The event that looks through the data: handler, inputs, outputs."""
        inputs = [layout.draft_id, *self.fields.inputs]
        return spoken(self.checking.check), inputs, layout.data.problems.shown

    @property
    def restored(self) -> list[str]:
        """The fields that an opened page fills from its draft; goal and columns come with the data's
        findings."""
        shown = ("columns.", "objective", "data_part")
        return [name for name in self.fields.components if not name.startswith(shown)]

    def read(self, shown: tuple[Any, ...]) -> tuple[str, Draft]:
        """The draft in the window's controls, and its id."""
        draft_id, *values = shown
        return str(draft_id or ""), draft_of(self.fields.values(values))

    def keep(self, draft_id: str, draft: Draft) -> None:
        """Write the draft down; a window that has no id yet is still being opened."""
        if not draft_id:
            return
        try:
            before = self.backstage.library.draft(draft_id)
            # The step and the job are not controls: they stay as the row has them.
            if before is not None:
                kept = Draft.from_json(before.value)
                draft = replace(draft, step=kept.step, started=kept.started)
            self.backstage.library.save_draft(draft_id, draft.to_json())
        except StoreBusy:
            # The form is still in the window; the next change writes all of it down.
            return

    # What happens on the page.

    def open(self, request: gr.Request) -> list[Any]:
        """The draft in the address, else the newest that was not started, else a new one."""
        library = self.backstage.library
        wanted = request.query_params.get("draft", "")
        if earlier := request.query_params.get("from", ""):
            try:
                return self._going_on(earlier)
            except (StudioError, QueueError) as error:
                gr.Warning(error.words, title="That did not work")
        row = library.draft(wanted) if wanted else library.latest_draft()
        if row is not None:
            draft = Draft.from_json(row.value)
            if draft.started is None or wanted:
                return self._opened(row.id, replace(draft, started=None))
        return self.start_over()

    def start_over(self) -> list[Any]:
        """An empty form under a new id."""
        draft_id = new_id()
        self.backstage.library.save_draft(draft_id, Draft().to_json())
        return self._opened(draft_id, Draft())

    def _going_on(self, run: str) -> list[Any]:
        """A form under a new id that goes on from a finished training."""
        job = self.backstage.orders.require_finished(int(run) if run.isdigit() else 0)
        draft = replace(Draft.of_spec(job.spec["spec"]), name="", adapter=run, adapter_use="train")
        draft_id = new_id()
        self.backstage.library.save_draft(draft_id, draft.to_json())
        return self._opened(draft_id, draft)

    def _opened(self, draft_id: str, draft: Draft) -> list[Any]:
        return [
            draft_id,
            gr.Walkthrough(selected=draft.step),
            *(field_value(draft, name) for name in self.restored),
            *self._model_shown(draft),
            *data_step.opened(draft, self.data),
            *method_step.shown(draft, self.backstage.surveys.known(draft)),
            *review_step.shown(draft, self.data),
        ]

    def model_changed(self, *shown: Any) -> list[Any]:
        """Another model: its card."""
        draft_id, draft = self.read(shown)
        self.keep(draft_id, draft)
        return self._model_shown(draft)

    def _model_shown(self, draft: Draft) -> list[Any]:
        try:
            finished = self.backstage.orders.finished()
        except StoreBusy:
            finished = None
        return model_step.shown(draft, self.backstage.home, finished)

    def adapter_chosen(self, run: str, use: str, said: str) -> list[Any]:
        """An earlier training chosen by hand: its method and settings where its adapter learns on."""
        finished = self.backstage.orders.finished()
        return [gr.Radio(visible=bool(run)), *earlier_part.taken(run, use, said, finished)]

    def pasted(self, text: str) -> str:
        """Cells pasted from a spreadsheet: kept as a file like an upload."""
        return source_part.keep_pasted(text or "", upload_folder(self.backstage.home))

    def fetching(self, name: str) -> Iterator[list[Any]]:
        """A dataset of the Hub comes into the data folder."""
        yield from hub_part.fetching(name or "", self.backstage.home)

    def settings_changed(self, *shown: Any) -> list[Any]:
        """Another method or setting: the groups that go with it, and what cannot be used."""
        draft_id, draft = self.read(shown)
        self.keep(draft_id, draft)
        return method_step.shown(draft, self.backstage.surveys.known(draft), self._said(shown))

    def surveyed(self, *shown: Any) -> Any:
        """Another model or goal: the settings are drawn for it, once the worker told what it is made of."""
        draft_id, draft = self.read(shown)
        base = self.backstage.surveys.ask(draft, lane=draft_id)
        return settings_part.shown(draft, base, self._said(shown)) if base else gr.skip()

    def _said(self, shown: tuple[Any, ...]) -> str:
        """What the settings' form says, as the window sent it."""
        _, *values = shown
        return str(self.fields.values(values)["settings"])

    def seen(self, *shown: Any) -> Any:
        """The first rows as the model sees them, and how long all rows are for it."""
        draft_id, draft = self.read(shown)
        if not draft.model_source or not self.data.is_read(draft):
            return seen_part.waiting_html()
        worker = self.backstage.model_worker
        try:
            spec = draft.to_spec()
            lengths = worker.lengths(spec, lane=draft_id)
            rows = worker.preview(spec, seen_part.ROWS, lane=draft_id)
        except StudioError as error:
            return gr.skip() if error.code == "superseded" else problem_html(error.words)
        return seen_part.seen_html(rows, lengths)

    def finding_rate(self, *shown: Any) -> Iterator[list[Any]]:
        """A short test of learning rates on the form's data."""
        _, draft = self.read(shown)
        words = self.advancing.first_missing(draft)
        if words:
            yield rate_part.refused(words)
            return
        spec = replace(draft.to_spec(), name=draft.title)
        yield from rate_part.finding(spec, self.backstage)


def _decides_what_is_seen(name: str) -> bool:
    """Whether a change of this control changes what the model sees of the rows."""
    return name == "training.max_length" or name.startswith(
        ("model_", "data_", "columns", "objective", "goal.", "held_out", "dataset")
    )


def _is_setting(name: str) -> bool:
    by_name = ("method", "settings", "quantization", "adapter", "adapter_use")
    return name in by_name or name.startswith(("training.", "goal."))


PAGE = Page("New training", "", 10, "train", build)
