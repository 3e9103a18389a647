"""The form of New training without a browser: its handlers, and what the controls hold of a draft."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import gradio as gr
import pytest

from studio.data.stored import StoredRows
from studio.settings import Home
from studio.ui import waiting
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.filled import field_value
from studio.ui.pages import new_training
from studio.ui.pages.new_training_layout import lay_out
from studio.ui.steps.step import Fields
from studio.worker import apart


@cache
def laid_out() -> Fields:
    """The form's components, made once: they are only looked at."""
    fields = Fields()
    with gr.Blocks():
        lay_out(fields)
    return fields


def form(backstage: Backstage) -> new_training.Form:
    """The page's form, with its components."""
    return new_training.Form(backstage, laid_out())


def shown_of(form: new_training.Form, draft: Draft) -> list[Any]:
    """What the window's controls hold when they show the draft."""
    return [
        draft.columns.get(name.partition(".")[2], "")
        if name.startswith("columns.")
        else field_value(draft, name)
        for name in form.fields.components
    ]


def acting_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Backstage:
    """What pages act on: nothing that is queued is run, and the model worker is not asked."""
    backstage = Backstage(Home(folder / "home").prepare())
    monkeypatch.setattr(backstage.orders, "_estimate", None)
    monkeypatch.setattr(backstage.orders, "_trial", None)
    monkeypatch.setattr(backstage.orders.queue, "ensure_dispatcher", lambda: None)
    return backstage


def say_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work tells how far it is from its first moment on, so that few rows do."""
    monkeypatch.setattr(waiting, "SOON_S", 0.01)
    monkeypatch.setattr(waiting, "EVERY_S", 0.05)


def read_no_rows_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process fails where it goes through rows on disk; others do not."""

    def refused(*_: Any) -> Any:
        raise AssertionError("the page's process goes through the rows")

    monkeypatch.setattr(StoredRows, "batches", refused)
    monkeypatch.setattr(StoredRows, "__iter__", refused)


def going_on_until_stopped() -> AbstractContextManager[Any]:
    """Meanwhile, what another process is asked for is not done before it is stopped, by the real way."""
    call = apart.call

    def asked(*_: Any, on_progress: Callable[[float, str], None], **__: Any) -> Any:
        return call(_never_done, on_progress=on_progress)

    return mock.patch.object(apart, "call", asked)


def _never_done(on_progress: Callable[[float, str], None]) -> None:
    while True:
        time.sleep(0.01)
