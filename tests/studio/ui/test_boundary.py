"""The page boundary: errors become messages."""

from __future__ import annotations

import inspect

import gradio as gr
import pytest

from jobs.errors import NoSuchJob
from studio.errors import StudioError
from studio.ui.boundary import spoken


def test_an_explained_error_is_shown_in_its_own_words() -> None:
    def failing() -> None:
        raise StudioError("The disk is full. Make some room.")

    with pytest.raises(gr.Error) as error:
        spoken(failing)()
    assert error.value.message == "The disk is full. Make some room."


def test_an_error_nobody_foresaw_is_shown_too_and_says_that_nothing_is_lost() -> None:
    def failing() -> None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(gr.Error, match="safe") as error:
        spoken(failing)()
    assert "ZeroDivisionError" in error.value.message


def test_the_queues_errors_are_shown_in_their_words() -> None:
    def failing() -> None:
        raise NoSuchJob(7)

    with pytest.raises(gr.Error, match="There is no job 7"):
        spoken(failing)()


def test_gradio_still_sees_what_the_handler_takes() -> None:
    def handler(run: str, request: gr.Request) -> str:
        return run

    assert list(inspect.signature(spoken(handler)).parameters) == ["run", "request"]
    assert spoken(handler)("1", None) == "1"  # type: ignore[arg-type]
