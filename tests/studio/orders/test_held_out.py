"""What may be asked of a run's held-out rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.data.examples import Example, build
from studio.library import Library
from studio.orders.freezing import freeze_data
from studio.orders.held_out import held_out_questions
from studio.settings import Home
from studio.spec import TrainSpec
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(Home(tmp_path / "home"))
    yield library
    library.close()


def test_the_first_questions_come_from_rows_that_are_held_out(
    library: Library, tmp_path: Path
) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 40)
    data = freeze_data(
        TrainSpec.parse({"data": {"path": str(file), "held_out": 0.2}}), library
    ).data
    asked = held_out_questions(library.home, data, "chat", 3)

    held_out = library.versions.split(
        _examples(library, data.dataset), str(data.dataset), 0.2, 0, data.split
    ).held_out
    assert asked == [example.question for example in held_out[:3]]


def test_of_a_text_to_continue_its_first_words_are_asked(library: Library, tmp_path: Path) -> None:
    rows = [{"text": f"{number} " + "word " * 30} for number in range(20)]
    file = tiny.write_jsonl(tmp_path / "rows.jsonl", rows)
    spec = TrainSpec.parse({"data": {"path": str(file)}, "objective": "text"})
    (asked,) = held_out_questions(library.home, freeze_data(spec, library).data, "text", 1)

    assert len(asked.split()) == 12


def test_a_run_without_held_out_rows_has_none(library: Library, tmp_path: Path) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 40)
    spec = TrainSpec.parse({"data": {"path": str(file), "held_out": 0}})

    assert held_out_questions(library.home, freeze_data(spec, library).data, "chat", 3) == []


def _examples(library: Library, hash_: str | None) -> tuple[Example, ...]:
    roles = {"prompt": "question", "response": "answer"}
    return build(library.open(str(hash_)), roles).examples
