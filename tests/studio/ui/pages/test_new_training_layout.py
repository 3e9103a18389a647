"""The page New training: as quick to open with all methods' settings as with one's."""

from __future__ import annotations

import gradio as gr

from studio.ui.pages.new_training_layout import lay_out
from studio.ui.steps.step import Fields

# Gradio's browser part looks through all components for each one that an event writes: 537 of them
# made the page stand still for 35 s, 259 did not.
MOST_COMPONENTS = 240


def test_the_page_has_few_enough_components_to_open_at_once() -> None:
    with gr.Blocks() as page:
        lay_out(Fields())

    assert len(page.blocks) <= MOST_COMPONENTS
