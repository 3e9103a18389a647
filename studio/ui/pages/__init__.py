"""The pages, one file each; this folder is their registry, in the order in which they are listed."""

from studio.registry import discover
from studio.ui.pages.page import Page

PAGES: tuple[Page, ...] = tuple(
    sorted(discover("studio.ui.pages", "PAGE", Page).values(), key=lambda page: page.place)
)

__all__ = ["PAGES", "Page"]
