"""What was measured on the starter data: each method learns, and what falls short says why."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.benchmarks import _cells
from tests.benchmarks.methods import BASES, faults, in_a_process
from tests.taught import BENCHMARK, LEADING, VARIANTS, Bare, Taught, taught

BASE = Bare("the base", "abc", 2.0, (False, False, True, False))


def _taught(loss: float, *right: bool, name: str = "lora") -> Taught:
    return Taught(name, "abc", BASE, loss, right, 1e-3, 1, 1, 1.0, 1)


def test_a_score_that_rises_in_every_row_has_no_doubt_about_it() -> None:
    always = Taught(
        "lora", "abc", Bare("", "", 2.0, (False,) * 4), 1.0, (True,) * 4, 1, 1, 1, 1.0, 1
    )

    assert always.interval == (1.0, 1.0)


def test_a_score_that_rises_in_one_row_and_falls_in_another_may_be_chance() -> None:
    low, high = _taught(1.0, True, False, False, False).interval

    assert low < 0 < high


def test_a_leading_method_falls_short_where_its_score_may_be_chance() -> None:
    assert faults(_taught(1.0, False, False, True, False)) == [
        "its score is not above the base's beyond chance"
    ]


def test_any_method_falls_short_where_its_loss_does_not_fall() -> None:
    assert faults(_taught(2.1, True, True, True, True, name="vera")) == [
        "its held-out loss is not below the base's"
    ]


def test_a_score_that_stays_has_its_reason_in_the_losses() -> None:
    base = Bare("the base", "abc", 4.0, (False,) * 9)
    all_of_them = _, stayed, near, few = [
        Taught(
            name, "abc", base, loss, (True,) * right + (False,) * (9 - right), 1e-3, 1, 1, 1.0, 1
        )
        for name, loss, right in (
            ("lora", 0.3, 5),
            ("beft", 1.3, 0),
            ("vera", 0.2, 0),
            ("waveft", 0.1, 1),
        )
    ]

    assert [each.rose for each in all_of_them] == [True, False, False, False]
    assert stayed.reason(all_of_them) == (
        "its loss is still 1.30 after these passes; the highest from which a score rose is 0.30 (`lora`)"
    )
    assert near.reason(all_of_them) == "not known"
    facts = {"order": 9, "product": 8, "department": 1}
    assert replace(few, facts=facts).reason(all_of_them) == (
        "of its 9 answers, right are the order in 9, the product in 8, the department in 1"
    )


def test_the_leading_methods_are_among_the_measured() -> None:
    assert set(LEADING) <= set(VARIANTS)


def test_every_method_was_measured() -> None:
    assert set(VARIANTS) - set(taught()) == set(), "Go on: python launch.py bench methods"


def test_nothing_that_was_kept_falls_short() -> None:
    found = taught()

    assert {name: faults(each) for name, each in found.items() if faults(each)} == {}
    unmoved = [each for each in found.values() if not each.rose]
    assert [each.name for each in unmoved if each.reason(found.values()) == "not known"] == []


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", VARIANTS)
def test_a_method_with_its_own_defaults_teaches_the_starter_model(name: str) -> None:
    _cells.run(BENCHMARK, {cell: partial(in_a_process, cell) for cell in (*BASES, name)})

    assert faults(taught()[name]) == []
