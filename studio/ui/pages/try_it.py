"""Try it: one question or text, answered by the base model and by the tuned one, side by side."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from studio.errors import AskedWrongly, StudioError
from studio.orders.held_out import held_out_questions
from studio.spec import TrainSpec
from studio.ui import runs
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.markup import heading
from studio.ui.pages.page import Page
from studio.ui.wiring import QUIET, opening
from studio.worker import apart

SUGGESTIONS = 3
# Of many labels so many are shown.
LABELS = 10
WORKING = "The model is being loaded and answers; the first time takes longest."
# The two cards say at once that something happens; the question itself goes on unchanged.
MARK_BUSY = """(run, question, also) => {
  document.querySelectorAll('#answers .answer').forEach(card => card.classList.add('busy'));
  return [run, question, also];
}"""
# More than these beside each other nobody compares.
MOST_ALSO = 4
# A suggestion goes into the question's box.
SUGGEST_SCRIPT = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-question]');
  if (!button) return;
  props.value = { ...props.value, chosen: button.dataset.question };
  trigger('select');
});
"""
SUGGEST_TEMPLATE = """
{{#if value.questions}}<p class="quiet">From the rows it never trained on:</p>
<div class="suggestions">{{#each value.questions}}<button type="button"
data-question="{{this}}">{{this}}</button>{{/each}}</div>{{/if}}
"""


def build(backstage: Backstage) -> None:
    """Make the page's components and wire them."""
    view = View(backstage)
    gr.HTML(heading("Try it", "Ask once; the model before and after training both answer."))
    nothing = gr.HTML(elem_id="no-runs", apply_default_css=False)
    with gr.Column(elem_classes="card", visible=False) as card:
        run = runs.chooser("run")
        also = gr.Dropdown(
            choices=[],
            value=[],
            multiselect=True,
            max_choices=MOST_ALSO,
            label="Ask these as well",
            info="other trainings of the same base; it is in memory once, and their adapters take turns",
            allow_custom_value=True,
            elem_id="also",
            visible=False,
        )
        question = gr.Textbox(
            label="Your question or text",
            info="`prompt`",
            lines=3,
            max_lines=10,
            elem_id="question",
        )
        suggestions = gr.HTML(
            value={"questions": []},
            html_template=SUGGEST_TEMPLATE,
            js_on_load=SUGGEST_SCRIPT,
            elem_id="suggestions",
            apply_default_css=False,
        )
        with gr.Row(elem_classes="step-foot"):
            ask = gr.Button("Ask both", variant="primary", scale=0, min_width=150, elem_id="ask")
    answers = gr.HTML(answers_html(None), elem_id="answers", visible=False, apply_default_css=False)
    opened = [nothing, card, answers, run, suggestions, also]
    runs.keep_offering(run, backstage)
    gr.on([opening()], spoken(view.open), None, opened, **QUIET)
    run.change(spoken(view.choose), run, [suggestions, also], js=runs.KEEP_ADDRESS, **QUIET)
    suggestions.select(
        lambda value: (value or {}).get("chosen", ""), suggestions, question, **QUIET
    )
    gr.on(
        [ask.click, question.submit],
        spoken(view.answer),
        [run, question, also],
        answers,
        js=MARK_BUSY,
        trigger_mode="once",
        **QUIET,
    )


class View:
    """Makes what the page shows."""

    def __init__(self, backstage: Backstage) -> None:
        self.backstage = backstage

    def open(self, request: gr.Request) -> list[Any]:
        """The finished runs, and questions to begin with."""
        chooser, chosen = runs.offered(self.backstage, request)
        has_runs = bool(chosen)
        return [
            "" if has_runs else runs.NOTHING,
            gr.Column(visible=has_runs),
            gr.HTML(visible=has_runs),
            chooser,
            # The choice of a run asks for its own.
            {"questions": []},
            self.others(chosen),
        ]

    def choose(self, run: str) -> list[Any]:
        """What goes with a run: questions to begin with, and the other trainings of its base."""
        return [self.suggest(run), self.others(run)]

    def others(self, run: str) -> Any:
        """The other finished trainings of the run's base, of which none is asked yet."""
        try:
            jobs = runs.finished(self.backstage)
        except StoreBusy:
            return gr.skip()
        mine = next((job for job in jobs if str(job.id) == run), None)
        beside = [job for job in jobs if mine is not None and runs.is_beside(job, mine)]
        choices = runs.choices_of(beside)
        return gr.Dropdown(choices=choices, value=[], visible=bool(beside))

    def suggest(self, run: str) -> dict[str, Any]:
        """A few questions of the run's held-out rows."""
        if not run:
            return {"questions": []}
        try:
            return {"questions": self._held_out_questions(int(run))}
        except StudioError:
            # The dataset is gone or was changed: the page works without suggestions.
            return {"questions": []}

    def _held_out_questions(self, job_id: int) -> list[str]:
        document = self.backstage.orders.queue.store.job(job_id).spec
        spec = TrainSpec.parse(document.get("spec", document))
        home, objective = self.backstage.home, spec.objective.name
        return apart.call(held_out_questions, home, spec.data, objective, SUGGESTIONS)

    def answer(self, run: str, question: str, also: Sequence[str] = ()) -> str:
        """All answers, or words about why there are none."""
        if not (question or "").strip():
            raise AskedWrongly("Type a question first.")
        others = [int(each) for each in also or () if str(each).isdigit() and each != run]
        worker = self.backstage.chat_worker
        return answers_html(worker.answer(int(run), question.strip(), others=others))


def answers_html(answers: Mapping[str, Any] | None) -> str:
    """The answers beside each other: the base's, the run's, and those of further runs."""
    cards = [("base", "Before training", "base model"), ("tuned", "After training", "tuned model")]
    labels = (answers or {}).get("labels") or {}
    shown = "".join(
        f'<section class="answer {name}"><h2>{title} <small>{term}</small></h2>'
        f"{_answer((answers or {}).get(name))}{_labels(labels.get(name) or [])}"
        f'<p class="working" role="status">{WORKING}</p></section>'
        for name, title, term in cards
    )
    shown += "".join(_other(each) for each in (answers or {}).get("others") or ())
    return f'<div class="answers">{shown}</div>'


def _other(found: Mapping[str, Any]) -> str:
    return (
        f'<section class="answer other"><h2>{html.escape(str(found["name"]))} '
        f"<small>training {found['run']}</small></h2>"
        f"{_answer(found['text'])}{_labels(found.get('labels') or [])}"
        f'<p class="working" role="status">{WORKING}</p></section>'
    )


def _labels(found: Sequence[Mapping[str, Any]]) -> str:
    """Each label with its probability, the likeliest first."""
    lines = "".join(
        f"<li><span>{html.escape(str(each['label']))}</span>"
        f'<span class="thin"><i style="width:{100 * each["share"]:.0f}%"></i></span>'
        f"<span>{each['share']:.0%}</span></li>"
        for each in found[:LABELS]
    )
    return f'<ol class="labels">{lines}</ol>' if lines else ""


def _answer(text: Any) -> str:
    if text is None:
        return '<p class="quiet">The answer appears here.</p>'
    said = str(text).strip()
    if not said:
        return '<p class="said quiet">(an empty answer)</p>'
    return f'<p class="said text">{html.escape(said)}</p>'


PAGE = Page("Try it", "try", 30, "chat", build)
