"""The rows of a verification."""

from typing import Any

import pytest

from studio.data.examples import build
from studio.objectives import OBJECTIVES
from studio.spec import TrainSpec
from studio.verification.bounds import MINIMUM_ROWS
from studio.verification.reference import choose_rows, encode
from tests import tiny

CHAT = TrainSpec.parse({}).objective
SETTINGS: dict[str, Any] = {"classification": {"labels": ["a", "b"]}}


def rows(count: int, name: str) -> tuple[Any, ...]:
    found = [{"prompt": f"{name} {number}", "response": "Yes."} for number in range(count)]
    return build(found, {"prompt": "prompt", "response": "response"}).examples


def test_held_out_rows_come_first_then_training_rows_then_fixed_sentences() -> None:
    chosen = choose_rows(CHAT, rows(2, "held"), rows(3, "trained"))

    words = [row["messages"][0]["content"] for row in chosen[:5]]
    assert words == ["held 0", "held 1", "trained 0", "trained 1", "trained 2"]
    assert len(chosen) == MINIMUM_ROWS


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_there_are_enough_rows_even_without_any_data(objective: str) -> None:
    settings = SETTINGS.get(objective, {})
    choice = TrainSpec.parse({"objective": {"name": objective, **settings}}).objective

    assert len(encode(choose_rows(choice, [], []), choice, tiny.make_tokenizer())) == MINIMUM_ROWS


def test_many_held_out_rows_are_not_all_compared() -> None:
    assert len(choose_rows(CHAT, rows(500, "held"), [])) == 2 * MINIMUM_ROWS
