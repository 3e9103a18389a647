"""Controls as plain HTML: a settings form drawn in one piece, however many fields it has.

Gradio's browser part looks through all components of a page for each one that an event writes. A form of
two hundred components makes a page stand still; the same form as one piece costs nothing.
`assets/js/settings.js` fills the controls and reads them.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from typing import Any

from studio.ui.form import RADIO_CHOICES, Control, Kind


def field_html(
    each: Control,
    place: str,
    *,
    sizes: Sequence[Any] | None = None,
    problem: str = "",
) -> str:
    """A field with its title, help, limits, control and what is wrong with it.

    `place` is the field's id; `sizes` are the only values that can be used here, where that is known.
    """
    inner = _control(each, place, sizes)
    return wrapped(each, place, inner, problem=problem, is_group=_is_group(each, sizes))


def wrapped(
    each: Control,
    place: str,
    inner: str,
    *,
    problem: str = "",
    is_group: bool = False,
    wide: str = "",
) -> str:
    """Title, help and problem around a control's own HTML; `wide` is a class for one that takes a row."""
    title, about = html.escape(each.title), f"{place}-about"
    said = f'<p class="why bad" role="alert">{html.escape(problem)}</p>' if problem else ""
    helped = f'<p class="info" id="{about}">{help_html(each)}</p>'
    classes = " ".join(filter(None, ["field", wide, "wrong" if problem else ""]))
    if each.kind is Kind.SWITCH:
        return f'<div class="{classes}" id="{place}">{inner}{helped}{said}</div>'
    if is_group:
        return (
            f'<fieldset class="{classes}" id="{place}" aria-describedby="{about}">'
            f"<legend>{title}</legend>{helped}{inner}{said}</fieldset>"
        )
    return (
        f'<div class="{classes}" id="{place}"><label for="{place}-input">{title}</label>'
        f"{helped}{inner}{said}</div>"
    )


def help_html(each: Control) -> str:
    """The field's help and limits as HTML."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(each.help, quote=False))
    return " · ".join(filter(None, [said, limits(each)]))


def limits(each: Control) -> str:
    """The numbers that a field takes: `1 to 1,024`, `above 0, up to 4,096`; empty where it has no limits."""
    low, high = each.minimum, each.maximum
    begin = "" if low is None else f"above {low:,g}" if each.is_open_below else f"{low:,g}"
    end = "" if high is None else f"below {high:,g}" if each.is_open_above else f"{high:,g}"
    if begin and end:
        joint = ", up to " if each.is_open_below and not each.is_open_above else " to "
        return f"{begin}{', ' if each.is_open_above else joint}{end}"
    if begin:
        return begin if each.is_open_below else f"{begin} or more"
    return end and (end if each.is_open_above else f"up to {end}")


def _is_group(each: Control, sizes: Sequence[Any] | None) -> bool:
    return sizes is None and each.kind is Kind.CHOICE and len(each.choices) <= RADIO_CHOICES


def _control(each: Control, place: str, sizes: Sequence[Any] | None) -> str:
    common = f'id="{place}-input" data-name="{each.name}" aria-describedby="{place}-about"'
    if sizes is not None:
        usual = [("", each.empty)] if each.is_optional else []
        able = [*usual, *((json.dumps(size), str(size)) for size in sizes)]
        return _select(common, "number", able)
    if each.kind is Kind.SWITCH:
        return (
            f'<label class="switch"><input type="checkbox" data-kind="switch" {common}>'
            f"<span>{html.escape(each.title)}</span></label>"
        )
    if _is_group(each, sizes):
        return _radios(each, place)
    if each.kind is Kind.CHOICE:
        return _select(common, "text", [(choice, choice) for choice in each.choices])
    if each.kind in (Kind.WHOLE_NUMBER, Kind.NUMBER):
        step = "1" if each.kind is Kind.WHOLE_NUMBER else "any"
        ends = "".join(
            f' {name}="{value:g}"'
            for name, value in (("min", each.minimum), ("max", each.maximum))
            if value is not None
        )
        return (
            f'<input type="number" data-kind="number" step="{step}"{ends} '
            f'placeholder="{html.escape(each.empty)}" {common}>'
        )
    if each.kind is Kind.OPEN_CHOICE:
        options = "".join(f'<option value="{html.escape(choice)}">' for choice in each.choices)
        return (
            f'<input type="text" data-kind="text" list="{place}-list" {common}>'
            f'<datalist id="{place}-list">{options}</datalist>'
        )
    return f'<textarea rows="2" data-kind="text" {common}></textarea>'


def _select(common: str, kind: str, options: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<option value="{html.escape(value)}">{html.escape(title)}</option>'
        for value, title in options
    )
    return f'<select data-kind="{kind}" {common}>{inner}</select>'


def _radios(each: Control, place: str) -> str:
    inner = "".join(
        f'<label><input type="radio" name="{place}" value="{html.escape(choice)}">'
        f"<span>{html.escape(choice)}</span></label>"
        for choice in each.choices
    )
    return f'<div class="segments" data-kind="radio" data-name="{each.name}">{inner}</div>'
