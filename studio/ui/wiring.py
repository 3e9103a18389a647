"""How the pages' events are wired: what they have in common, and the trigger of a page's opening."""

from __future__ import annotations

from typing import Any

from gradio.context import Context

# Straight to the handler, without Gradio's queue and without a spinner over what is shown.
QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}


WITH_PROGRESS: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""For handlers that say more than once how far they are: those need Gradio's queue."""


def opening() -> Any:
    """The trigger of a page's being opened, for the page whose components are being made."""
    assert Context.root_block is not None, "components are made inside Blocks only"
    return Context.root_block.load
