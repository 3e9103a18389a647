"""Sizes as a person reads them."""

from __future__ import annotations

import pytest

from studio.sizes import size


@pytest.mark.parametrize(
    ("count_bytes", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 KB"),
        (312_400_000, "312 MB"),
        (1_430_000_000, "1.4 GB"),
        (999_999_999, "1.0 GB"),
        (235_000_000_000, "235 GB"),
    ],
)
def test_sizes(count_bytes: int, said: str) -> None:
    assert size(count_bytes) == said
