"""The queue's errors say what to do next."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from jobs import errors

ALL = [
    errors.NoSuchJob(7),
    errors.WrongState("Job 7 is paused: resume it."),
    errors.BadJob("The spec of a job must be JSON."),
    errors.LeaseLost(7),
    errors.StoreError("The database cannot be read."),
    errors.StoreBusy(Path("studio.db")),
    errors.StoreFull(Path("studio.db")),
    errors.NewerDatabase(Path("studio.db"), "0009", "0001"),
]


def test_every_error_is_looked_at_here() -> None:
    known = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)}
    raised = {kind for kind in known if issubclass(kind, errors.QueueError)}
    assert raised - {errors.QueueError} == {type(error) for error in ALL}


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_an_error_has_a_code_for_programs_and_a_sentence_for_people(
    error: errors.QueueError,
) -> None:
    assert error.code.isidentifier()
    assert error.words == str(error)
    assert error.words.endswith(".")


def test_codes_tell_errors_apart() -> None:
    assert len({error.code for error in ALL}) == len(ALL)
