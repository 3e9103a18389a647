"""What every page declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.ui.backstage import Backstage


@dataclass(frozen=True)
class Page:
    """A page of the studio. `build` makes its components inside the page's own Gradio route.

    `path` is what stands after the address's slash, empty for the first page; `place` orders them.
    """

    title: str
    path: str
    place: int
    icon: str
    build: Callable[[Backstage], None]
