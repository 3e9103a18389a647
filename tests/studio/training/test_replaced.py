"""A function is another one for a while, and itself again afterwards."""

from __future__ import annotations

import math

import pytest

from studio.training.replaced import replaced


def test_it_is_the_original_again_even_where_something_failed() -> None:
    original = math.floor

    with replaced(math, "floor", lambda value: 7):
        within = math.floor(1.5)
    with pytest.raises(ZeroDivisionError), replaced(math, "floor", lambda value: 7 / 0):
        math.floor(1.5)

    assert within == 7
    assert math.floor is original
