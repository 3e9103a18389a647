"""An estimate in words."""

from __future__ import annotations

from studio.estimator.live import PARTS as PARTS_OF_AN_ESTIMATE
from studio.worker.explaining import PARTS, dominates


def test_every_part_of_an_estimate_has_a_name_for_people() -> None:
    assert set(PARTS) == set(PARTS_OF_AN_ESTIMATE)


def test_what_dominates_is_named_with_what_would_shrink_it() -> None:
    memory = {"parts": {"weights": 10, "activations": 80, "loss": 10}, "moment": "backward"}

    assert dominates(memory) == (
        "Most of it is intermediate results (80 %). Fewer examples at a time, a shorter longest example, "
        "or computing intermediate results twice would shrink it. "
        "The peak comes while it works out what to change."
    )


def test_where_the_program_itself_dominates_the_next_part_is_named_too() -> None:
    said = dominates({"parts": {"overhead": 70, "weights": 30}})

    assert said.startswith("Most of it is the program around it (70 %).")
    assert "Next comes the model itself (30 %). Holding it in fewer bits" in said


def test_nothing_is_said_of_nothing() -> None:
    assert dominates({"parts": {}}) == ""
