"""Requests and answers on the wire."""

from __future__ import annotations

import pytest

from studio.errors import AskedWrongly, FieldProblem, StudioError
from studio.worker.protocol import Answer, Request


def test_a_request_survives_the_wire_in_one_line() -> None:
    request = Request(7, "estimate", {"words": "zwei\nZeilen, ünïcödé, \ud83d"}, "tab")

    assert request.to_line().count(b"\n") == 1
    assert Request.from_line(request.to_line()) == request


def test_a_result_is_unpacked_as_it_was_given() -> None:
    assert Answer.from_line(Answer(1, {"a": [1, None]}).to_line()).unpack() == {"a": [1, None]}


@pytest.mark.parametrize("kind", [AskedWrongly, StudioError])
def test_an_error_comes_back_with_code_words_and_fields(kind: type[StudioError]) -> None:
    met = kind("What to do.", code="spec", fields=[FieldProblem("data.path", "Not there.")])

    with pytest.raises(kind, match="What to do") as found:
        Answer.from_line(Answer.of_error(1, met).to_line()).unpack()

    assert (found.value.code, found.value.fields) == (met.code, met.fields)
    assert found.value.exit_code == met.exit_code
