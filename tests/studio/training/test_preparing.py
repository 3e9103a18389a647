"""Preparing: rows as the plain way encodes them, from the text or from what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.data.examples import build
from studio.data.split import Split
from studio.errors import DataProblem
from studio.spec import TrainSpec
from studio.training.encoding import encode
from studio.training.kept_encodings import KeptEncodings
from studio.training.preparing import Kept, prepare
from tests import tiny

LENGTH = 64
CHOICES = [
    "chat",
    "text",
    {"name": "text", "windows": "apart"},
    "classification",
    "preference",
    {"name": "preference", "algorithm": "kto"},
    "seq2seq",
]


def split_of(objective: Any, count: int = 300) -> tuple[TrainSpec, Split, dict[str, str]]:
    """Every third example held out, as `split` would: both parts in the order of the file."""
    spec = TrainSpec.parse({"objective": objective})
    rows = tiny.make_rows_of(spec.objective.name, count)
    if objective == CHOICES[5]:
        rows = [
            {"prompt": row["prompt"], "response": row["chosen"], "label": ("yes", "no")[at % 2]}
            for at, row in enumerate(rows)
        ]
    columns = {role: role for role in rows[0]}
    examples = build(rows, columns, spec.objective.name).examples
    held_out = tuple(examples[::3])
    training = tuple(each for place, each in enumerate(examples) if place % 3)
    return spec, Split(training, held_out), columns


@pytest.mark.parametrize("objective", CHOICES, ids=str)
def test_rows_are_those_of_the_plain_way_at_first_and_again(objective: Any, tmp_path: Path) -> None:
    spec, split, columns = split_of(objective)
    choice, tokenizer = spec.objective.settled(split.training), tiny.make_tokenizer()
    kept = Kept(KeptEncodings(tmp_path), "dataset", columns)

    first = prepare(split, choice, tokenizer, LENGTH, kept)
    found = [list(first.training), list(first.held_out)]
    first.ahead.wait()
    again = prepare(split, choice, tokenizer, LENGTH, kept)

    assert found == [encode(part, choice, tokenizer, LENGTH) for part in split]
    assert [list(again.training), list(again.held_out)] == found
    assert (first.were_known, again.were_known) == (False, True)
    assert first.training[3:5] == found[0][3:5]


def test_kept_rows_serve_another_length_and_another_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, split, columns = split_of("chat")
    choice, tokenizer = spec.objective, tiny.make_tokenizer()
    kept = Kept(KeptEncodings(tmp_path), "dataset", columns)
    prepare(split, choice, tokenizer, LENGTH, kept).ahead.wait()
    other = Split(split.training[:-1], (*split.held_out, split.training[-1]))
    wanted = encode(other.held_out, choice, tokenizer, LENGTH + 3)

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(type(tokenizer), "__call__", never)
    found = prepare(other, choice, tokenizer, LENGTH + 3, kept)

    assert found.were_known
    assert list(found.held_out) == wanted


def test_rows_of_which_nothing_is_left_are_all_named(tmp_path: Path) -> None:
    spec, split, columns = split_of("chat")
    lines = sorted(each.line for part in split for each in part)
    for kept in (None, Kept(KeptEncodings(tmp_path), "dataset", columns)):
        rows = prepare(split, spec.objective, tiny.make_tokenizer(), 12, kept)

        with pytest.raises(DataProblem, match=rf"300 row\(s\).*line {lines[0]}, {lines[1]}"):
            rows.training[0]
