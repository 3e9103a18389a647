"""The live line of a new training: what trains, what it takes, and whether it fits."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.ui import words
from studio.ui.markup import icon

WAITING = "The figures appear here, a moment after a model is chosen. The first time takes longest."
NO_DATA = "with the longest examples"
CERTAINTY = {
    "exact": "computed for exactly this training",
    "bounded": "computed, with a margin",
    "not estimated": "not computed for this combination",
}
KINDS = {"room": "good", "tight": "look", "doubtful": "look", "none": "bad"}
ICONS = {"good": "check", "look": "warning", "bad": "warning"}

# The page greys the line when the form changes; whatever arrives here is of the form as it is now.
# Its button stands for the one in the panel, which may be out of sight.
ARRIVED = """
watch('value', () => element.closest('#figures')?.classList.remove('stale'));
element.addEventListener('click', event => {
  if (!event.target.closest('button[data-fit]')) return;
  document.querySelector('#needs')?.scrollIntoView({ block: 'center' });
  document.querySelector('#fit')?.click();
});
"""
FOLLOWS = "Memory and time follow. The first time takes longest."
# The counts alone, into the line whose other figures are still those of the form as it was, or to come.
COUNTED = """
watch('value', () => {
  const line = document.querySelector('#figures.stale .line:not(.bad)');
  if (!line || !props.value) return;
  let cell = line.querySelector('#figure-trainable');
  if (!cell) {
    cell = Object.assign(document.createElement('div'), { className: 'figure', id: 'figure-trainable' });
    line.prepend(cell);
    line.querySelector('p').textContent = FOLLOWS;
  }
  cell.innerHTML = props.value;
  cell.classList.add('fresh');
});
""".replace("FOLLOWS", json.dumps(FOLLOWS))
_answers = itertools.count(1)


def figures_line() -> gr.HTML:
    """The line as a component, waiting for its first figures."""
    return gr.HTML(
        figures_html(None), elem_id="figures", js_on_load=ARRIVED, apply_default_css=False
    )


def counted_line() -> gr.HTML:
    """What carries the counts into the line before its other figures are known; nothing is seen of it."""
    return gr.HTML(
        "",
        elem_id="counted",
        js_on_load=COUNTED,
        apply_default_css=False,
    )


def counted_html(estimate: Mapping[str, Any]) -> str:
    """The cell of what learns, without its frame; a remark that nobody sees tells equal ones apart."""
    return f"<!--{next(_answers)}-->{_inside(*_counts(estimate))}"


def figures_html(estimate: Mapping[str, Any] | None, problem: str = "") -> str:
    """The line for an estimate in the contract's form; a problem in words stands in its place.

    No two answers are alike, for the page to notice that equal figures are new ones.
    """
    mark = f'data-answer="{next(_answers)}"'
    if problem:
        words_ = f"<p>{html.escape(problem)}</p>"
        return f'<div class="line note bad" {mark}>{icon("warning")}{words_}</div>'
    if not estimate:
        return f'<div class="line" {mark}><p class="quiet">{WAITING}</p></div>'
    cells = [_trainable(estimate), _memory(estimate), _time(estimate), _verdict(estimate)]
    return f'<div class="line" {mark}>{"".join(cells)}</div>'


def _cell(title: str, term: str, value: str, more: str, name: str) -> str:
    inside = _inside(title, term, value, more)
    return f'<div class="figure" id="figure-{name}">{inside}</div>'


def _inside(title: str, term: str, value: str, more: str) -> str:
    return (
        f'<span class="title">{title} <small>{term}</small></span>'
        f'<strong>{html.escape(value)}</strong><span class="quiet">{html.escape(more)}</span>'
    )


def _trainable(estimate: Mapping[str, Any]) -> str:
    parameters = estimate.get("parameters") or {}
    if not all(isinstance(parameters.get(name), int) for name in ("trainable", "total")):
        return ""
    return _cell(*_counts(estimate), "trainable")


def _counts(estimate: Mapping[str, Any]) -> tuple[str, str, str, str]:
    trainable, total = estimate["parameters"]["trainable"], estimate["parameters"]["total"]
    more = f"of {words.about(total)} ({words.share(trainable, total)})"
    return "What learns", "trainable parameters", f"{trainable:,}", more


def _memory(estimate: Mapping[str, Any]) -> str:
    memory = estimate.get("memory") or {}
    peak = memory.get("peak_bytes")
    if not isinstance(peak, int | float):
        return _cell("Memory", "peak", "not known yet", "", "memory")
    low, high = memory.get("low_bytes"), memory.get("high_bytes")
    is_measured = (estimate.get("shape") or {}).get("is_measured")
    more = CERTAINTY.get(str(memory.get("certainty")), "") if is_measured else NO_DATA
    if (
        is_measured
        and isinstance(low, int | float)
        and isinstance(high, int | float)
        and high > low
    ):
        more = f"{words.size(low)} to {words.size(high)}"
    return _cell("Memory", "peak", f"about {words.size(peak)}", more, "memory")


def _time(estimate: Mapping[str, Any]) -> str:
    time = estimate.get("time") or {}
    seconds = time.get("seconds")
    if not isinstance(seconds, int | float):
        return ""
    low, high = time.get("low"), time.get("high")
    more = ""
    if isinstance(low, int | float) and isinstance(high, int | float) and high > low:
        more = f"{words.duration(low)} to {words.duration(high)}"
    return _cell("Time", "estimated", f"about {words.duration(seconds)}", more, "time")


def _verdict(estimate: Mapping[str, Any]) -> str:
    verdict = estimate.get("verdict") or {}
    if verdict.get("fits") is None:
        return ""
    level = str(verdict.get("level", ""))
    kind = KINDS.get(level, "good" if verdict["fits"] else "bad")
    title = html.escape(
        str(verdict.get("title") or ("Fits" if verdict["fits"] else "Does not fit"))
    )
    said = html.escape(str(verdict.get("detail") or verdict.get("words") or ""))
    return (
        f'<div class="verdict {kind}" id="figure-verdict">{icon(ICONS[kind])}'
        f"<div><strong>{title}</strong><p>{said}</p></div>{_remedy(verdict)}</div>"
    )


def _remedy(verdict: Mapping[str, Any]) -> str:
    if verdict["fits"]:
        return ""
    return '<button type="button" class="plain small" data-fit>Make it fit</button>'
