"""How the pages' events are wired: what they have in common, and the trigger of a page's opening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.context import Context

# No spinner over what is shown. It has nothing to be shown on either: else the window would tell every
# output of every event, each by a search of the whole page, that nothing is shown.
_UNSEEN: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": [],
    "api_visibility": "private",
}

# Straight to the handler, without Gradio's queue.
QUIET: dict[str, Any] = {"queue": False, **_UNSEEN}

WITH_PROGRESS: dict[str, Any] = {"concurrency_limit": None, **_UNSEEN}
"""For handlers that say more than once how far they are: those need Gradio's queue."""

TELLING = WITH_PROGRESS
"""For handlers that say something in the window's corner (`gr.Info`, `gr.Warning`): without Gradio's queue that
is printed where nobody looks. What goes wrong is said either way."""


def opening() -> Any:
    """The trigger of a page's being opened, for the page whose components are being made."""
    assert Context.root_block is not None, "components are made inside Blocks only"
    return Context.root_block.load


# Those that are overtaken give what the field held before: it does not change, and nothing follows.
_SETTLES = """(before, id) => !id ? [before] : new Promise(tell => {
  const waiting = (window.settling ??= new Map());
  waiting.get(NAME)?.();
  const timer = setTimeout(() => { waiting.delete(NAME); tell([String(performance.now())]); }, 5);
  waiting.set(NAME, () => { clearTimeout(timer); tell([before]); });
})"""


def once_settled(triggers: Sequence[Any], draft_id: Any, *, on_opening: bool = False) -> Any:
    """One trigger for many that fire together: it fires once they have, and not while a window that has
    no id yet is being filled. With `on_opening`, once more when that is done.

    Every run of an event that takes the whole form is dear for the window, and filling the form touches
    most of its controls.
    """
    # The event's own number names its timer in the window.
    settled = gr.Textbox(visible=False)
    gr.on(
        [*triggers, *([draft_id.change] if on_opening else [])],
        None,
        [settled, draft_id],
        settled,
        js=_SETTLES.replace("NAME", str(settled._id)),
        api_visibility="private",
    )
    return settled.change
