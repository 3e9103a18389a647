"""The page boundary: whatever goes wrong behind a page is shown in words, and the page lives on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import gradio as gr

from studio.ui.failure import words_of

Handler = TypeVar("Handler", bound=Callable[..., Any])


def spoken(handler: Handler) -> Handler:
    """An event's handler whose errors become a message on the page; its outputs then stay as they are."""

    @functools.wraps(handler)
    def speaking(*arguments: Any, **named: Any) -> Any:
        with _in_words():
            return handler(*arguments, **named)

    @functools.wraps(handler)
    def speaking_on(*arguments: Any, **named: Any) -> Any:
        with _in_words():
            yield from handler(*arguments, **named)

    return cast(Handler, speaking_on if inspect.isgeneratorfunction(handler) else speaking)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(
            words_of(error), title="That did not work", duration=None, print_exception=False
        ) from error
