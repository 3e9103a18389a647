"""What memory a training waits for, and that it is refused where there will never be as much."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.orders.needs import needed_bytes
from studio.spec import TrainSpec

MEMORY = {
    "low_bytes": 100,
    "peak_bytes": 123,
    "high_bytes": 150,
    "parts": {"weights": 40, "quantization": 10},
}


def needed(total: int | None, memory: dict[str, Any] = MEMORY, **training: Any) -> int | None:
    verdict = {} if total is None else {"total_bytes": total}
    spec = TrainSpec.parse({"training": training})
    return needed_bytes({"memory": memory, "verdict": verdict}, spec.training)


@pytest.mark.parametrize(("total", "expected"), [(1_000, 150), (160, 123), (101, 123), (None, 123)])
def test_it_waits_for_what_it_needs_at_worst_unless_that_is_never_free(
    total: int | None, expected: int
) -> None:
    assert needed(total) == expected


def test_without_a_prediction_it_waits_for_nothing() -> None:
    assert needed_bytes({}, TrainSpec.parse({}).training) is None
    assert needed(1_000, {"certainty": "not estimated"}) is None


def test_processes_that_share_the_processor_need_as_much_each() -> None:
    assert needed(1_000, devices="cpu", processes=2) == 300
    with pytest.raises(AskedWrongly):
        needed(199, devices="cpu", processes=2)


def test_layers_that_wait_elsewhere_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only a graphics card's layers wait elsewhere, and a machine of tests need not have one.
    monkeypatch.setattr("studio.orders.needs.slots_for", lambda training: ("cuda", 1))
    assert needed(1_000, offload="auto") == 100
    assert needed(60, offload="auto") == 73


def test_more_than_there_is_in_all_is_refused_with_both_figures_and_the_way_out() -> None:
    memory = {"low_bytes": 90_000_000_000, "peak_bytes": 95_000_000_000}
    with pytest.raises(
        AskedWrongly, match=r"at least 90\.0 GB of memory, and there are 16\.0 GB.*--fit"
    ) as caught:
        needed(16_000_000_000, memory)

    assert caught.value.code == "memory"
    assert [problem.field for problem in caught.value.fields] == ["training.batch_size"]
