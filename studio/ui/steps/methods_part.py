"""All methods side by side for this model, data and machine: what each trains, takes and leaves behind."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.methods import METHODS
from studio.ui import words

# A click on a heading sorts, once more the other way; rows that came later are sorted in. A row's button
# chooses its method.
SCRIPT = """
const sort = () => {
  const body = element.querySelector('tbody'), by = element.dataset.by;
  if (!body || !by) return;
  const way = Number(element.dataset.way), value = row => {
    const cell = row.querySelector(`[data-key="${by}"]`);
    return cell && cell.dataset.value !== '' ? Number(cell.dataset.value) : null;
  };
  [...body.rows].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return (left === null) - (right === null);
    return way * (left - right);
  }).forEach(row => body.append(row));
  element.querySelectorAll('th').forEach(each => each.removeAttribute('aria-sort'));
  element.querySelector(`[data-sort="${by}"]`)?.closest('th')
    ?.setAttribute('aria-sort', way > 0 ? 'ascending' : 'descending');
};
element.addEventListener('click', event => {
  const chosen = event.target.closest('button[data-method]');
  if (chosen) {
    trigger('select', { chosen: chosen.dataset.method });
    return;
  }
  const heading = event.target.closest('button[data-sort]');
  if (!heading) return;
  const again = element.dataset.by === heading.dataset.sort && element.dataset.way === '1';
  element.dataset.way = again ? '-1' : '1';
  element.dataset.by = heading.dataset.sort;
  sort();
});
watch('value', () => setTimeout(sort, 30));
"""
HEADINGS = (
    ("place", "Method"),
    ("trainable", "What learns"),
    ("share", "Share"),
    ("memory", "Memory"),
    ("time", "Time"),
    ("size", "Result"),
)


@dataclass(frozen=True)
class Row:
    """A method with its estimate, the words why there is none, or neither while it is waited for."""

    method: str
    estimate: Mapping[str, Any] | None = None
    problem: str = ""


@dataclass(frozen=True)
class Controls:
    """The part's components."""

    table: Any
    accordion: Any
    is_open: Any


def build() -> Controls:
    """Make the part's components; the table is filled once it is opened."""
    with (
        gr.Column(elem_classes="card", elem_id="methods"),
        gr.Accordion(
            "All methods side by side",
            open=False,
            elem_classes="more-settings",
            elem_id="methods-all",
        ) as accordion,
    ):
        table = gr.HTML(js_on_load=SCRIPT, elem_id="methods-table", apply_default_css=False)
    is_open = gr.Textbox(visible=False)
    return Controls(table, accordion, is_open)


def shown(rows: Sequence[Row], chosen: str) -> str:
    """The table with what is known so far; `chosen` is the form's method."""
    heads = "".join(
        f'<th scope="col"><button type="button" data-sort="{key}">{title}</button></th>'
        for key, title in HEADINGS
    )
    body = "".join(_row(row, place, row.method == chosen) for place, row in enumerate(rows))
    left = sum(row.estimate is None and not row.problem for row in rows)
    done = f"{len(rows) - left} of {len(rows)} methods" if left else f"All {len(rows)} methods"
    state = f'<p class="quiet" role="status">{done}, for this model, these examples and this machine.</p>'
    table = (
        '<div class="scroll tall" tabindex="0"><table class="rows methods">'
        f"<thead><tr>{heads}<th></th></tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
    return state + table


def _row(row: Row, place: int, is_chosen: bool) -> str:
    method = METHODS[row.method]
    button = (
        '<span class="pill succeeded">chosen</span>'
        if is_chosen
        else f'<button type="button" class="plain small" data-method="{row.method}" '
        f'aria-label="Choose {html.escape(method.title)}">Choose</button>'
    )
    title = (
        f'<th scope="row" data-key="place" data-value="{place}" title="{html.escape(method.sentence)}">'
        f"{html.escape(method.title)}</th>"
    )
    if row.estimate is None:
        said = html.escape(row.problem) if row.problem else "…"
        return f'<tr>{title}<td colspan="5" class="why">{said}</td><td></td></tr>'
    mark = ' aria-current="true"' if is_chosen else ""
    return f"<tr{mark}>{title}{_cells(row.estimate)}<td>{button}</td></tr>"


def _cells(estimate: Mapping[str, Any]) -> str:
    parameters, memory = estimate["parameters"], estimate["memory"]
    time, disk, verdict = estimate.get("time"), estimate["disk"], estimate["verdict"]
    trainable, total = parameters["trainable"], parameters["total"]
    seconds = time["seconds"] if time else None
    fits = "" if verdict["fits"] else f'<small class="bad">{html.escape(verdict["title"])}</small>'
    cells = (
        ("trainable", trainable, f"{trainable:,}"),
        ("share", trainable / total, words.share(trainable, total)),
        ("memory", memory["peak_bytes"], words.size(memory["peak_bytes"]) + fits),
        ("time", seconds, words.duration(seconds) if seconds is not None else "not known yet"),
        ("size", disk["trained_bytes"], words.size(disk["trained_bytes"])),
    )
    return "".join(
        f'<td data-key="{key}" data-value="{"" if value is None else value}">{said}</td>'
        for key, value, said in cells
    )
