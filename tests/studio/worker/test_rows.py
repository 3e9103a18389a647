"""The rows of a spec as an estimate sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.data.readers import open_source
from studio.library import Library
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker import rows
from studio.worker.bench import Bench
from tests import tiny


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """What a worker keeps at hand, in a home of its own."""
    return Bench(Home(tmp_path / "home"), 0)


def spec(model: Path, **data: Any) -> TrainSpec:
    """A spec with these data."""
    return TrainSpec.parse({"model": {"source": str(model)}, "data": data})


def test_a_file_and_the_dataset_kept_of_it_give_the_same_rows(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    kept = Library(bench.home).keep(open_source(rows_csv), "rows")
    columns = {"prompt": "question", "response": "answer"}
    base = bench.base(str(tiny_model), None)

    of_file = rows.encoded_rows(bench, spec(tiny_model, path=str(rows_csv)), base)
    of_kept = rows.encoded_rows(bench, spec(tiny_model, dataset=kept.hash, columns=columns), base)

    assert of_file is not None
    assert of_file == of_kept
    assert (len(of_file.training), len(of_file.held_out)) == (22, 2)


def test_without_data_there_are_no_rows(bench: Bench, tiny_model: Path) -> None:
    assert rows.encoded_rows(bench, spec(tiny_model), bench.base(str(tiny_model), None)) is None


def test_a_file_that_changed_is_read_again(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    file = tiny.write_csv(tmp_path / "rows.csv", 12)
    choice = spec(tiny_model, path=str(file)).data
    before = rows.examples(bench, choice, "chat")
    tiny.write_csv(file, 20)
    after = rows.examples(bench, choice, "chat")

    assert before is not None
    assert after is not None
    assert len(after.training) > len(before.training)


def test_of_many_rows_a_sample_of_all_lengths_stands_for_all(
    bench: Bench, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = spec(tiny_model, path=str(rows_csv), held_out=0.0)
    base = bench.base(str(tiny_model), None)
    every = rows.encoded_rows(bench, wanted, base)
    monkeypatch.setattr(rows, "MOST_ENCODED", 6)
    rows._encoded.cache_clear()

    sampled = rows.encoded_rows(bench, wanted, base)

    assert every is not None
    assert sampled is not None
    assert len(sampled.training) == len(every.training) == 24
    assert len({tuple(row.ids) for row in sampled.training}) == 6
    all_tokens, sampled_tokens = (
        sum(len(row.ids) for row in found.training) for found in (every, sampled)
    )
    assert 0.95 * all_tokens < sampled_tokens < 1.1 * all_tokens
    rows._encoded.cache_clear()
