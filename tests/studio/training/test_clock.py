"""How long a run still takes, by what its own steps took."""

from __future__ import annotations

import pytest

from studio.training.clock import Ahead, Clock, Spent


def test_before_the_second_step_nothing_is_said() -> None:
    clock = Clock()
    ahead = Ahead(tokens=100, looks=0, look_tokens=0, checkpoints=0)

    assert clock.left(ahead) is None
    clock.stepped(50, Spent(9.0, 9.0))
    assert clock.left(ahead) is None


def test_what_is_left_costs_what_the_steps_cost_a_token_and_the_first_does_not_count() -> None:
    clock = Clock()
    clock.stepped(50, Spent(9.0, 9.0))
    for tokens in (50, 150):
        clock.stepped(tokens, Spent(tokens * 0.02, tokens * 0.01))

    left = clock.left(Ahead(tokens=1_000, looks=0, look_tokens=0, checkpoints=0))

    assert left is not None
    assert (left.wall, left.cpu) == (pytest.approx(20.0), pytest.approx(10.0))


def test_looks_and_checkpoints_cost_what_the_last_one_did() -> None:
    clock = Clock()
    clock.looked(Spent(3.0, 2.0))
    for _ in range(3):
        clock.stepped(10, Spent(1.0, 1.0))
    clock.saved(Spent(0.5, 0.25))

    left = clock.left(Ahead(tokens=0, looks=2, look_tokens=40, checkpoints=4))

    assert left == Spent(8.0, 5.0)


def test_untrained_layers_are_no_part_of_the_pace() -> None:
    clock = Clock()
    for _ in range(3):
        clock.stepped(10, Spent(3.0, 3.0), lower_tokens=10, lower=Spent(2.0, 2.0))

    left = clock.left(Ahead(tokens=100, looks=0, look_tokens=0, checkpoints=0, lower_tokens=30))

    assert left is not None
    assert left.cpu == pytest.approx(100 * 0.1 + 30 * 0.2)


def test_by_the_clock_the_last_minutes_count_and_of_the_processor_all_steps() -> None:
    clock = Clock()
    clock.stepped(1, Spent())
    for _ in range(30):
        clock.stepped(10, Spent(100.0, 10.0))
    for _ in range(30):
        clock.stepped(10, Spent(10.0, 10.0))

    left = clock.left(Ahead(tokens=10, looks=0, look_tokens=0, checkpoints=0))

    assert left is not None
    assert left.wall == pytest.approx(10.0)
    assert left.cpu == pytest.approx(10.0)
