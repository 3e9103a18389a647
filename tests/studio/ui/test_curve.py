"""The loss curve: what is drawn of a run's metrics."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from studio.ui.curve import MAX_POINTS, curve, points


def test_nothing_yet_is_said_in_words() -> None:
    assert "appears with the first steps" in curve([])


def test_the_drawing_is_sound_and_says_its_figures_to_a_screen_reader() -> None:
    metrics = [{"step": n, "loss": 2 / n} for n in range(1, 50)] + [
        {"step": 49, "held_out_loss": 1}
    ]

    drawn = ElementTree.fromstring(curve(metrics, 100))
    svg = drawn.find("svg")

    assert svg is not None
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == (
        "Training loss from 2 to 0.0408 by step 49. Held-out loss from 1 to 1 by step 49."
    )


def test_a_long_run_is_thinned_and_keeps_its_last_point() -> None:
    shown = points([{"step": n, "loss": float(n)} for n in range(10_001)], "loss")

    assert len(shown) <= MAX_POINTS + 1
    assert shown[-1] == (10_000.0, 10_000.0)


def test_after_a_resume_the_later_line_of_a_step_counts() -> None:
    assert points([{"step": 1, "loss": 9.0}, {"step": 1, "loss": 1.0}], "loss") == [(1.0, 1.0)]


def test_what_is_no_number_is_left_out() -> None:
    metrics = [{"step": 1, "loss": math.nan}, {"step": 2, "loss": None}, {"loss": 3}, {"step": 4}]

    assert points(metrics, "loss") == []


def test_one_point_and_a_flat_line_can_be_drawn() -> None:
    for metrics in ([{"step": 1, "loss": 1.5}], [{"step": n, "loss": 0.0} for n in (1, 2)]):
        assert "<svg" in curve(metrics)
