"""Text: every token is trained exactly once, however the texts are cut into windows."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.objectives import Encoded
from studio.objectives.text import OBJECTIVE, Settings, combine, cut
from tests import tiny
from tests.studio.objectives.making import examples

LONG = Encoded(list(range(10, 40)), [1] * 30)


def windows(settings: Settings, max_length: int, *rows: Encoded) -> list[Encoded]:
    pieces = [piece for row in rows for piece in cut(row, settings, max_length)]
    return combine(pieces, settings, max_length)


def trained(rows: list[Encoded]) -> list[int]:
    """The tokens that are predicted somewhere: not the first of a window."""
    return [
        token for row in rows for token, on in list(zip(row.ids, row.mask, strict=True))[1:] if on
    ]


def test_a_text_is_trained_whole_with_its_end() -> None:
    tokenizer = tiny.make_tokenizer()
    (example,) = examples("text", {"text": "Some words."})

    row = OBJECTIVE.encode(example, tokenizer, Settings())

    assert tokenizer.decode(row.ids) == "Some words." + tiny.END_OF_TURN
    assert row.mask == [1] * len(row.ids)


@pytest.mark.parametrize("kind", ["joined", "apart"])
@pytest.mark.parametrize("overlap", [0, 1, 5])
@pytest.mark.parametrize("max_length", [8, 13, 30, 64])
def test_every_token_but_the_first_is_trained_exactly_once(
    kind: Any, overlap: int, max_length: int
) -> None:
    found = windows(Settings(windows=kind, overlap=overlap), max_length, LONG)

    assert trained(found) == LONG.ids[1:]
    assert all(len(row.ids) <= max_length for row in found)
    if len(found) > 1:
        repeated = max(1, overlap)
        assert found[1].ids[:repeated] == found[0].ids[-repeated:]


def test_joined_texts_fill_every_window_but_the_last() -> None:
    short = [Encoded([number] * 5, [1] * 5) for number in range(6)]

    joined = windows(Settings(), 8, *short)
    apart = windows(Settings(windows="apart"), 8, *short)

    assert [len(row.ids) for row in joined[:-1]] == [8] * (len(joined) - 1)
    assert [row.ids for row in apart] == [row.ids for row in short]


def test_an_overlap_as_long_as_the_window_is_refused() -> None:
    with pytest.raises(AskedWrongly, match="overlap of 20 tokens does not fit"):
        windows(Settings(overlap=20), 20, LONG)
