"""The offer of a learning rate: its curve and words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot, Job, JobState
from jobs.processes import myself
from studio.spec import TrainSpec
from studio.ui.backstage import Backstage
from studio.ui.steps import rate_part
from tests import tiny
from tests.studio.ui.forms import acting_alone

HERE = [DeviceSlot("cpu:0", "cpu")]
POINTS = [[10.0 ** (power / 4 - 6), 3.0 + (power - 12) ** 2 / 100] for power in range(17)]


def test_the_curve_names_powers_of_ten_and_marks_the_suggestion() -> None:
    drawn = rate_part.curve_html(POINTS, 1e-4)

    assert all(f">1e{power}<" in drawn for power in (-6, -5, -4, -3, -2))
    assert 'class="mark"' in drawn
    assert 'class="mark"' not in rate_part.curve_html(POINTS, None)


def test_what_ran_away_does_not_press_the_rest_flat() -> None:
    calm = rate_part.curve_html(POINTS, None)
    wild = rate_part.curve_html([*POINTS, [0.1, 1e9], [0.2, float("nan")]], None)

    heights = [
        pair.split(",")[1] for pair in wild.partition('points="')[2].partition('"')[0].split()
    ]
    assert len(heights) == len(POINTS) + 1
    assert len(set(heights)) > len(POINTS) / 3
    assert calm


def test_words_stay_text() -> None:
    assert "&lt;b&gt;" in rate_part.result_html(
        {"points": POINTS, "suggested": None, "words": "<b>"}
    )


def test_too_few_points_draw_nothing() -> None:
    assert rate_part.curve_html(POINTS[:1], None) == ""


@pytest.fixture
def backstage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backstage]:
    """What pages act on. What is queued is run by the tests, and the model worker is not asked."""
    backstage = acting_alone(tmp_path, monkeypatch)
    monkeypatch.setattr(rate_part, "_LOOKS_EVERY_S", 0.0)
    yield backstage
    backstage.orders.close()


@pytest.fixture
def spec(tiny_model: Path, tmp_path: Path) -> TrainSpec:
    """A training that can be queued."""
    data = tiny.write_csv(tmp_path / "rows.csv", 24)
    return TrainSpec.parse({"model": {"source": str(tiny_model)}, "data": {"path": str(data)}})


def ends(backstage: Backstage, ending: Ending) -> Job:
    """The test is run by somebody, who gives it this end."""
    store = backstage.orders.queue.store
    taken = store.claim(HERE, myself())
    assert taken is not None
    assert taken.lease_token
    job = store.start(taken.id, taken.lease_token, myself())
    assert job.lease_token
    store.running(job.id, job.lease_token)
    return store.settle(job.id, job.lease_token, ending)


def found(spec: TrainSpec, backstage: Backstage, ending: Ending) -> tuple[list[str], list[Any]]:
    """What is said on the way, and the last updates, where the test ends like this."""
    said: list[str] = []
    updates: list[Any] = []
    for updates in rate_part.finding(spec, backstage):
        said.append(str(updates[1]))
        if JobState.QUEUED.sentence in said[-1]:
            ends(backstage, ending)
    return said, updates


def test_a_rate_is_looked_for_and_can_be_taken(spec: TrainSpec, backstage: Backstage) -> None:
    result = {"points": POINTS, "suggested": 2e-4, "words": "At 0.0002 it falls fastest."}

    said, (find, shown, suggested, take) = found(
        spec, backstage, Ending(EndingKind.RETURNED, result)
    )

    assert "Putting a short test into the queue" in said[0]
    assert "At 0.0002 it falls fastest." in shown
    assert (suggested, take.value, take.visible, find.interactive) == (
        2e-4,
        "Take 0.0002",
        True,
        True,
    )


def test_a_test_that_failed_says_why_and_offers_nothing(
    spec: TrainSpec, backstage: Backstage
) -> None:
    ending = Ending(EndingKind.RAISED, code="memory", words="There was too little memory.")

    _, (find, shown, suggested, take) = found(spec, backstage, ending)

    assert "There was too little memory." in shown
    assert (suggested, take.visible, find.interactive) == (None, False, True)


def test_what_cannot_be_queued_says_why(tiny_model: Path, backstage: Backstage) -> None:
    missing = TrainSpec.parse(
        {"model": {"source": str(tiny_model)}, "data": {"path": "/nowhere/rows.csv"}}
    )

    *_, (find, shown, suggested, take) = rate_part.finding(missing, backstage)

    assert "/nowhere/rows.csv" in shown
    assert (suggested, take.visible, find.interactive) == (None, False, True)
