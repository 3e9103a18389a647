"""Of what waits, only the newest of a lane is wanted."""

from __future__ import annotations

from studio.worker.protocol import Request
from studio.worker.waiting import Waiting


def estimate(number: int, lane: str | None) -> Request:
    """A request that does nothing."""
    return Request(number, "estimate", {}, lane)


def test_a_newer_request_takes_the_place_of_an_older_one_in_its_lane() -> None:
    waiting = Waiting()
    first, second = estimate(1, "tab"), estimate(2, "tab")

    assert waiting.put(first) == []
    assert waiting.put(second) == [first]
    assert waiting.take(0) == second
    assert waiting.take(0) is None


def test_other_lanes_other_kinds_and_no_lane_are_left_alone() -> None:
    waiting = Waiting()
    requests = [
        estimate(1, "tab"),
        estimate(2, "other tab"),
        Request(3, "preview", {}, "tab"),
        estimate(4, None),
        estimate(5, None),
    ]

    assert [waiting.put(request) for request in requests] == [[]] * 5
    assert [waiting.take(0) for _ in requests] == requests


def test_what_is_answered_soon_comes_first_and_begins_a_new_round() -> None:
    waiting = Waiting()
    old, other = estimate(1, "tab"), Request(2, "preview", {}, "tab")
    quick = Request(3, "soon", {}, "tab", before="estimate")
    waiting.put(old)
    waiting.put(other)

    assert waiting.put(quick) == [old]
    assert [waiting.take(0), waiting.take(0)] == [quick, other]


def test_a_request_that_is_worked_on_is_told_when_nobody_waits_for_it_any_more() -> None:
    waiting = Waiting()
    waiting.put(estimate(1, "tab"))
    waiting.take(0)

    waiting.put(estimate(2, "other tab"))
    assert waiting.wanted()
    waiting.put(Request(3, "soon", {}, "tab", before="estimate"))
    assert not waiting.wanted()

    waiting.take(0)
    assert waiting.wanted()
