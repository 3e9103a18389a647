"""The frame of every page: the rail with all pages."""

from __future__ import annotations

import html

import gradio as gr

from studio.ui.markup import icon
from studio.ui.pages import PAGES, Page

PROMISE = "Everything stays on this computer."
MANY = (
    "Whetstone is open in several windows. A browser keeps six lines to one program: "
    "close some, or the next window stays empty."
)
# Every window asks who else is there and answers when asked; from five on all of them say so.
COUNT_WINDOWS = """
const me = crypto.randomUUID(), others = new Set(), channel = new BroadcastChannel('whetstone');
const show = () => { element.querySelector('.many').hidden = others.size < 4; };
channel.onmessage = ({ data }) => {
  if (data.left) others.delete(data.left); else others.add(data.here);
  if (data.asks) channel.postMessage({ here: me });
  show();
};
addEventListener('pagehide', () => channel.postMessage({ left: me }));
channel.postMessage({ here: me, asks: true });
"""


def frame(current: Page) -> None:
    """The rail at the left with the pages, `current` marked; Gradio's own bar is not shown."""
    gr.Navbar(visible=False)
    gr.HTML(rail(current), js_on_load=COUNT_WINDOWS, elem_id="rail", apply_default_css=False)


def rail(current: Page) -> str:
    """The rail as HTML: plain links, so that keyboard, middle click and screen readers work."""
    links = "".join(_link(page, page is current) for page in PAGES)
    return (
        f'<nav class="rail" aria-label="Pages"><div class="brand">{icon("whetstone")}'
        f"<span>Whetstone</span></div>{links}"
        f'<p class="many" role="status" hidden>{MANY}</p>'
        f'<p class="promise">{icon("lock")}<span>{PROMISE}</span></p></nav>'
    )


def _link(page: Page, is_current: bool) -> str:
    mark = ' aria-current="page"' if is_current else ""
    return (
        f'<a href="/{page.path}"{mark}>{icon(page.icon)}<span>{html.escape(page.title)}</span></a>'
    )
