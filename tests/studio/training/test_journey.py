"""What lies before a run after each step."""

from __future__ import annotations

import pytest

from studio.objectives import Encoded
from studio.training.batching import Schedule
from studio.training.clock import Spent
from studio.training.journey import Journey

ROWS = [Encoded([0] * length, [1] * length) for length in (10, 20, 30, 40, 50)]


def journey(steps: int | None = None, **values: object) -> Journey:
    """Three passes over five rows, two at a time; each step so far took 0.1 seconds a token."""
    found = Journey(Schedule.plan(5, 2, 3, steps, seed=0), ROWS, ROWS[:1], "epoch", lambda: True)
    for name, value in values.items():
        setattr(found, name, value)
    for tokens in (60, 60, 60):
        found.clock.stepped(tokens, Spent(tokens * 0.1, tokens * 0.1))
    return found


def test_all_tokens_of_all_passes_are_counted_however_long_the_first_rows_were() -> None:
    found = journey(held_out=[])

    left = found.left(step=3, tokens=150)

    assert left is not None
    assert left.cpu == pytest.approx((3 * 150 - 150) * 0.1)


def test_until_the_rows_are_encoded_steps_are_taken_to_be_alike() -> None:
    found = journey(held_out=[], are_known=lambda: False)

    left = found.left(step=3, tokens=120)

    assert left is not None
    assert left.cpu == pytest.approx(120 / 3 * 6 * 0.1)


def test_looks_and_checkpoints_before_it_are_those_of_the_passes_that_are_left() -> None:
    found = journey()
    with found.looking():
        pass
    found.clock.looked(Spent(5.0, 5.0))
    found.clock.saved(Spent(1.0, 1.0))

    after_one_pass = found.left(step=3, tokens=150)
    at_the_end = found.left(step=9, tokens=450)

    assert after_one_pass is not None
    assert after_one_pass.cpu == pytest.approx(30.0 + 2 * 5.0 + 2 * 1.0)
    assert at_the_end == Spent(0.0, 0.0)


def test_a_run_cut_short_ends_with_a_look_too() -> None:
    found = journey(steps=4)
    found.clock.looked(Spent(5.0, 5.0))

    left = found.left(step=3, tokens=150)

    assert left is not None
    assert left.cpu == pytest.approx((150 + 60 - 150) * 0.1 + 5.0)
