"""The picker: the best-known methods at a glance, all others searchable, and advice for those who ask."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr

from studio.methods import METHODS, Method
from studio.methods.advice import Matters, Tasks, advise
from studio.methods.method import FEW_BITS, Family
from studio.ui.draft import Draft
from studio.ui.form import controls
from studio.ui.steps.step import Fields
from studio.ui.wiring import QUIET

_MATTERS = {
    "quality": "Answers as good as can be",
    "small file": "A small file",
    "least memory": "As little memory as can be",
    "never forget": "The model forgets nothing",
}
_TASKS = {"one": "One", "many": "Several"}


@dataclass(frozen=True)
class Picker:
    """The components: the radio of the best known, what is said of the choice, and the advice."""

    known: Any
    about: Any
    examples: Any
    matters: Any
    tasks: Any
    advice: Any
    take: Any


def build(fields: Fields) -> Picker:
    """Make the picker's controls; the form's field is the list of all methods."""
    known = gr.Radio(
        [(f"{each.title}\n{each.sentence}", each.name) for each in well_known()],
        value=Draft().method,
        label="Method",
        show_label=False,
        elem_id="method",
        elem_classes="choices",
    )
    fields.add(
        "method",
        gr.Dropdown(
            [(f"{each.title} · {each.family}", each.name) for each in by_family()],
            value=Draft().method,
            label=f"All {len(METHODS)} methods",
            info="Click and type to search by name or family.",
            filterable=True,
            elem_id="all-methods",
        ),
    )
    about = gr.HTML(elem_id="method-about", apply_default_css=False)
    with gr.Accordion("Help me choose", open=False, elem_id="help-me-choose"):
        with gr.Row(elem_classes="settings"):
            examples = gr.Number(
                200, precision=0, minimum=1, label="How many examples do you have?"
            )
            matters = gr.Radio(
                [(words, name) for name, words in _MATTERS.items()],
                value=get_args(Matters)[0],
                label="What matters most?",
            )
            tasks = gr.Radio(
                [(words, name) for name, words in _TASKS.items()],
                value=get_args(Tasks)[0],
                label="How many different tasks is it for?",
            )
        advice = gr.HTML(
            advice_html(200, "quality", "one"), elem_id="advice", apply_default_css=False
        )
        take = gr.Button("Take this method", elem_id="take-advice", size="sm")
    return Picker(known, about, examples, matters, tasks, advice, take)


def well_known() -> list[Method]:
    """The methods to begin with, the usual choice first."""
    chosen = [method for method in METHODS.values() if method.is_well_known]
    return sorted(chosen, key=lambda method: method.name != Draft().method)


def by_family() -> list[Method]:
    """All methods, those of one family together, in the order in which families are usually told of."""
    families: Sequence[str] = get_args(Family)
    return sorted(METHODS.values(), key=lambda each: (families.index(each.family), each.title))


def about_html(name: str) -> str:
    """What a method is and what it can and cannot do."""
    method = METHODS[name]
    facts = [
        "can be merged into the model" if method.is_mergeable else "stays a file beside the model",
        _bits(method),
        *(() if method.packs else ("trains each row in a line of its own",)),
        *(() if method.recomputes else ("cannot save memory by computing twice",)),
    ]
    listed = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    return (
        f'<p class="quiet">{html.escape(method.paragraph)}</p>'
        f'<ul class="abilities" aria-label="What {html.escape(method.title)} can do">{listed}</ul>'
    )


def _bits(method: Method) -> str:
    if method.quantizations >= FEW_BITS:
        return "works on a model held in 4 or 8 bits"
    if not method.quantizations:
        return "needs the whole model, not one held in few bits"
    return f"works on a model held as {', '.join(sorted(method.quantizations))}"


def advice_html(examples: float | None, matters: Any, tasks: Any) -> str:
    """The advised method and the reason."""
    advice = advise(int(examples or 1), matters, tasks)
    method = METHODS[advice.method]
    settings = ", ".join(
        f"{each.title.lower()} {advice.settings[each.name]}"
        for each in controls(method.settings)
        if each.name in advice.settings
    )
    head = f"{method.title}" + (f" ({settings})" if settings else "")
    return (
        f'<p class="advice"><strong>{html.escape(head)}.</strong> {html.escape(advice.reason)}</p>'
    )


def wire(picker: Picker, fields: Fields) -> None:
    """The radio and the list show one choice; the advice follows its questions and can be taken."""
    chosen = fields.components["method"]
    picker.known.input(lambda name: name, picker.known, chosen, **QUIET)
    asked = [picker.examples, picker.matters, picker.tasks]
    gr.on(
        [each.change for each in asked],
        advice_html,
        asked,
        picker.advice,
        **QUIET,
    )
    said = fields.components["settings"]
    picker.take.click(taken, [*asked, said], [chosen, said], **QUIET)


def taken(examples: float | None, matters: Any, tasks: Any, said: str) -> list[Any]:
    """The advised method, and what the settings' form then says: all as it was but what is advised."""
    advice = advise(int(examples or 1), matters, tasks)
    settings = json.loads(said or "{}")
    settings[advice.method] = {**settings.get(advice.method, {}), **advice.settings}
    return [advice.method, json.dumps(settings)]
