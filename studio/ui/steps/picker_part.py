"""The picker: the best-known methods at a glance, all others searchable, and advice for those who ask."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import gradio as gr

from studio.methods import METHODS, Method
from studio.methods.advice import Advice, Matters, Tasks, advise
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
# How many examples are asked of before a person's own are known.
_EXAMPLES = 200
# Which settings of the training an advice may change, by the form's names.
_TRAINING = ("batch_size", "gradient_accumulation", "gradient_checkpointing")


@dataclass(frozen=True)
class Picker:
    """The components: the radio of the best known, what is said of the choice, and the advice.

    `rows` is the number of a person's own rows that `examples` was filled with last; `told` is the advice
    that is shown, as JSON.
    """

    known: Any
    about: Any
    accordion: Any
    examples: Any
    matters: Any
    tasks: Any
    advice: Any
    take: Any
    rows: Any
    told: Any

    @property
    def asked(self) -> list[Any]:
        """The answers that advice is given for."""
        return [self.examples, self.matters, self.tasks]

    @property
    def advised(self) -> list[Any]:
        """What `advised` updates."""
        return [self.known, self.advice, self.told]


def build(fields: Fields) -> Picker:
    """Make the picker's controls; the form's field is the list of all methods."""
    known = gr.Radio(
        choices(),
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
    return _advice(known, about)


def _advice(known: Any, about: Any) -> Picker:
    """Make the questions and what is answered to them, until they are asked for good."""
    first = advise(_EXAMPLES, "quality", "one")
    with gr.Accordion(
        "Help me choose", open=False, elem_id="help-me-choose", elem_classes="more-settings"
    ) as accordion:
        with gr.Row(elem_classes="settings"):
            examples = gr.Number(
                _EXAMPLES,
                precision=0,
                minimum=1,
                label="How many examples do you have?",
                elem_id="advice-examples",
            )
            matters = gr.Radio(
                [(words, name) for name, words in _MATTERS.items()],
                value=get_args(Matters)[0],
                label="What matters most?",
                elem_id="advice-matters",
            )
            tasks = gr.Radio(
                [(words, name) for name, words in _TASKS.items()],
                value=get_args(Tasks)[0],
                label="How many different tasks is it for?",
            )
        advice = gr.HTML(advice_html(first), elem_id="advice", apply_default_css=False)
        take = gr.Button("Take this method", elem_id="take-advice", size="sm")
    rows, told = gr.Number(0, visible=False), gr.Textbox(_json(first), visible=False)
    return Picker(known, about, accordion, examples, matters, tasks, advice, take, rows, told)


def choices(advised: str = "") -> list[tuple[str, str]]:
    """The methods that are seen at once, by their words: the advised one first, then the best known."""
    names = [each.name for each in well_known()]
    names = [advised, *(name for name in names if name != advised)] if advised else names
    return [
        (f"{METHODS[name].title}{' · advised' * (name == advised)}\n{METHODS[name].sentence}", name)
        for name in names
    ]


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


def advice_html(advice: Advice, more: str = "") -> str:
    """The advised method and the reason; `more` says what is still going on."""
    method = METHODS[advice.method]
    settings = [
        f"{each.title.lower()} {advice.settings[each.name]}"
        for each in controls(method.settings)
        if each.name in advice.settings
    ]
    settings += [f"the model held as {advice.quantization}"] if advice.quantization else []
    settings += ["one example at a time"] if advice.training else []
    head = f"{method.title}" + (f" ({', '.join(settings)})" if settings else "")
    going_on = f'<p class="quiet" role="status">{html.escape(more)}</p>' if more else ""
    return (
        f'<p class="advice"><strong>{html.escape(head)}.</strong> {html.escape(advice.reason)}</p>'
        f"{going_on}"
    )


def advised(advice: Advice, more: str = "") -> list[Any]:
    """Updates for the radio, which shows the advised method first, and for the advice itself."""
    return [gr.Radio(choices=choices(advice.method)), advice_html(advice, more), _json(advice)]


def wire(picker: Picker, fields: Fields) -> None:
    """The radio and the list show one choice; the advice can be taken."""
    part = fields.components
    picker.known.input(lambda name: name, picker.known, part["method"], **QUIET)
    taken_by = ["method", "settings", "quantization", *(f"training.{name}" for name in _TRAINING)]
    picker.take.click(
        taken, [picker.told, part["settings"]], [part[name] for name in taken_by], **QUIET
    )


def taken(told: str, said: str) -> list[Any]:
    """The advised method, what the settings' form then says (all as it was but what is advised), how the
    base is held, and the training's settings where the advice names them."""
    advice = Advice(**json.loads(told))
    settings = json.loads(said or "{}")
    settings[advice.method] = {**settings.get(advice.method, {}), **advice.settings}
    training = [advice.training.get(name, gr.skip()) for name in _TRAINING]
    return [advice.method, json.dumps(settings), advice.quantization, *training]


def _json(advice: Advice) -> str:
    return json.dumps(asdict(advice))
