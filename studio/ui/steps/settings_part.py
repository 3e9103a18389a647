"""The chosen method's settings, drawn from its declaration for this very model."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from studio.errors import AskedWrongly
from studio.methods import METHODS, Base, Method, Module
from studio.methods.targets import choose
from studio.settings import ASSETS
from studio.spec import TrainSpec
from studio.ui.draft import Draft
from studio.ui.form import Control, Kind, controls
from studio.ui.plain_controls import field_html, wrapped
from studio.ui.steps.modules_part import layers_html, targets_html
from studio.ui.steps.step import Fields, problem_html
from studio.ui.wiring import QUIET

SCRIPT = (ASSETS / "js" / "settings.js").read_text("utf-8")
TEMPLATE = "${value.html}"
SAID = "value => [JSON.stringify(value.all)]"


@dataclass(frozen=True)
class Controls:
    """The part's components: the drawn form, and the field of the draft that holds what it says."""

    form: Any
    said: Any


@dataclass(frozen=True)
class Fitted:
    """A method's settings held against a base: what learns, which sizes can be used, what speaks against.

    `against` is the reason why the method cannot be used as it is set; `problems` are those of single
    fields, by their names; `remark` is what the method says of this base.
    """

    learning: tuple[Module, ...] = ()
    sizes: Mapping[str, tuple[Any, ...]] | None = None
    problems: Mapping[str, str] | None = None
    against: str = ""
    remark: str = ""


def build(fields: Fields) -> Controls:
    """Make the part's components."""
    form = gr.HTML(
        value=shown(Draft(), None),
        html_template=TEMPLATE,
        js_on_load=SCRIPT,
        elem_id="method-settings",
        apply_default_css=False,
    )
    said = fields.add(
        "settings", gr.Textbox("{}", elem_classes="hidden-field", show_label=False, container=False)
    )
    form.input(None, form, said, js=SAID, **QUIET)
    return Controls(form, said)


def of_json(said: str) -> dict[str, dict[str, Any]]:
    """The draft's settings in what the form says: as controls show them, by method and name."""
    given = json.loads(said or "{}")
    return {
        name: _values(METHODS[name], values) for name, values in given.items() if name in METHODS
    }


def _values(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    these = {each.name: each for each in controls(method.settings)}
    found = {name: these[name].to_json(value) for name, value in given.items() if name in these}
    return {name: value for name, value in found.items() if value is not None}


def to_json(draft: Draft) -> str:
    """What the form says when it shows `draft`."""
    return json.dumps(
        {
            name: {
                each.name: each.to_shown(values[each.name])
                for each in controls(METHODS[name].settings)
                if each.name in values
            }
            for name, values in draft.settings.items()
            if name in METHODS
        }
    )


def shown(draft: Draft, base: Base | None, said: str = "") -> dict[str, Any]:
    """The form's value: its HTML, and what it says; `said` is what it answers, as the window sent it."""
    answered = said or to_json(draft)
    return {
        "html": form_html(draft, base),
        "method": draft.method,
        "all": json.loads(answered),
        "of": answered,
    }


def form_html(draft: Draft, base: Base | None) -> str:
    """The settings of the draft's method, the few for everybody first."""
    method, fitted = METHODS[draft.method], fit(draft, base)
    these = controls(method.settings)
    values = draft.settings.get(method.name, {})
    now = {each.name: each.to_shown(values.get(each.name, each.default)) for each in these}
    drawn = {
        each.name: _drawn(each, f"{method.name}-{each.name}", these, base, fitted)
        for each in these
        if each.kind is not Kind.PER_MODULE
    }
    basic = [drawn[each.name] for each in these if each.level == "basic"]
    more = [drawn[each.name] for each in these if each.level != "basic" and each.name in drawn]
    title = html.escape(method.title)
    inner = f'<div class="settings">{"".join(basic)}</div>' if basic else ""
    if more:
        inner += (
            f'<details data-key="{method.name}-more"><summary>{"Further s" if basic else "S"}ettings of '
            f'{title}</summary><div class="settings">{"".join(more)}</div></details>'
        )
    if not these:
        inner = f'<p class="quiet">{title} has no settings of its own.</p>'
    data = html.escape(json.dumps(now))
    return (
        f"<h2>Settings of {title}</h2>{problem_html(_sentence(method, fitted.against))}"
        f"{_remark(fitted.remark)}"
        f'<div class="plain-form" data-method="{method.name}" data-values="{data}">{inner}</div>'
    )


def _sentence(method: Method, reason: str) -> str:
    return f"{method.title} cannot be used here: {reason}." if reason else ""


def _remark(words: str) -> str:
    return f'<p class="quiet" role="status">{html.escape(words)}</p>' if words else ""


def _drawn(
    each: Control, place: str, these: tuple[Control, ...], base: Base | None, fitted: Fitted
) -> str:
    problem = (fitted.problems or {}).get(each.name, "")
    if each.picks == "modules":
        numbers = [one for one in these if one.kind is Kind.PER_MODULE]
        problem = (
            problem
            or next(
                (
                    fitted.problems[one.name]
                    for one in numbers
                    if one.name in (fitted.problems or {})
                ),
                "",
            )
            if fitted.problems
            else problem
        )
        inner = targets_html(each, place, base, fitted.learning, numbers)
        return wrapped(each, place, inner, problem=problem, is_group=True, wide="wide")
    if each.picks == "layers":
        return wrapped(each, place, layers_html(each, place, base), problem=problem)
    sizes = (fitted.sizes or {}).get(each.name)
    return field_html(each, place, sizes=sizes, problem=problem)


def fit(draft: Draft, base: Base | None) -> Fitted:
    """What the draft's method makes of this base; without one only what its settings refuse themselves."""
    try:
        spec = TrainSpec.parse({"method": draft.to_spec_json()["method"]})
    except AskedWrongly as error:
        return _refused(Fitted(), error)
    if base is None:
        return Fitted()
    method, settings = spec.method.method, spec.method.settings
    held = draft.quantization or method.quantization
    base = replace(base, quantization=held)  # type: ignore[arg-type]
    fitted = Fitted()
    try:
        if any(each.picks == "modules" for each in controls(method.settings)):
            fitted = replace(fitted, learning=tuple(choose(settings, base)))  # type: ignore[arg-type]
        sizes = {name: tuple(able) for name, able in method.choices(settings, base).items()}
        fitted = replace(fitted, sizes=sizes)
        fitted = replace(fitted, against=method.why_not(settings, base) or "")
        if not fitted.against:
            method.peft_config(settings, base)
            fitted = replace(fitted, remark=method.remark(settings, base))
    except AskedWrongly as error:
        return _refused(fitted, error)
    return fitted


def _refused(fitted: Fitted, error: AskedWrongly) -> Fitted:
    """Each problem at its field; one of no field of the method's speaks against the whole."""
    by_name = {
        each.field.removeprefix("method."): each.words
        for each in error.fields
        if each.field.startswith("method.") and each.field != "method.name"
    }
    if by_name:
        return replace(fitted, problems=by_name)
    return replace(fitted, against=error.words.rstrip("."))
