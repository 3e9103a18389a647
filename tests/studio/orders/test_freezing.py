"""Freezing: what cannot train is refused before anything is queued."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.errors import AskedWrongly, StudioError
from studio.library import Library
from studio.orders.freezing import freeze_apart, freeze_data
from studio.settings import Home
from studio.spec import TrainSpec
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(Home(tmp_path / "home"))
    yield library
    library.close()


def frozen(library: Library, **data: Any) -> TrainSpec:
    return freeze_data(TrainSpec.parse({"data": data}), library)


def test_a_file_becomes_a_kept_dataset_with_its_columns(library: Library, rows_csv: Path) -> None:
    data = frozen(library, path=str(rows_csv)).data

    assert data.columns == {"prompt": "question", "response": "answer"}
    assert data.dataset is not None
    assert len(library.open(data.dataset)) == 24


def test_a_process_apart_freezes_the_same_and_says_how_far_it_is(
    library: Library, tmp_path: Path
) -> None:
    file = tiny.write_jsonl(tmp_path / "rows.jsonl", tiny.make_rows_of("classification") * 200)
    spec = TrainSpec.parse({"data": {"path": str(file)}, "objective": "classification"})
    heard: list[tuple[float, str]] = []

    apart = freeze_apart(spec, library, lambda *said: heard.append(said))

    assert apart == freeze_data(spec, library)
    assert apart.objective.settings.model_dump()["labels"]
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)


def test_what_a_process_apart_refuses_is_named_at_its_field(
    library: Library, rows_csv: Path
) -> None:
    spec = TrainSpec.parse({"data": {"path": str(rows_csv), "columns": {"prompt": "questoin"}}})
    with pytest.raises(AskedWrongly) as caught:
        freeze_apart(spec, library)
    assert "data.columns.prompt" in [problem.field for problem in caught.value.fields]


def test_a_kept_dataset_can_be_named_instead_of_a_file(library: Library, rows_csv: Path) -> None:
    kept = frozen(library, path=str(rows_csv)).data

    again = frozen(library, dataset=kept.dataset, columns=kept.columns).data

    assert again.dataset == kept.dataset


CASES = {
    "empty": ("", "empty"),
    "header only": ("question,answer\n", "row"),
    "one column": ("question\n" + "Why?\n" * 9, "column"),
    "three rows": ("question,answer\n" + "Why?,So.\n" * 3, "at least 4"),
    "unknown columns": ("alpha,beta\n" + "1,2\n" * 9, "by hand"),
}


@pytest.mark.parametrize(("content", "words"), CASES.values(), ids=CASES)
def test_data_that_cannot_train_is_refused_in_plain_words(
    library: Library, tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(StudioError, match=f"(?s)rows.csv.*{words}"):
        frozen(library, path=str(file))


def test_no_data_at_all_is_named_at_its_field(library: Library) -> None:
    with pytest.raises(AskedWrongly) as caught:
        frozen(library)
    assert [problem.field for problem in caught.value.fields] == ["data.path"]


def test_a_column_that_is_not_there_is_named_at_its_field(library: Library, rows_csv: Path) -> None:
    kept = frozen(library, path=str(rows_csv)).data
    wrong = {"prompt": "questoin", "response": "answer"}
    for data in ({"path": str(rows_csv)}, {"dataset": kept.dataset}):
        with pytest.raises(AskedWrongly) as caught:
            frozen(library, **data, columns=wrong)
        assert [problem.field for problem in caught.value.fields] == ["data.columns.prompt"]
        assert "Did you mean 'question'" in caught.value.fields[0].words


def test_an_empty_answer_is_left_out_and_the_rest_trains(library: Library, tmp_path: Path) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 12)
    file.write_text(file.read_text(encoding="utf-8") + "And this?,\n", encoding="utf-8")

    data = frozen(library, path=str(file)).data

    assert len(library.open(str(data.dataset))) == 13
