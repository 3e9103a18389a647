"""A dataset of the Hub as the source: its name, fetched at a click while the page shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.library.hub import PREFIX, bring
from studio.settings import Home
from studio.ui.steps.step import Fields, problem_html, progress_html
from studio.ui.waiting import Work


@dataclass(frozen=True)
class Controls:
    """`group` is shown where this source is chosen; `fetched` takes the name once its files are here."""

    group: Any
    name: Any
    fetch: Any
    stop: Any
    said: Any
    fetched: Any


def build(fields: Fields) -> Controls:
    """Make the controls."""
    with gr.Column(visible=False, elem_id="hub-data") as group:
        name = fields.add(
            "data_hub",
            gr.Textbox(
                label="Name on the Hub",
                info="`data.path` · owner and name, as on the dataset's page; only tables are fetched, "
                "and no program of others is run",
                placeholder="owner/dataset-name",
                max_lines=1,
                elem_id="data-hub",
            ),
        )
        with gr.Row():
            fetch = gr.Button("Fetch it", scale=0, min_width=140, elem_id="hub-fetch")
            stop = gr.Button("Stop", scale=0, min_width=96, visible=False, elem_id="hub-stop")
        said = gr.HTML(elem_id="hub-said", apply_default_css=False)
        fetched = fields.add("data_fetched", gr.Textbox(visible=False))
    return Controls(group, name, fetch, stop, said, fetched)


def fetching(name: str, home: Home) -> Iterator[list[Any]]:
    """Updates of `said`, `fetched`, `stop` and `fetch` until the files are here; ending it stops the download.

    What has arrived is kept: fetching again goes on from there.
    """
    wanted = name.strip().removeprefix(PREFIX)
    if not wanted:
        words = problem_html("Name a dataset first, such as owner/name.")
        yield [words, gr.skip(), gr.skip(), gr.skip()]
        return
    yield [_working(0, "Asking the Hub …"), "", *_buttons(is_fetching=True)]
    work = Work(
        lambda on_progress: bring(
            f"{PREFIX}{wanted}",
            home,
            lambda done, total: on_progress(
                done / max(total, 1), f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
            ),
        )
    )
    for share, words in work.steps():
        yield [_working(share, words or "Asking the Hub …"), gr.skip(), gr.skip(), gr.skip()]
    try:
        fetched = work.value()
    except StudioError as error:
        yield [problem_html(error.words), gr.skip(), *_buttons(is_fetching=False)]
        return
    yield ["", fetched, *_buttons(is_fetching=False)]


def stopped() -> list[Any]:
    """What the page shows once the download was stopped: updates of `said`, `stop` and `fetch`."""
    words = "Stopped. What has arrived is kept: 'Fetch it' goes on from there."
    return [f'<p class="quiet">{words}</p>', *_buttons(is_fetching=False)]


def _buttons(*, is_fetching: bool) -> list[Any]:
    return [gr.Button(visible=is_fetching), gr.Button(interactive=not is_fetching)]


def _working(share: float, words: str) -> str:
    return progress_html(share, words, "Fetching")
