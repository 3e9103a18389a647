"""The bounds of verification, at their edges."""

import pytest

from studio.verification.bounds import Difference, Verdict, judge

SAME = Difference(max_logit=0.0, kl=0.0, argmax_equal=1.0, to_base=1e6)


@pytest.mark.parametrize(
    ("difference", "is_16_bit", "verified"),
    [
        (SAME, False, True),
        (Difference(1e-3, 1.0, 1.0, 10.0), False, True),
        (Difference(1.1e-3, 0.0, 1.0, 1e6), False, False),
        (Difference(0.0, 0.0, 0.999, 1e6), False, False),
        (Difference(0.5, 5e-3, 0.95, 10.0), True, True),
        (Difference(0.0, 5.1e-3, 1.0, 1e6), True, False),
        (Difference(0.0, 0.0, 0.949, 1e6), True, False),
        (Difference(0.0, 0.0, 1.0, 9.9), True, False),
        (Difference(0.0, 0.0, 1.0, 0.0), False, False),
        (Difference(0.0, 0.0, 1.0, None), False, True),
        (Difference(float("inf"), float("nan"), 0.0, 0.0), True, False),
        (Difference(float("nan"), float("nan"), 0.0, None), True, False),
    ],
)
def test_a_difference_is_held_against_the_bounds_of_its_format(
    difference: Difference, is_16_bit: bool, verified: bool
) -> None:
    assert judge(difference, is_16_bit=is_16_bit, rows=8).verified is verified


def test_a_verdict_survives_json_both_ways() -> None:
    verdict = judge(SAME, is_16_bit=False, rows=8)

    assert Verdict.from_json(verdict.to_json()) == verdict
