"""Advice: whatever is answered, a method of ours with settings it takes, and a reason with figures."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest

from studio.methods import METHODS
from studio.methods.advice import Matters, Tasks, advise

ANSWERS = list(itertools.product((5, 500, 50_000), get_args(Matters), get_args(Tasks)))


@pytest.mark.parametrize(("examples", "matters", "tasks"), ANSWERS)
def test_every_answer_names_a_method_and_settings_that_it_takes(
    examples: int, matters: Any, tasks: Any
) -> None:
    advice = advise(examples, matters, tasks)

    METHODS[advice.method].settings.model_validate(advice.settings)
    assert advice.reason.endswith(".")


def test_more_examples_are_given_more_room() -> None:
    ranks = [advise(count, "quality", "one").settings.get("rank", 16) for count in (50, 500, 5000)]

    assert ranks == sorted(ranks)


def test_several_tasks_are_told_to_stay_apart() -> None:
    assert "beside the one model" in advise(500, "quality", "many").reason
    assert "beside the one model" not in advise(500, "quality", "one").reason


def test_figures_are_written_as_people_write_them() -> None:
    assert "a file of 6,128 MB" in advise(500, "quality", "one").reason
