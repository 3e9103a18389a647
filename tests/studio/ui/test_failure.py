"""What is told of an error."""

from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.ui.failure import words_of


def test_our_own_errors_have_their_words() -> None:
    assert words_of(StudioError("Words.")) == "Words."


def test_of_any_other_the_trace_goes_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise KeyError("lost")
    except KeyError as error:
        said = words_of(error)

    assert "KeyError" in said
    assert "Traceback" in capsys.readouterr().err
