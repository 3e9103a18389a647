"""The problems of the data: what the checks found, why it matters, what mends it, and what was done so far."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.checks.survey import Found, Report
from studio.errors import AskedWrongly
from studio.library import Version
from studio.ui import words
from studio.ui.markup import icon
from studio.ui.steps.step import problem_html, progress_html

# A button of the list says which it was, with the event: in the list's own value the next update of a run
# that is not through yet would wipe it out. The list stays as it is until the answer is there.
SCRIPT = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-fix]');
  if (!button) return;
  element.querySelectorAll('button').forEach(each => { each.disabled = true; });
  trigger('select', { chosen: button.dataset.fix });
});
"""
UNDO, STOP, AGAIN = "undo", "stop", "again"
ORDER = {"left out": 0, "look": 1, "note": 2}
MOST_AT_ONCE = 10_000


@dataclass(frozen=True)
class Controls:
    """The panel's components."""

    card: Any
    listed: Any
    counting: Any
    by_hand: Any
    row: Any
    column: Any
    text: Any
    write: Any
    rows: Any
    drop: Any
    done: Any

    @property
    def shown(self) -> list[Any]:
        """What `shown` updates."""
        return [self.card, self.listed, self.column, self.counting]


def build() -> Controls:
    """Make the panel's components."""
    with gr.Column(elem_classes="card", visible=False, elem_id="checks") as card:
        gr.HTML("<h2>Is it good to learn from?</h2>", apply_default_css=False)
        listed = gr.HTML(js_on_load=SCRIPT, elem_id="checks-list", apply_default_css=False)
        counting = gr.HTML(js_on_load=SCRIPT, elem_id="checks-counting", apply_default_css=False)
        with gr.Accordion(
            "Change rows by hand", open=False, elem_classes="more-settings", elem_id="by-hand"
        ) as by_hand:
            with gr.Row(elem_classes="roles"):
                row = gr.Textbox(
                    label="Row", info="its number in the file", max_lines=1, elem_id="hand-row"
                )
                # A window may show a choice that a restarted server does not know yet.
                column = gr.Dropdown(
                    choices=[],
                    label="Column",
                    info="where the cell stands",
                    allow_custom_value=True,
                    elem_id="hand-column",
                )
            text = gr.Textbox(
                label="What the cell says", lines=3, max_lines=12, elem_id="hand-text"
            )
            with gr.Row(elem_classes="step-foot"):
                write = gr.Button("Save this cell", scale=0, min_width=150, elem_id="hand-write")
            rows = gr.Textbox(
                label="Rows to leave out",
                info="numbers and ranges, e.g. 5, 9-12",
                max_lines=1,
                elem_id="hand-rows",
            )
            with gr.Row(elem_classes="step-foot"):
                drop = gr.Button("Leave them out", scale=0, min_width=150, elem_id="hand-drop")
            done = gr.HTML(elem_id="hand-done", apply_default_css=False)
    return Controls(card, listed, counting, by_hand, row, column, text, write, rows, drop, done)


def hidden() -> list[Any]:
    """Updates that hide the panel."""
    return [gr.Column(visible=False), "", gr.skip(), ""]


def unchanged() -> list[Any]:
    """Updates that leave the panel as it is."""
    return [gr.skip()] * 4


def working(share: float, said: str) -> list[Any]:
    """Updates while checks or a fix run: how far they are."""
    words = f"Looking through the rows: {said}" if said else "Looking through the rows …"
    bar = f"{progress_html(share, words, 'Checks')}{_button(STOP, 'Stop')}"
    return [gr.Column(visible=True), bar, gr.skip(), ""]


def counting(found: list[Any], share: float, said: str) -> list[Any]:
    """Updates while the model's tokens are counted: what was `found` so far, and how far that is.

    It is said anew each time, because an older run's last word may come late and wipe it out.
    """
    words = f"Counting the tokens: {said}" if said else "Counting the tokens …"
    bar = f"{progress_html(share, words, 'Tokens')}{_button(STOP, 'Stop')}"
    return [*found[:-1], bar]


def ended(words: str) -> list[Any]:
    """Updates where the checks did not come to their end: why, and the way to begin again."""
    said = f"{problem_html(words)}{_button(AGAIN, 'Look through the rows again')}"
    return [gr.Column(visible=True), said, gr.skip(), ""]


def _button(name: str, title: str) -> str:
    return f'<div class="fixes"><button type="button" data-fix="{name}">{title}</button></div>'


def shown(
    report: Report, history: Sequence[Version], columns: Sequence[str], trouble: str = ""
) -> list[Any]:
    """Updates that show what was found; `trouble` is what kept a fix from being done."""
    found = sorted(report.found, key=lambda each: (ORDER[each.check.weight], -each.count))
    is_good = not report.needs_look
    verdict = (
        f'<div class="findings {"good" if is_good else "look"}">'
        f"{icon('check' if is_good else 'warning')}<p>{html.escape(report.verdict)}</p></div>"
    )
    items = "".join(_item(each) for each in found)
    listed = f'<ul class="checks">{items}</ul>' if items else ""
    parts = (problem_html(trouble), verdict, listed, _history(history))
    return [
        gr.Column(visible=True),
        "".join(parts),
        gr.Dropdown(choices=list(columns)),
        "",
    ]


def _item(found: Found) -> str:
    """One finding with what mends it."""
    check = found.check
    count = f'<span class="count">{words.count(found.count, "row")}</span>' if found.count else ""
    fixes = "".join(
        f'<button type="button" data-fix="{check.name}:{fix.name}">{html.escape(fix.title)}</button>'
        for fix in check.fixes
    )
    excerpts = "".join(f"<li>{html.escape(each.text)}</li>" for each in found.finding.excerpts)
    seen = f'<ul class="excerpts">{excerpts}</ul>' if excerpts else ""
    return (
        f'<li class="check {check.weight.replace(" ", "-")}" data-check="{check.name}">'
        f"<p><strong>{html.escape(check.title)}</strong>{count}</p>"
        f"<p>{html.escape(found.words)}</p>"
        f"<details><summary>Why it matters{', and where' if seen else ''}</summary>"
        f'<p class="quiet">{html.escape(check.why)}</p>{seen}</details>'
        f'<div class="fixes">{fixes}</div></li>'
    )


def _history(history: Sequence[Version]) -> str:
    """What was done, the last of it with the way back."""
    if not history:
        return ""
    steps = "".join(f"<li>{html.escape(version.words)}</li>" for version in history)
    return (
        f'<div class="history"><p><strong>What was changed</strong> <span class="quiet">your file '
        f"itself stays as it is</span></p><ol>{steps}</ol>"
        f'<div class="fixes"><button type="button" data-fix="{UNDO}">Undo the last change</button>'
        "</div></div>"
    )


def row_number(said: str) -> int:
    """The number that a person typed for a row. Raises AskedWrongly for anything else."""
    if not re.fullmatch(r"\s*\d{1,12}\s*", said or ""):
        raise AskedWrongly("Type the row's number, as the file counts: for instance 12.")
    return int(said)


def row_numbers(said: str) -> list[int]:
    """The numbers in `5, 9-12`. Raises AskedWrongly for anything else."""
    numbers: list[int] = []
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*[-–]\s*", "-", said or ""))):
        match = re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", part)
        if match is None:
            raise AskedWrongly(f"'{part}' is no row number. Type numbers and ranges: 5, 9-12.")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 0 <= last - first < MOST_AT_ONCE:
            raise AskedWrongly(f"'{part}' is no range of at most {MOST_AT_ONCE:,} rows.")
        numbers += range(first, last + 1)
    if not numbers:
        raise AskedWrongly("Type the numbers of the rows to leave out: for instance 5, 9-12.")
    return numbers
