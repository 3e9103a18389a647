"""How the pages' events are wired, all of them, read off the finished program."""

from __future__ import annotations

import inspect
from pathlib import Path

from studio.settings import Home
from studio.ui.app import build
from studio.ui.backstage import Backstage


def test_what_is_said_in_the_window_s_corner_goes_by_the_queue_and_so_arrives(
    tmp_path: Path,
) -> None:
    blocks = build(Backstage(Home(tmp_path / "home").prepare()))
    telling, unheard = 0, []
    for event in blocks.fns.values():
        if event.fn is None:
            continue
        says = inspect.getsource(inspect.unwrap(event.fn))
        if "gr.Info(" in says or "gr.Warning(" in says:
            telling += 1
            unheard += [] if event.queue else [event.fn.__name__]

    assert unheard == []
    assert telling >= 6
