"""Which waiting job runs next, and what the others are told."""

from __future__ import annotations

import time
from typing import Any

from jobs.models import DeviceSlot, JobState
from jobs.placement import Waiting, place

IO = [DeviceSlot("io:0", "io"), DeviceSlot("io:1", "io")]
CARDS = [DeviceSlot("cuda:0", "cuda", 4_000), DeviceSlot("cuda:1", "cuda", 16_000)]
NOW = 100.0


def waiting(job_id: int, slot_kind: str = "cuda", **given: Any) -> Waiting:
    """A queued job that lacks nothing but what is `given`."""
    unset = ("needs_bytes", "waiting_for", "hours", "first_id", "first_name", "first_state")
    values: dict[str, Any] = {"slots_wanted": 1, "run_after": 0.0, **dict.fromkeys(unset), **given}
    return Waiting(id=job_id, slot_kind=slot_kind, **values)


def test_the_first_that_can_run_is_taken() -> None:
    placement = place([waiting(1), waiting(2)], CARDS, (), NOW)
    assert (placement.job_id, placement.slots) == (1, ("cuda:0",))


def test_a_job_goes_to_the_card_that_has_the_memory() -> None:
    placement = place([waiting(1, needs_bytes=8_000)], CARDS, (), NOW)
    assert placement.slots == ("cuda:1",)


def test_a_job_may_ask_for_one_slot_by_name() -> None:
    assert place([waiting(1, "cuda:1")], CARDS, (), NOW).slots == ("cuda:1",)


def test_kinds_of_slots_do_not_hold_each_other_back() -> None:
    placement = place([waiting(1), waiting(2, "io")], IO + CARDS, ("cuda:0", "cuda:1"), NOW)
    assert placement.job_id == 2


def test_a_job_that_waits_for_several_slots_is_not_overtaken_by_a_smaller_one() -> None:
    placement = place([waiting(1, slots_wanted=2), waiting(2)], CARDS, ("cuda:0",), NOW)
    assert (placement.job_id, placement.words) == (None, {})


def test_a_job_that_waits_for_memory_lets_others_pass_and_is_told_why() -> None:
    placement = place([waiting(1, needs_bytes=99_000_000_000), waiting(2)], CARDS, (), NOW)
    assert placement.job_id == 2
    assert "about 99.0 GB of memory to become free" in str(placement.words[1])


def test_a_job_is_told_who_holds_the_memory_it_waits_for() -> None:
    card = DeviceSlot("cuda:0", "cuda", 4_000_000_000, "", 16_000_000_000, "game 9.0 GB")
    words = str(place([waiting(1, needs_bytes=8_000_000_000)], [card], (), NOW).words[1])
    assert "(4.0 GB is free now; most is held by game 9.0 GB)" in words


def test_a_job_that_this_machine_can_never_hold_is_told_so() -> None:
    card = DeviceSlot("cuda:0", "cuda", 4_000_000_000, "", 16_000_000_000)
    words = str(place([waiting(1, needs_bytes=99_000_000_000)], [card], (), NOW).words[1])
    assert words.startswith("about 99.0 GB of memory; there are 16.0 GB in all")


def test_a_job_that_wants_more_than_there_is_lets_others_pass_and_is_told_so() -> None:
    placement = place([waiting(1, slots_wanted=3), waiting(2)], CARDS, (), NOW)
    assert placement.job_id == 2
    assert "3 × cuda; this machine offers 2" in str(placement.words[1])


def test_a_kind_that_the_machine_lacks_is_named() -> None:
    assert "1 × cuda; this machine offers none" in str(
        place([waiting(1)], IO, (), NOW).words[1]
    )  # fmt: skip


def test_a_job_before_its_time_or_its_forerunner_is_passed_over() -> None:
    early = waiting(1, run_after=NOW + 1)
    second = waiting(2, first_id=7, first_name="fetch", first_state=JobState.RUNNING)
    placement = place([early, second, waiting(3)], CARDS, (), NOW)
    assert placement.job_id == 3
    assert set(placement.words) == {1, 2}
    assert str(placement.words[1]).endswith(", as it was set")
    assert placement.words[2] == "job 7 (fetch) to be done"


def test_a_job_outside_its_hours_of_the_day_lets_others_pass() -> None:
    hour = time.localtime(NOW).tm_hour
    later = f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"
    placement = place([waiting(1, hours=later), waiting(2)], CARDS, (), NOW)
    assert placement.job_id == 2
    assert placement.words == {1: f"its hours of the day, {later}"}
    within = f"{hour:02}:00-{(hour + 2) % 24:02}:00"
    assert place([waiting(1, hours=within)], CARDS, (), NOW).job_id == 1


def test_words_that_stay_the_same_are_not_told_again() -> None:
    words = place([waiting(1, run_after=NOW + 1)], CARDS, (), NOW).words[1]
    told = waiting(1, run_after=NOW + 1, waiting_for=words)
    assert place([told], CARDS, (), NOW).words == {}


def test_words_that_no_longer_hold_are_taken_back() -> None:
    told = waiting(1, waiting_for="about 99.0 GB of memory to become free")
    assert place([told], CARDS, ("cuda:0", "cuda:1"), NOW).words == {1: None}
