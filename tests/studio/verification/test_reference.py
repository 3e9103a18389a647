"""The rows of a verification."""

from studio.verification.bounds import MINIMUM_ROWS
from studio.verification.reference import choose_rows


def rows(count: int, name: str) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": f"{name} {number}"}] for number in range(count)]


def test_held_out_rows_come_first_then_training_rows_then_fixed_sentences() -> None:
    chosen = choose_rows(rows(2, "held"), rows(3, "trained"))

    words = [conversation[0]["content"] for conversation in chosen]
    assert words[:5] == ["held 0", "held 1", "trained 0", "trained 1", "trained 2"]
    assert len(words) == MINIMUM_ROWS


def test_there_are_enough_rows_even_without_any_data() -> None:
    assert len(choose_rows([], [])) == MINIMUM_ROWS


def test_many_held_out_rows_are_not_all_compared() -> None:
    assert len(choose_rows(rows(500, "held"), [])) == 2 * MINIMUM_ROWS
