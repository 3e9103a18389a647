"""Prices of operations on this machine, and what a real step takes beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.estimator.operations import Work, recorded
from studio.estimator.pace import Pace, _solved, pace
from studio.estimator.prices import FILE_NAME, Cost, Prices, Seconds


def product(rows: int, width: int = 64) -> Work:
    """The work of one square product."""
    left, right = (
        torch.empty(rows, width, device="meta"),
        torch.empty(width, width, device="meta"),
    )
    return recorded(lambda: left @ right)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home in which a product of 64 rows was tried."""
    folder = tmp_path_factory.mktemp("home")
    Prices(folder).cost(product(64))
    return folder


def test_work_of_one_size_has_one_price_and_more_of_it_costs_more(home: Path) -> None:
    prices = Prices(home)
    once = prices.cost(product(64))
    doubled = Work({each: 2 * count for each, count in product(64).items()})

    twice = prices.cost(doubled)

    assert once.seconds.own > 0
    assert twice.seconds.own == pytest.approx(2 * once.seconds.own)
    assert (once.operations, twice.operations) == (1, 2)


def test_nearly_the_same_size_is_not_tried_again(home: Path) -> None:
    before = (home / FILE_NAME).read_bytes()

    near = Prices(home).cost(product(66))

    assert (home / FILE_NAME).read_bytes() == before
    assert near.seconds.own == pytest.approx(Prices(home).cost(product(64)).seconds.own * 66 / 64)


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{nonsense")

    assert Prices(tmp_path).cost(product(64)).seconds.own > 0


def test_what_cannot_be_tried_is_charged_as_the_others(tmp_path: Path) -> None:
    spoiled = Work(product(64))
    (each,) = product(64)
    # No product has three sides.
    broken = type(each)(each.call, (each.args[0],), each.kwargs, each.flops, each.bytes)
    spoiled[broken] = 1

    found = Prices(tmp_path).cost(spoiled)

    assert found.seconds.own == pytest.approx(2 * Prices(tmp_path).cost(product(64)).seconds.own)


def test_two_steps_tell_both_what_is_beside_an_operation_and_how_dear_it_is() -> None:
    beside, times = _solved((1.0 + 0.5, 100, 0.25), (1.0 + 20.0, 100, 10.0))

    assert (beside, times) == (pytest.approx(0.01, rel=1e-3), pytest.approx(2.0, rel=1e-3))


def test_the_pace_of_this_machine_is_found_once_and_kept(home: Path) -> None:
    found = pace(Prices(home))

    assert found == pace(Prices(home))
    assert 1e-7 < found.beside.own < 1e-2
    assert found.seconds(Cost(Seconds(), 10)).own == pytest.approx(10 * found.beside.own)


def test_seconds_of_a_pace_are_of_each_clock_by_itself() -> None:
    found = Pace(Seconds(0.1, 0.2), Seconds(1.0, 2.0))

    assert found.seconds(Cost(Seconds(3.0, 4.0), 10)) == Seconds(4.0, 10.0)
