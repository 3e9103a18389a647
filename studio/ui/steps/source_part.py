"""Where the rows come from beside an upload: pasted cells, a sheet among several, samples to begin with."""

from __future__ import annotations

import hashlib
import html
from pathlib import Path
from typing import Any

import gradio as gr

from studio.data.table import Table
from studio.settings import ASSETS
from studio.ui.steps.step import Fields

SAMPLES = (
    ("questions.xlsx", "Questions and answers, Excel"),
    ("questions.csv", "Questions and answers, CSV"),
    ("conversations.jsonl", "Whole conversations, JSONL"),
    ("labels.csv", "Texts with labels, CSV"),
    ("preferences.jsonl", "Better and worse answers, JSONL"),
    ("text.md", "A text to continue, Markdown"),
)


def samples() -> Any:
    """Links to a small file of each kind."""
    links = "".join(
        f'<li><a href="/whetstone/samples/{name}" download="{name}">{html.escape(title)}</a></li>'
        for name, title in SAMPLES
        if (ASSETS / "samples" / name).is_file()
    )
    with gr.Accordion("Sample files to start from", open=False, elem_classes="more-settings"):
        return gr.HTML(
            '<p class="quiet">Download one, put your own rows in place of these, and choose it above.</p>'
            f'<ul class="samples">{links}</ul>',
            elem_id="samples",
            apply_default_css=False,
        )


def paste_box() -> Any:
    """A field for cells copied from a spreadsheet."""
    return gr.Textbox(
        label="Cells from a spreadsheet",
        info="Select them there with the row of names, copy, and paste them here.",
        placeholder="question\tanswer\nWhere is …?\tIt is …",
        lines=6,
        max_lines=12,
        visible=False,
        elem_id="data-paste",
    )


def part_choice(fields: Fields) -> Any:
    """Which sheet, split or sort of files is read; shown where there are several."""
    fields.add("part_for", gr.Textbox(visible=False))
    return fields.add(
        "data_part",
        gr.Dropdown(
            choices=[],
            label="Sheet or part",
            info="`data.part` · this file holds several; one is read",
            allow_custom_value=True,
            visible=False,
            elem_id="data-part",
        ),
    )


def part_shown(table: Table | None) -> Any:
    """The update of the choice for what was read."""
    if table is None or len(table.parts) < 2:
        return gr.Dropdown(choices=[], value=None, visible=False)
    return gr.Dropdown(choices=list(table.parts), value=table.part, visible=True)


def keep_pasted(text: str, folder: Path) -> str:
    """Write pasted cells down as a file, named by its content; gives its path, empty for nothing."""
    if not text.strip():
        return ""
    # Cells come from a spreadsheet with tabs between them; what is typed mostly has commas.
    content = text.replace("\r\n", "\n").encode("utf-8", "replace")
    ending = "tsv" if "\t" in text else "csv"
    name = hashlib.blake2b(content, digest_size=6).hexdigest()
    place = folder / f"pasted-{name}"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"pasted.{ending}"
    path.write_bytes(content)
    return str(path)
