"""The small pieces of HTML that every page uses."""

from __future__ import annotations

import html
from functools import cache

from studio.settings import ASSETS


def heading(title: str, words: str) -> str:
    """A page's one `h1`, and a sentence below it."""
    return (
        f'<header class="heading"><h1>{html.escape(title)}</h1><p>{html.escape(words)}</p></header>'
    )


@cache
def icon(name: str) -> str:
    """An icon of assets/icons, to stand inside HTML; it says nothing to a screen reader."""
    return (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8").strip()
